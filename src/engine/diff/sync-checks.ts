/** What of a sync must fit its destination and its ledger before anything is planned. @module */
import { ConfigError } from "../../core/errors.ts";
import type { PlannedSync } from "../../core/plan.ts";
import type { Sync } from "../../core/sync.ts";
import type { ObjectDescription } from "../../core/types.ts";
import type { OpenDestination } from "../connect/connections.ts";
import type { LedgerState } from "../state/state.ts";

export function checkActions(sync: Sync, open: OpenDestination): void {
  const needed = {
    create: ["create"],
    update: ["update"],
    upsert: ["create", "update"],
    mirror: ["create", "update", "delete"],
  } as const;
  const missing = needed[sync.mode].filter((action) => !open.capabilities.actions.includes(action));
  if (missing.length > 0)
    throw new ConfigError(
      "MODE_UNSUPPORTED",
      `sync "${sync.name}": ${open.system} cannot ${missing.join(" or ")}, which mode ${sync.mode} needs`,
    );
}

export function checkKey(sync: Sync, recorded: LedgerState | undefined, keyType: string, account: string): void {
  if (!recorded) return;
  const at = `sync "${sync.name}"`;
  const same = (a: readonly string[], b: readonly string[]) => a.join("\0") === b.join("\0");
  if (
    !same(recorded.matchOn, sync.destination.matchOn) ||
    recorded.keyType !== keyType ||
    !same(recorded.key, sync.key)
  )
    throw new ConfigError(
      "KEY_CHANGED",
      `${at}: records were kept by ${recorded.key.join(", ")} = ${recorded.matchOn.join(", ")}, now it is ${sync.key.join(", ")} = ${sync.destination.matchOn.join(", ")}`,
      { at },
    );
  if (recorded.account !== account || recorded.object !== sync.destination.object)
    throw new ConfigError(
      "PLAN_FOREIGN",
      `${at}: the state belongs to ${recorded.object} in ${recorded.account}, not to ${sync.destination.object} in ${account}`,
      {
        at,
        next: "Use another state or sync name for another account.",
      },
    );
}

/** What a create that is sent twice does, for this sync. */
export function createClass(
  sync: Sync,
  object: ObjectDescription,
  open: OpenDestination,
): PlannedSync["createIsIdempotent"] {
  const matched = sync.destination.matchOn.map((name) => object.fields.find((field) => field.name === name));
  const [only, ...more] = new Set(matched.map((field) => field?.createIsIdempotent));
  return only !== undefined && more.length === 0 ? only : open.capabilities.createIsIdempotent;
}

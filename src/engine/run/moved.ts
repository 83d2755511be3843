/** Whether a record is still as the plan saw it. What moved since is skipped and reported, never overwritten. @module */

import type { PlannedSync } from "../../core/plan.ts";
import type { Change, RecordKey } from "../../core/types.ts";
import type { OpenDestination } from "../connect/connections.ts";
import { holds } from "../staging/canonicalise.ts";
import type { World } from "../world.ts";
import type { ReadBack, Reader } from "./readback.ts";

/** `drifted`: somebody else wrote it since the plan. `done`: it is already as the change wants it. */
export type Moved = ReadonlyMap<RecordKey, { readonly verdict: "drifted" | "done"; readonly id: string }>;

export type MovedCheck = (changes: readonly Change[], signal: AbortSignal) => Promise<Moved>;

const RECHECK_MS = 30_000;

/**
 * Where the destination lists what changed since the plan's read, one such call serves many batches; where it cannot,
 * every batch is read back before it is sent, unless the sync trusts a plan as young as this one; where a write checks by
 * itself, nothing is read.
 *
 * @param plannedAt milliseconds since the epoch
 */
export function createMovedCheck(
  world: Pick<World, "now">,
  open: OpenDestination,
  planned: PlannedSync,
  reader: Reader,
  plannedAt: number,
): MovedCheck {
  const { capabilities } = open;
  if (capabilities.checksBefore) return async () => new Map();
  const trustedUntil = plannedAt + planned.sync.recheckAfterMinutes * 60_000;
  const since = capabilities.read.since ? planned.observedAt : null;
  if (since === null)
    return async (changes, signal) => {
      if (world.now() < trustedUntil) return new Map();
      // Creates too: one that could be sent twice would overwrite a record made since the plan. One that is refused
      // then tells by itself.
      if (planned.createIsIdempotent === "conflict" && changes.every(({ action }) => action === "create"))
        return new Map();
      const now = await reader.about(changes, signal);
      return now ? compare(changes, now, true) : new Map();
    };
  let seen: { at: number; moved: Promise<ReadBack> } | undefined;
  return async (changes, signal) => {
    if (!seen || world.now() - seen.at > RECHECK_MS) seen = { at: world.now(), moved: reader.since(since, signal) };
    return compare(changes, await seen.moved, false);
  };
}

/** @param whole `now` holds every record the changes are about, so that a missing one is gone. */
function compare(changes: readonly Change[], now: ReadBack, whole: boolean): Moved {
  const verdicts = new Map<RecordKey, { verdict: "drifted" | "done"; id: string }>();
  for (const change of changes) {
    if (change.action === "create") {
      const found = now.byKey.get(change.key) ?? [];
      const done = found.find((record) => holds(record, change.after));
      const [there] = done ? [done] : found;
      if (there) verdicts.set(change.key, { verdict: done ? "done" : "drifted", id: there.id });
      continue;
    }
    const found = now.byId.get(change.id);
    const gone = found ? found.deleted : whole;
    if (gone) verdicts.set(change.key, { verdict: change.action === "delete" ? "done" : "drifted", id: change.id });
    else if (found && !holds(found, change.before)) {
      const done = change.action === "update" && holds(found, change.after);
      verdicts.set(change.key, { verdict: done ? "done" : "drifted", id: change.id });
    }
  }
  return verdicts;
}

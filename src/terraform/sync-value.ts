/** The value of an `ebb_sync` and of an `ebb_plan`. @module */
import { isObject } from "../core/is-object.ts";
import type { SyncSummary } from "../core/plan.ts";
import { type CheckedSync, checkSync, resourceAttributes } from "./check-sync.ts";
import { ofAnyType, plain } from "./dynamic-value.ts";
import type { Images } from "./look.ts";
import { unknown, type Value } from "./msgpack.ts";
import type { Preview } from "./planning.ts";
import { attributes } from "./schema.ts";
import type { Session } from "./session.ts";

export type Block = { readonly [name: string]: Value };

export function asBlock(value: Value): Block {
  return isObject(value) ? (value as Block) : {};
}

/** The sync in a resource's value, where all of it is known. */
export function syncIn(value: Block, session: Session): CheckedSync {
  return checkSync(plain(attributes(resourceAttributes), value), session.declared, []);
}

/** What a plan tells, as attributes. */
export function plannedValue({ summary, digest }: Pick<Preview, "summary" | "digest">): Block {
  const { counts, fields, unchanged, cost } = summary;
  return {
    changes: { create: counts.create, update: counts.update, delete: counts.delete },
    field_changes: Object.fromEntries(fields.map(({ name, changed }) => [name, changed])),
    unchanged,
    rejected: rejectedRows(summary),
    cost: {
      calls: cost.applyCalls,
      seconds: cost.applySeconds === null ? null : Math.ceil(cost.applySeconds),
      quota_used: cost.quota?.used ?? null,
      quota_limit: cost.quota?.limit ?? null,
    },
    digest,
  };
}

export function rejectedRows({ rejected }: SyncSummary): number {
  return rejected.reduce((sum, { count }) => sum + count, 0);
}

/** Of a sync whose plan cannot be made yet. */
export const nothingKnown: Block = {
  ...Object.fromEntries(
    ["changes", "field_changes", "unchanged", "rejected", "cost", "digest", "images", "last_run"].map((name) => [
      name,
      unknown,
    ]),
  ),
};

/** Images as a value of their own type: an object for each record. */
export function imagesValue(images: Images[keyof Images] | undefined): Value {
  if (!images) return null;
  const types = Object.entries(images).map(([key, fields]) => {
    const names = Object.keys(fields).map((name) => [name, "string"] as const);
    return [key, ["object", Object.fromEntries(names)]] as const;
  });
  return ofAnyType(["object", Object.fromEntries(types)], images);
}

/**
 * A plan's changes as columns, for a reader that holds all of them: each field's distinct values once, and for each change
 * the place of its value among them. The staging engine makes them; no object is made for a change.
 * @module
 */
import { type PlannedSync, totalChanges } from "../../core/plan.ts";
import type { Action, Reason } from "../../core/types.ts";
import { presentChanges } from "../diff/changes.ts";
import type { OpenPlan } from "../plan-file.ts";
import { withStaging } from "../staging/scratch.ts";
import type { NumberedTexts } from "../staging/staging.ts";
import { carriedSql, type Stratum, sharesOf, strataOf } from "./share.ts";
import { stageSync } from "./stage-columns.ts";

/** One sync's changes: deletes first, then what overwrites somebody else's edit, then updates and creates, each in apply order. */
export interface SyncColumns {
  readonly planned: PlannedSync;
  /** Changes that are carried, and those that the plan has. */
  readonly rows: number;
  readonly total: number;
  /** What each change is, as its place in {@link changeKinds}; and its position in the plan's apply order. */
  heads(): Promise<{ readonly kinds: Uint32Array; readonly positions: Uint32Array }>;
  /** By the change's place. */
  keys(): AsyncIterable<NumberedTexts>;
  /** Where they are asked for, and are not the keys. */
  ids?(): AsyncIterable<NumberedTexts>;
  /** Fields that a carried change touches, or leaves as they are with few different values. */
  fields(): AsyncIterable<FieldColumns>;
}

/**
 * A code is 0 where the field is no part of the change, 1 for null, and then the place of its value, from 2. All of it is
 * to be read before the next field is asked for.
 */
export interface FieldColumns {
  readonly name: string;
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  /** Values that an update leaves as they are. */
  readonly kept?: Uint32Array;
  /** 1 where somebody else had changed the field. */
  readonly theirs?: Uint32Array;
  readonly distinct: number;
  /** The values, whole or cut to so many characters, each numbered by its code less 2. */
  values(max?: number): AsyncIterable<NumberedTexts>;
}

export interface ChangeKind {
  readonly action: Action;
  readonly reason: Reason;
}

export const changeKinds: readonly ChangeKind[] = (["create", "update", "delete"] as const).flatMap((action) =>
  (["warehouse", "drift", "conflict"] as const).map((reason) => ({ action, reason })),
);

export interface ColumnOptions {
  /** Most changes that are carried, of all syncs together. */
  readonly cap: number;
  /** Whether a field's values are carried where a change leaves them as they are, when there are few different ones. */
  carriesUnchanged(sync: string, field: string): boolean;
  /** Whether the destination's own identifiers are carried. */
  readonly carriesIds: boolean;
}

/** A report of a large plan is made beside other work; each thread of the engine has its own part of the files in memory. */
const LIMITS = { memoryMb: 128, threads: 1 };

/** Gives `use` the columns of each sync that changes anything, one after the other. */
export function withColumns<T>(
  { directory, manifest, summary }: OpenPlan,
  { cap, carriesUnchanged, carriesIds }: ColumnOptions,
  use: (syncs: AsyncIterable<SyncColumns>) => Promise<T>,
): Promise<T> {
  const changing = manifest.syncs.flatMap((planned) => {
    const own = summary.syncs.find(({ name }) => name === planned.sync.name);
    return own && totalChanges(own.counts) > 0 ? [{ planned, own }] : [];
  });
  return withStaging(LIMITS, async (staging) => {
    const strata: (Stratum & { readonly sync: string })[] = [];
    const present: ((typeof changing)[number] & { readonly changes: string })[] = [];
    for (const one of changing) {
      const { planned } = one;
      const changes = await presentChanges(staging, directory, planned);
      present.push({ ...one, changes });
      for (const one of await strataOf(staging, changes)) strata.push({ ...one, sync: planned.sync.name });
    }
    const shares = [...sharesOf(strata, cap)];
    async function* each(): AsyncIterable<SyncColumns> {
      for (const { planned, own, changes } of present) {
        const where = carriedSql(shares.filter(([{ sync }]) => sync === own.name));
        yield await stageSync(staging, changes, planned, own, {
          where,
          carriesUnchanged: (field) => carriesUnchanged(own.name, field),
          ids: carriesIds && !planned.idIsKey,
        });
      }
    }
    return use(each());
  });
}

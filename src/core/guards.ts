import type { Counts, GuardResult } from "./plan.ts";
import { totalChanges } from "./plan.ts";
import type { Sync } from "./sync.ts";

export interface Found {
  readonly counts: Counts;
  readonly sourceRows: number;
  /** Records of the ledger that are Ebb's own, of which deletes are a share. */
  readonly owned: number;
  readonly drifted: number;
  readonly rejected: number;
}

/** Every guard of a sync that what was found does not pass. An empty answer lets the plan through. */
export function checkGuards(sync: Sync, found: Found): readonly GuardResult[] {
  const { guards } = sync;
  const results: GuardResult[] = [];
  const deletes = found.counts.delete;
  if (found.sourceRows === 0 && !guards.allowEmptySource)
    results.push({
      code: "EMPTY_SOURCE",
      message: "the source has no rows; if that is right, set guards.allowEmptySource",
    });
  if (deletes > guards.maxDeletes)
    results.push({
      code: "MAX_DELETES",
      message: `deletes: ${deletes}, guards.maxDeletes allows ${guards.maxDeletes}`,
    });
  const percent = found.owned === 0 ? 0 : (100 * deletes) / found.owned;
  if (percent > guards.maxDeletePercent)
    results.push({
      code: "MAX_DELETE_PERCENT",
      message: `deletes: ${deletes} of ${found.owned} owned records (${percent.toFixed(1)} %), guards.maxDeletePercent allows ${guards.maxDeletePercent}`,
    });
  const changes = totalChanges(found.counts);
  if (guards.maxChanges !== null && changes > guards.maxChanges)
    results.push({ code: "MAX_CHANGES", message: `${changes} changes, guards.maxChanges allows ${guards.maxChanges}` });
  if (sync.onDrift === "fail" && found.drifted > 0)
    results.push({ code: "DRIFT", message: `${found.drifted} records drifted and onDrift is fail` });
  if (sync.failOnRejected && found.rejected > 0)
    results.push({ code: "REJECTED", message: `${found.rejected} rows rejected and failOnRejected is set` });
  return results;
}

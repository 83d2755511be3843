import type { Counts, GuardResult } from "./plan.ts";
import { totalChanges } from "./plan.ts";
import type { Sync } from "./sync.ts";

export interface Found {
  readonly counts: Counts;
  readonly sourceRows: number;
  /** Records of the ledger that are Ebb's own, of which deletes are a share. */
  readonly owned: number;
  /** Records of the ledger, whoever made them. */
  readonly recorded: number;
  readonly drifted: number;
  readonly rejected: number;
  /** How the plan differs from those before it, in sentences. */
  readonly unusual: readonly string[];
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
  const changed = found.counts.update + deletes;
  const there = Math.max(changed, found.sourceRows - found.counts.create + deletes);
  const share = found.recorded === 0 || there === 0 ? 0 : (100 * changed) / there;
  if (guards.maxChangePercent !== null && share > guards.maxChangePercent)
    results.push({
      code: "MAX_CHANGE_PERCENT",
      message: `updates and deletes: ${changed} of ${there} records (${share.toFixed(1)} %), guards.maxChangePercent allows ${guards.maxChangePercent}`,
    });
  if (guards.unusual === "stop" && found.unusual.length > 0)
    results.push({ code: "UNUSUAL", message: `${found.unusual.join("; ")} (guards.unusual is stop)` });
  if (sync.onDrift === "fail" && found.drifted > 0)
    results.push({ code: "DRIFT", message: `${found.drifted} records drifted and onDrift is fail` });
  if (sync.failOnRejected && found.rejected > 0)
    results.push({ code: "REJECTED", message: `${found.rejected} rows rejected and failOnRejected is set` });
  return results;
}

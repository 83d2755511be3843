import type { Counts, FieldCount, RejectedCount } from "../../core/plan.ts";
import type { Reason } from "../../core/types.ts";
import { type Staging, table } from "../staging/staging.ts";
import type { Side } from "./diff.ts";
import type { SyncField } from "./fields.ts";

export interface Tally {
  readonly counts: Counts;
  readonly reasons: Readonly<Record<Reason, number>>;
  readonly fields: readonly FieldCount[];
  readonly rejected: readonly RejectedCount[];
  readonly confirmed: number;
  readonly skipped: number;
  readonly driftKept: number;
}

/**
 * Counts what the diff staged. Only names and numbers leave here, never values.
 *
 * @param sides what was judged
 */
export async function tally(staging: Staging, fields: readonly SyncField[], sides: readonly Side[]): Promise<Tally> {
  // Only what stands can be updated.
  const updated = sides.includes("standing") ? fields : [];
  const n = sides.length > 0 ? await judgedNumbers(staging, updated) : {};
  const rejected = await staging.rows<{ code: RejectedCount["code"]; field: string | null; count: string }>(
    `SELECT code, field, sum(count)::BIGINT AS count FROM ${table("rejected")} GROUP BY code, field ORDER BY code, field`,
  );
  return {
    counts: { create: n.create ?? 0, update: n.update ?? 0, delete: n.delete ?? 0 },
    reasons: { warehouse: n.warehouse ?? 0, drift: n.drift ?? 0, conflict: n.conflict ?? 0 },
    fields: fields
      .map(({ name }, i) => ({ name, changed: n[`c${i}`] ?? 0, filled: n[`n${i}`] ?? 0, cleared: n[`e${i}`] ?? 0 }))
      .filter(({ changed }) => changed > 0)
      .sort((a, b) => b.changed - a.changed),
    rejected: rejected.map(({ code, field, count }) => ({ code, field, count: Number(count) })),
    confirmed: n.confirmed ?? 0,
    skipped: n.skipped ?? 0,
    driftKept: n.kept ?? 0,
  };
}

async function judgedNumbers(staging: Staging, fields: readonly SyncField[]): Promise<Record<string, number>> {
  const changes = (what: string) => `count(*) FILTER (action IS NOT NULL AND problem IS NULL AND ${what})`;
  const per = fields.flatMap((_, i) => [
    `${changes(`action = 'update' AND c${i}`)} AS c${i}`,
    `${changes(`action = 'update' AND c${i} AND o${i} IS NULL`)} AS n${i}`,
    `${changes(`action = 'update' AND c${i} AND a${i} IS NULL`)} AS e${i}`,
  ]);
  const found = await staging.row(
    `SELECT ${["create", "update", "delete"].map((a) => `${changes(`action = '${a}'`)} AS "${a}"`).join(", ")},
       ${["warehouse", "drift", "conflict"].map((r) => `${changes(`reason = '${r}'`)} AS "${r}"`).join(", ")},
       count(*) FILTER (confirmed) AS confirmed,
       count(*) FILTER (kept AND action IS NULL AND (problem IS NULL OR NOT asked)) AS kept,
       count(*) FILTER (wanted AND action IS NULL AND (NOT there OR (NOT kept AND differs))) AS skipped
       ${per.map((sql) => `, ${sql}`).join("")} FROM ${table("judged")}`,
  );
  return Object.fromEntries(Object.entries(found).map(([name, n]) => [name, Number(n ?? 0)]));
}

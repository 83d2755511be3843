/** Some of a plan's changes and rejected rows, for a reader to look at. @module */
import { join } from "node:path";
import type { PlannedSync, RejectCode } from "../../core/plan.ts";
import { ident, literal } from "../../core/sql.ts";
import { type PlannedChange, readChanges } from "../diff/changes.ts";
import type { Staging } from "../staging/staging.ts";
import type { Stratum } from "./share.ts";

/** Some of a sync's changes and rejected rows. */
export interface SyncSamples {
  readonly sync: string;
  readonly deletes: readonly PlannedChange[];
  /** Those that move a number furthest first, then those that change most fields. */
  readonly updates: readonly PlannedChange[];
  readonly creates: readonly PlannedChange[];
  /** Changes to what somebody else edited. */
  readonly drifted: readonly PlannedChange[];
  readonly rejected: readonly {
    readonly code: RejectCode;
    readonly field: string | null;
    readonly keys: readonly string[];
    /** There are more keys than these. */
    readonly more: boolean;
  }[];
}

/** How many changes there are of each kind that is sampled. */
export interface SampledKinds {
  readonly updates: number;
  readonly creates: number;
  readonly drifted: number;
}

/** Most deletes that are listed one by one. */
export const LISTED_DELETES = 50;

const WAREHOUSE_UPDATE = "action = 'update' AND reason = 'warehouse'";
const WAREHOUSE_CREATE = "action = 'create' AND reason = 'warehouse'";
const DRIFTED = "action <> 'delete' AND reason <> 'warehouse'";

export function countKinds(strata: readonly Stratum[]): SampledKinds {
  const total = (some: (stratum: Stratum) => boolean) => strata.filter(some).reduce((sum, { count }) => sum + count, 0);
  return {
    updates: total(({ action, reason }) => action === "update" && reason === "warehouse"),
    creates: total(({ action, reason }) => action === "create" && reason === "warehouse"),
    drifted: total(({ action, reason }) => action !== "delete" && reason !== "warehouse"),
  };
}

/**
 * Deletes up to 50, up to `rejected` keys of each reason to reject, and up to `limit` of every other kind.
 *
 * @param changes relation of the sync's changes
 */
export async function sampleSync(
  staging: Staging,
  directory: string,
  changes: string,
  planned: PlannedSync,
  limit: number,
  rejected = limit,
): Promise<SyncSamples> {
  const some = async (where: string, most: number) => {
    const found: PlannedChange[] = [];
    if (most === 0) return found;
    // Where the last one stands is found by few columns; what lies behind it is not made into text.
    const last = await staging.row<{ n: string | null }>(
      `SELECT max(n) AS n FROM (SELECT n FROM ${changes} WHERE ${where} ORDER BY n LIMIT ${most})`,
    );
    if (last.n === null) return found;
    const until = `${where} AND n <= ${last.n}`;
    for await (const one of readChanges(staging, directory, planned, until, most)) found.push(one);
    return found;
  };
  const largest = await largestUpdates(staging, changes, planned, limit);
  const updates = await some(`n IN (${largest.join(", ") || "NULL"})`, limit);
  return {
    sync: planned.sync.name,
    deletes: await some("action = 'delete'", Math.max(limit, LISTED_DELETES)),
    updates: largest.flatMap((n) => updates.filter(({ change }) => change.n === n)),
    creates: await some(WAREHOUSE_CREATE, limit),
    drifted: await some(DRIFTED, limit),
    rejected: await rejectedKeys(staging, directory, planned, rejected),
  };
}

/** Positions of the updates that move a number furthest, compared with the furthest any update moves that field. */
async function largestUpdates(
  staging: Staging,
  changes: string,
  planned: PlannedSync,
  limit: number,
): Promise<readonly number[]> {
  if (limit === 0) return [];
  const names = Object.keys(planned.types);
  const moves = Object.entries(planned.types).flatMap(([name, { kind }]) => {
    if (kind !== "integer" && kind !== "decimal" && kind !== "float") return [];
    const side = (image: string) => `coalesce(CAST(${image}.${ident(name)} AS DOUBLE), 0)`;
    return [`CASE WHEN changed.${ident(name)} THEN abs(${side("after")} - ${side("before")}) END`];
  });
  const most =
    moves.length === 0
      ? {}
      : await staging.row<Record<string, number | null>>(
          `SELECT ${moves.map((move, i) => `max(${move}) FILTER (isfinite(${move})) AS m${i}`).join(", ")} FROM ${changes} WHERE ${WAREHOUSE_UPDATE}`,
        );
  const shares = moves.flatMap((move, i) => {
    const furthest = Number(most[`m${i}`] ?? 0);
    return furthest > 0 ? [`coalesce(${move} / ${furthest}, 0)`] : [];
  });
  const count = names.map((name) => `changed.${ident(name)}::INTEGER`).join(" + ");
  const order = [shares.length > 0 ? `greatest(${shares.join(", ")}) DESC` : "", `${count} DESC`, "n"].filter(Boolean);
  const found = await staging.rows<{ n: string }>(
    `SELECT n FROM ${changes} WHERE ${WAREHOUSE_UPDATE} ORDER BY ${order.join(", ")} LIMIT ${limit}`,
  );
  return found.map(({ n }) => Number(n));
}

async function rejectedKeys(staging: Staging, directory: string, planned: PlannedSync, limit: number) {
  const file = literal(join(directory, "rejected", `${planned.file}.parquet`));
  return staging.rows<{
    code: RejectCode;
    field: string | null;
    keys: readonly string[];
    more: boolean;
  }>(
    `SELECT code, field, coalesce(list(key ORDER BY key) FILTER (key IS NOT NULL), []::VARCHAR[])[1:${limit}] AS keys, count(key) > ${limit} AS more
     FROM read_parquet(${file}) GROUP BY code, field ORDER BY code, field`,
  );
}

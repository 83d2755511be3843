/** Where the updates of a sync are concentrated: values that their records have far more often than all rows. @module */
import { textSql } from "../../core/canonical.ts";
import { literal } from "../../core/sql.ts";
import type { Sync } from "../../core/sync.ts";
import type { Value } from "../../core/types.ts";
import type { SyncField } from "../diff/fields.ts";
import { type Staging, table } from "../staging/staging.ts";
import { countable } from "./shapes.ts";

/** So much of the updates has this value and leaves it as it is, so many times more often than all rows. */
export interface Concentration {
  readonly field: string;
  readonly value: Value;
  readonly updates: number;
  /** Of the updates, 0 to 1. */
  readonly share: number;
  /** Share of the updates over the share of all rows. */
  readonly lift: number;
}

const LEAST_UPDATES = 20;
const LEAST_SHARE = 0.6;
const LEAST_LIFT = 1.5;
const MOST = 3;

/**
 * Looked for while the plan is made, since only then all rows are there. Texts and booleans that are neither personal nor
 * secret; the rows are read once more, and only where the updates have something in common.
 */
export async function concentratedIn(
  staging: Staging,
  {
    sync,
    fields,
    desired,
    updates,
  }: {
    readonly sync: Sync;
    readonly fields: readonly SyncField[];
    /** Relation of all rows. */
    readonly desired: string;
    readonly updates: number;
  },
): Promise<readonly Concentration[]> {
  if (updates < LEAST_UPDATES) return [];
  const candidates = fields.flatMap((field, i) => {
    const fits = field.type.kind === "text" || field.type.kind === "boolean";
    return fits && countable(sync, field.name) ? [{ ...field, i }] : [];
  });
  if (candidates.length === 0) return [];
  const updated = `(SELECT * FROM ${table("judged")} WHERE action = 'update' AND problem IS NULL)`;
  const tops = await staging.row<Record<string, Value>>(
    `SELECT ${candidates.map(({ i, type }) => `${textSql(`approx_top_k(a${i}, 1)[1]`, type)} AS v${i}`).join(", ")} FROM ${updated}`,
  );
  const found = candidates.flatMap(({ name, i, type }) => {
    const value = tops[`v${i}`] ?? null;
    return value === null
      ? []
      : [{ name, i, value, is: (column: string) => `${textSql(column, type)} = ${literal(value)}` }];
  });
  if (found.length === 0) return [];
  const counted = await staging.row<Record<string, string>>(
    `SELECT ${found.map(({ i, is }) => `count(*) FILTER (NOT c${i} AND ${is(`a${i}`)}) AS n${i}`).join(", ")} FROM ${updated}`,
  );
  const common = found.filter(({ i }) => Number(counted[`n${i}`]) >= LEAST_SHARE * updates);
  if (common.length === 0) return [];
  const all = await staging.row<Record<string, string>>(
    `SELECT count(*) AS rows, ${common.map(({ i, is }) => `count(*) FILTER (${is(`f${i}`)}) AS n${i}`).join(", ")} FROM ${desired}`,
  );
  return common
    .map(({ name, i, value }): Concentration => {
      const share = Number(counted[`n${i}`]) / updates;
      const usual = Number(all[`n${i}`]) / Math.max(1, Number(all.rows));
      return { field: name, value, updates: Number(counted[`n${i}`]), share, lift: usual > 0 ? share / usual : 1 };
    })
    .filter(({ lift }) => lift >= LEAST_LIFT)
    .sort((a, b) => b.share * b.lift - a.share * a.lift)
    .slice(0, MOST);
}

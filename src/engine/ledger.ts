/**
 * The ledger of one sync as a relation: its segments folded, the latest row of a key winning.
 * Columns: `key`, `id`, `owned`, and per field `f0…` (recorded value) and `k0…` (whether it was recorded).
 * @module
 */
import { sqlType } from "../core/canonical.ts";
import { ident, literal } from "../core/sql.ts";
import type { Staging } from "./staging.ts";

export interface LedgerField {
  readonly name: string;
  readonly type: Parameters<typeof sqlType>[0];
}

/** Column of a segment that holds a field's value. Other columns: key, id, owned, gone. */
export function segmentColumn(field: string): string {
  return `f:${field}`;
}

/** A segment to fold: a Parquet file, or rows not yet written as one. */
export interface SegmentSource {
  readonly sql: string;
  readonly rows: number;
}

export function parquetSegment(path: string, rows: number): SegmentSource {
  return { sql: `read_parquet(${literal(path)})`, rows };
}

/** SQL of the folded ledger, or of none. */
export async function ledgerSql(
  staging: Staging,
  segments: readonly SegmentSource[],
  fields: readonly LedgerField[],
  keyType: "BIGINT" | "VARCHAR",
): Promise<string> {
  const shaped = await Promise.all(
    segments.map(async ({ sql }, index) => {
      const has = new Set((await staging.describe(`SELECT * FROM ${sql}`)).map(({ name }) => name));
      const columns = fields.flatMap(({ name, type }, i) => {
        const column = segmentColumn(name);
        const value = has.has(column)
          ? `TRY_CAST(${ident(column)} AS ${sqlType(type)})`
          : `CAST(NULL AS ${sqlType(type)})`;
        return [`${value} AS f${i}`, `${has.has(column)} AS k${i}`];
      });
      const head = `TRY_CAST(key AS ${keyType}) AS key, id, owned`;
      return { index, head: [head, ...columns].join(", "), sql };
    }),
  );
  const [base, ...deltas] = shaped;
  if (!base) {
    const empty = fields.flatMap(({ type }, i) => [`CAST(NULL AS ${sqlType(type)}) AS f${i}`, `false AS k${i}`]);
    return `SELECT CAST(NULL AS ${keyType}) AS key, CAST(NULL AS VARCHAR) AS id, false AS owned${empty.map((e) => `, ${e}`).join("")} WHERE false`;
  }
  if (deltas.length === 0) return `SELECT ${base.head} FROM ${base.sql} WHERE NOT gone`;
  const rows = deltas
    .map(({ head, sql, index }) => `SELECT ${head}, gone, ${index} AS s FROM ${sql}`)
    .join(" UNION ALL ");
  const latest = `SELECT * FROM (${rows}) QUALIFY row_number() OVER (PARTITION BY key ORDER BY s DESC) = 1`;
  const kept = `SELECT ${base.head} FROM ${base.sql} b WHERE NOT gone AND NOT EXISTS (SELECT 1 FROM (${latest}) d WHERE d.key = b.key)`;
  return `${kept} UNION ALL SELECT * EXCLUDE (gone, s) FROM (${latest}) WHERE NOT gone`;
}

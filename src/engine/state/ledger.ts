/**
 * The ledger of one sync as a relation: its segments folded, the latest row of a key winning.
 * Columns: `key`, `id`, `owned`, per field `f0…` (recorded value) and `k0…` (whether it was recorded), and the row hash `h`.
 * @module
 */
import { sqlType } from "../../core/canonical.ts";
import { ident, literal, noRows } from "../../core/sql.ts";
import { type HashedField, rowHashName, rowHashSql } from "../staging/row-hash.ts";
import type { Staging } from "../staging/staging.ts";

/** Column of a segment that holds a field's value. Other columns: key, id, owned, gone, h. */
export function segmentColumn(field: string): string {
  return `f:${field}`;
}

/** Column that says whether the value was recorded at all, in segments merged of some that had it and some that had not. */
export function knownColumn(field: string): string {
  return `k:${field}`;
}

/** A segment to fold: a Parquet file, or rows not yet written as one. */
export interface SegmentSource {
  readonly sql: string;
  readonly rows: number;
  /** Name of the hash in its column `h`; see `rowHashName`. */
  readonly hash: string;
  /** Its columns besides key, id, owned, gone and h, where they are known. */
  readonly columns?: readonly string[];
}

export function parquetSegment(path: string, rows: number, hash: string): SegmentSource {
  return { sql: `read_parquet(${literal(path)})`, rows, hash };
}

/** SQL of the folded ledger, or of none. */
export async function ledgerSql(
  staging: Staging,
  segments: readonly SegmentSource[],
  fields: readonly HashedField[],
  keyType: "BIGINT" | "VARCHAR",
): Promise<string> {
  const hash = rowHashName(fields, staging.version);
  const shaped = await Promise.all(
    segments.map(async (segment, index) => {
      const has = new Set(segment.columns ?? (await columnsOf(staging, segment)));
      const value = (i: number) => {
        const { name, type } = fields[i] ?? { name: "", type: { kind: "text" } as const };
        const column = segmentColumn(name);
        return has.has(column) ? `TRY_CAST(${ident(column)} AS ${sqlType(type)})` : `CAST(NULL AS ${sqlType(type)})`;
      };
      const columns = fields.flatMap(({ name }, i) => [
        `${value(i)} AS f${i}`,
        `${has.has(knownColumn(name)) ? ident(knownColumn(name)) : has.has(segmentColumn(name))} AS k${i}`,
      ]);
      const h = segment.hash === hash ? "h" : `${rowHashSql(fields, value)} AS h`;
      const head = [`TRY_CAST(key AS ${keyType}) AS key`, "id", "owned", ...columns, h].join(", ");
      return { index, head, sql: segment.sql };
    }),
  );
  const [base, ...deltas] = shaped;
  if (!base) {
    const values = fields.flatMap(({ type }, i) => [
      [`f${i}`, sqlType(type)],
      [`k${i}`, "BOOLEAN"],
    ]);
    return noRows({ key: keyType, id: "VARCHAR", owned: "BOOLEAN", ...Object.fromEntries(values), h: "UBIGINT" });
  }
  if (deltas.length === 0) return `SELECT ${base.head} FROM ${base.sql} WHERE NOT gone`;
  const rows = deltas
    .map(({ head, sql, index }) => `SELECT ${head}, gone, ${index} AS s FROM ${sql}`)
    .join(" UNION ALL ");
  const latest = `SELECT * FROM (${rows}) QUALIFY row_number() OVER (PARTITION BY key ORDER BY s DESC) = 1`;
  const kept = `SELECT ${base.head} FROM ${base.sql} b WHERE NOT gone AND NOT EXISTS (SELECT 1 FROM (${latest}) d WHERE d.key = b.key)`;
  return `${kept} UNION ALL SELECT * EXCLUDE (gone, s) FROM (${latest}) WHERE NOT gone`;
}

async function columnsOf(staging: Staging, { sql }: SegmentSource): Promise<readonly string[]> {
  return (await staging.describe(`SELECT * FROM ${sql}`)).map(({ name }) => name);
}

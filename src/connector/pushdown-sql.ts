/** What the diff in the warehouse says in every dialect. @module */
import { literal } from "../core/sql.ts";
import type { Mark } from "./pushdown.ts";

export interface ChangedSql {
  /** A query of `k` (raw key), `h` (hash) and the returned columns `c0…`. It is evaluated once. */
  readonly rows: string;
  /** How many columns it returns. */
  readonly columns: number;
  /** The marks' table, quoted; without it every row is changed. */
  readonly marks?: { readonly table: string; readonly token: string };
}

/** Columns `w`, `k`, `h` and `c0…`. Marks of another token are no marks: one statement, so of one moment. */
export function changedSql({ rows, columns, marks }: ChangedSql): string {
  const names = Array.from({ length: columns }, (_, i) => `c${i}`);
  if (!marks) return `SELECT 'changed' AS w, ${["k", "h", ...names].join(", ")} FROM (${rows}) d`;
  const { table, token } = marks;
  const own = names.map((name) => `, d.${name} AS ${name}`).join("");
  return `SELECT CASE WHEN d.n IS NULL THEN 'gone' ELSE 'changed' END AS w, COALESCE(d.k, m.k) AS k, COALESCE(d.h, m.h) AS h${own}
    FROM (SELECT r.*, COUNT(*) OVER (PARTITION BY k) AS n FROM (${rows}) r) d
    FULL OUTER JOIN (SELECT key AS k, hash AS h FROM ${table} WHERE (SELECT MAX(hash) FROM ${table} WHERE key = '') = ${literal(token)}) m
    ON d.k = m.k
    WHERE d.n IS NULL OR d.n > 1 OR m.k IS NULL OR d.h <> m.h`;
}

/** The token's own mark and then the others, page by page. */
export async function* withToken(next: string, marks: AsyncIterable<readonly Mark[]>): AsyncIterable<readonly Mark[]> {
  yield [{ key: "", hash: next }];
  yield* marks;
}

/** The diff in the account itself: marks are kept in the schema EBB of the connection's database. @module */
import {
  type ChangesRequest,
  type Context,
  changedSql,
  EbbError,
  ident,
  markColumns,
  type RecordRequest,
} from "../../src/connector/index.ts";
import type { Driver, ResultColumn } from "./driver.ts";
import { quoted } from "./query.ts";
import { textSql } from "./types.ts";
import { loadMarks } from "./upload.ts";

const schema = "EBB";
const tableSql = (table: string) => `${schema}.${ident(table.toUpperCase())}`;
const text = { type: "text", precision: null, scale: null } as const;

export interface ChangedQuery {
  readonly sql: string;
  /** Columns of `sql`, in order, with the names they shall have. */
  readonly columns: readonly ResultColumn[];
}

/** What is run instead of the query `sql`, whose columns are `described`, called `names`. */
export async function changedQuery(
  driver: Driver,
  sql: string,
  described: readonly ResultColumn[],
  names: readonly string[],
  { key, columns, table, token, query }: ChangesRequest,
  signal: AbortSignal,
): Promise<ChangedQuery> {
  const used = columns.map((name) => ({ name, at: names.indexOf(name) }));
  const textOf = (at: number) => textSql(`q${at}`, described[at] ?? { name: "", ...text });
  const keys = key.map((name) => names.indexOf(name));
  // Through JSON, in which a text has no collation: texts that only a collation takes for equal are not the same.
  const json = (at: readonly number[]) => `TO_JSON(ARRAY_CONSTRUCT(${at.map(textOf).join(", ")}))`;
  const raw = `CASE WHEN ${keys.map((at) => `q${at} IS NULL`).join(" OR ")} THEN NULL ELSE ${json(keys)} END`;
  const own = used.map(({ at }, i) => `, q${at} AS c${i}`).join("");
  // MD5, since the vendor does not promise that its HASH stays as it is.
  const rows = `WITH q (${described.map((_, i) => `q${i}`).join(", ")}) AS (\n${sql}) SELECT ${raw} AS k, MD5(${json(used.map(({ at }) => at))}) AS h${own} FROM q`;
  const there = token !== null && (await tableExists(driver, table, query.label, signal));
  const marks = there ? { marks: { table: tableSql(table), token } } : {};
  return {
    sql: changedSql({ rows, columns: columns.length, ...marks }),
    columns: [
      ...[markColumns.what, markColumns.key, markColumns.hash].map((name) => ({ name, ...text })),
      ...used.map(({ name, at }) => ({ ...(described[at] ?? text), name })),
    ],
  };
}

async function tableExists(
  driver: Driver,
  table: string,
  label: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await driver.execute(`SELECT key, hash FROM ${tableSql(table)}`, { label, describeOnly: true }, signal);
    return true;
  } catch (error) {
    if (error instanceof EbbError && error.effect !== "transient") return false;
    throw error;
  }
}

/** Two statements that each do all or nothing: the token is a row beside the marks. */
export async function recordMarks(
  driver: Driver,
  context: Context,
  { table, token, next, marks }: RecordRequest,
  signal: AbortSignal,
): Promise<boolean> {
  const label = "ebb marks";
  const run = async (sql: string) => (await driver.execute(sql, { label }, signal)).rows(signal);
  const target = tableSql(table);
  const held = (await tableExists(driver, table, label, signal))
    ? (await run(`SELECT hash FROM ${target} WHERE key = ''`))[0]?.HASH
    : undefined;
  if (held === next) return true;
  if (token !== null && held !== token) return false;
  // Only asked for where it is missing: the role may be allowed its tables and not to make a schema.
  if (held === undefined && (await run(`SHOW SCHEMAS LIKE ${quoted(schema)}`)).length === 0)
    await run(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  const delta = `${schema}.${ident(`${table.toUpperCase()}_DELTA`)}`;
  await run(`CREATE OR REPLACE TEMPORARY TABLE ${delta} (key VARCHAR, hash VARCHAR)`);
  await loadMarks(driver, context, delta, next, marks, signal);
  if (token === null)
    await run(`CREATE OR REPLACE TRANSIENT TABLE ${target} AS SELECT key, hash FROM ${delta} WHERE hash IS NOT NULL`);
  else
    await run(`MERGE INTO ${target} t USING ${delta} d ON t.key = d.key
      WHEN MATCHED AND d.hash IS NULL THEN DELETE
      WHEN MATCHED THEN UPDATE SET hash = d.hash
      WHEN NOT MATCHED AND d.hash IS NOT NULL THEN INSERT (key, hash) VALUES (d.key, d.hash)`);
  return true;
}

/** The diff in the database itself: marks are kept in its schema `ebb`, which is `EBB` without quotes. @module */
import {
  type ChangesRequest,
  changedSql,
  type Extract,
  ident,
  markColumns,
  type RecordRequest,
  withToken,
} from "../../src/connector/index.ts";
import type { Client, Transaction } from "./client.ts";
import { copyText } from "./copy-text.ts";
import { columnsOf, csvExtract } from "./query.ts";

const schema = "ebb";
const tableSql = (table: string) => `${ident(schema)}.${ident(table)}`;

/** What is copied out instead of the query. */
export async function changedExtract(
  client: Client,
  sql: string,
  { key, columns, table, token }: Omit<ChangesRequest, "query">,
  translate: (error: unknown) => unknown,
  signal: AbortSignal,
): Promise<Extract> {
  const described = await client.describe(sql, signal);
  columnsOf(described);
  const at = (name: string) => described.findIndex((column) => column.name === name);
  // As one text: equal numbers may be written differently, and what is written is what is synced.
  const text = (name: string) => `q${at(name)}::text`;
  const isNull = key.map((name) => `q${at(name)} IS NULL`).join(" OR ");
  const raw = `CASE WHEN ${isNull} THEN NULL ELSE json_build_array(${key.map(text).join(", ")})::text END COLLATE "C"`;
  const hash = `hashtextextended(ROW(${columns.map(text).join(", ")})::text COLLATE "C", 0)::text COLLATE "C"`;
  const own = columns.map((name, i) => `, q${at(name)} AS c${i}`).join("");
  const names = described.map((_, i) => `q${i}`).join(", ");
  const rows = `SELECT ${raw} AS k, ${hash} AS h${own} FROM (${sql}) AS q (${names})`;
  const there = token !== null && (await tableExists(client, table, signal));
  const marks = there ? { marks: { table: tableSql(table), token } } : {};
  const changed = changedSql({ rows, columns: columns.length, ...marks });
  const { what, key: rawKey, hash: rowHash } = markColumns;
  const named = [
    ...[`w::text AS ${ident(what)}`, `k AS ${ident(rawKey)}`, `h AS ${ident(rowHash)}`],
    ...columns.map((name, i) => `c${i} AS ${ident(name)}`),
  ];
  return csvExtract(client, `SELECT ${named.join(", ")} FROM (${changed}) AS changed`, translate, signal);
}

async function tableExists(client: Pick<Client, "query">, table: string, signal: AbortSignal): Promise<boolean> {
  const { rows } = await client.query("SELECT to_regclass($1)::text AS name", [tableSql(table)], signal);
  return typeof rows[0]?.name === "string";
}

export function recordMarks(client: Client, request: RecordRequest, signal: AbortSignal): Promise<boolean> {
  return client.transaction(async (tx) => {
    const held = await heldToken(tx, request.table);
    if (held === request.next) return true;
    if (request.token !== null && held !== request.token) return false;
    const columns = `(key text COLLATE "C" NOT NULL, hash text COLLATE "C")`;
    await tx.query(`CREATE TEMPORARY TABLE ebb_delta ${columns} ON COMMIT DROP`);
    for await (const page of withToken(request.next, request.marks)) {
      signal.throwIfAborted();
      await tx.copyIn("ebb_delta (key, hash)", copyText(page.map(({ key, hash }) => [key, hash])));
    }
    const table = tableSql(request.table);
    if (request.token === null) {
      // Only asked for where it is missing: the role may be allowed its tables and not to make a schema.
      const { rows } = await tx.query("SELECT to_regnamespace($1)::text AS name", [ident(schema)]);
      if (typeof rows[0]?.name !== "string") await tx.query(`CREATE SCHEMA ${ident(schema)}`);
      await tx.query(`DROP TABLE IF EXISTS ${table}`);
      await tx.query(`CREATE TABLE ${table} ${columns}`);
    } else await tx.query(`DELETE FROM ${table} WHERE key IN (SELECT key FROM ebb_delta)`);
    await tx.query(`INSERT INTO ${table} (key, hash) SELECT key, hash FROM ebb_delta WHERE hash IS NOT NULL`);
    return true;
  }, signal);
}

async function heldToken(tx: Transaction, table: string): Promise<string | null> {
  const found = await tx.query("SELECT to_regclass($1)::text AS name", [tableSql(table)]);
  if (typeof found.rows[0]?.name !== "string") return null;
  const { rows } = await tx.query(`SELECT hash FROM ${tableSql(table)} WHERE key = ''`);
  return rows[0]?.hash ?? null;
}

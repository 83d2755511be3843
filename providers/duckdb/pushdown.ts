/** The diff in the database file itself: marks are kept in its schema EBB. @module */
import {
  changedSql,
  type Extract,
  ident,
  type Mark,
  markColumns,
  type RecordRequest,
  withToken,
} from "../../src/connector/index.ts";
import { openSession, type Session } from "./session.ts";

const schema = "EBB";
const tableSql = (table: string) => `${ident(schema)}.${ident(table)}`;

export interface ChangedInput {
  readonly setup: readonly string[];
  /** Name of the attached database, unquoted. */
  readonly catalog: string;
  /** The query, fit to stand in parentheses. */
  readonly sql: string;
  readonly key: readonly string[];
  readonly columns: readonly string[];
  readonly table: string;
  readonly token: string | null;
}

/** What the staging engine reads instead of the query. */
export async function changedExtract(session: Session, input: ChangedInput, signal: AbortSignal): Promise<Extract> {
  const { catalog, key, columns, table, token, setup } = input;
  const parts = key.map((name) => `CAST(${ident(name)} AS VARCHAR)`);
  const isNull = key.map((name) => `${ident(name)} IS NULL`).join(" OR ");
  const raw = `CASE WHEN ${isNull} THEN NULL ELSE CAST(to_json([${parts.join(", ")}]) AS VARCHAR) END`;
  // The value, and its text: 1.0 and 1.00 are equal values, and two lists may have one text.
  const values = columns.flatMap((name) => [ident(name), `CAST(${ident(name)} AS VARCHAR)`]);
  const hash = `format('{:x}{:x}', hash(${values.join(", ")}), hash('again', ${values.join(", ")}))`;
  const rows = `SELECT ${raw} AS k, ${hash} AS h${columns.map((name, i) => `, ${ident(name)} AS c${i}`).join("")} FROM (${input.sql})`;
  const there = token !== null && (await tableExists(session, catalog, table, signal));
  const marks = there ? { marks: { table: `${ident(catalog)}.${tableSql(table)}`, token } } : {};
  const changed = changedSql({ rows, columns: columns.length, ...marks });
  const { what, key: rawKey, hash: rowHash } = markColumns;
  const named = [`w AS ${ident(what)}`, `k AS ${ident(rawKey)}`, `h AS ${ident(rowHash)}`];
  const own = columns.map((name, i) => `c${i} AS ${ident(name)}`);
  return { kind: "relation", setup, sql: `SELECT ${[...named, ...own].join(", ")} FROM (${changed})` };
}

async function tableExists(session: Session, catalog: string, table: string, signal: AbortSignal): Promise<boolean> {
  const found = await session.rows(
    "SELECT 1 FROM duckdb_tables() WHERE database_name = $1 AND schema_name = $2 AND table_name = $3",
    [catalog, schema, table],
    signal,
  );
  return found.length > 0;
}

/** Writes marks into a database file that nothing else in this process has open. */
export async function recordMarks(path: string, request: RecordRequest, signal: AbortSignal): Promise<boolean> {
  const session = await openSession(path, "write");
  try {
    const held = await heldToken(session, request.table, signal);
    if (held === request.next) return true;
    if (request.token !== null && held !== request.token) return false;
    await session.rows("CREATE TEMP TABLE delta (key VARCHAR, hash VARCHAR)", [], signal);
    for await (const page of withToken(request.next, request.marks)) await insert(session, page, signal);
    const table = tableSql(request.table);
    const statements =
      request.token === null
        ? [
            `CREATE SCHEMA IF NOT EXISTS ${ident(schema)}`,
            `CREATE OR REPLACE TABLE ${table} AS SELECT key, hash FROM delta WHERE hash IS NOT NULL`,
          ]
        : [
            `DELETE FROM ${table} WHERE key IN (SELECT key FROM delta)`,
            `INSERT INTO ${table} SELECT key, hash FROM delta WHERE hash IS NOT NULL`,
          ];
    for (const statement of ["BEGIN", ...statements, "COMMIT"]) await session.rows(statement, [], signal);
    return true;
  } finally {
    await session.close();
  }
}

async function heldToken(session: Session, table: string, signal: AbortSignal): Promise<string | null> {
  const [database] = await session.rows("SELECT current_database() AS name", [], signal);
  if (!(await tableExists(session, String(database?.name), table, signal))) return null;
  const [row] = await session.rows(`SELECT max(hash) AS token FROM ${tableSql(table)} WHERE key = ''`, [], signal);
  return row?.token == null ? null : String(row.token);
}

async function insert(session: Session, page: readonly Mark[], signal: AbortSignal): Promise<void> {
  const json = JSON.stringify(page.map(({ key, hash }) => [key, hash]));
  await session.rows(
    `INSERT INTO delta SELECT p[1], p[2] FROM (SELECT unnest(from_json($1, '[["VARCHAR"]]')) AS p)`,
    [json],
    signal,
  );
}

/** INSERT, UPDATE, DELETE and MERGE. @module */
import { readName, resolve, skip, tableSql } from "./names.ts";
import { listed, type Outcome, type StatementType, statementTypes } from "./outcome.ts";
import type { SqlSession, Work } from "./session.ts";
import { closing, commaParts, isSymbol, isWord, quote, quoteText, type Token } from "./tokens.ts";
import { rowType } from "./types.ts";

const counts = (type: StatementType, found: Readonly<Record<string, number>>): Outcome =>
  listed(
    type,
    Object.keys(found).map((name) => rowType(name, "BIGINT")),
    [Object.values(found)],
  );

/** Columns a text does not become by itself, and what makes it so. */
const converters: readonly (readonly [string, string])[] = [
  ["STRUCT(ltz", "sf_ltz9"],
  ["STRUCT(tz", "sf_tz"],
  ["STRUCT(geography", "sf_geography"],
  ["STRUCT(geometry", "sf_geometry"],
  ["BLOB", "sf_binary"],
  ["TIMESTAMP_NS", "sf_ntz9"],
  ["TIMESTAMP WITH", "sf_ltz6"],
];

export async function insert(work: Work): Promise<Outcome> {
  const { tokens, session } = work;
  session.context.needsWrite("table");
  session.context.needsWarehouse();
  const overwrite = isWord(tokens[1], "OVERWRITE");
  const { parts, next } = readName(tokens, skip(tokens, overwrite ? 2 : 1, "INTO"));
  const target = tableSql(session, parts);
  let at = next;
  let given: readonly string[] | undefined;
  if (isSymbol(tokens[at], "(") && !isWord(tokens[at + 1], "SELECT", "WITH")) {
    const close = closing(tokens, at);
    given = commaParts(tokens.slice(at + 1, close)).map(([name]) => name?.text ?? "");
    at = close + 1;
  }
  const columns = await columnsOf(session, parts);
  const names = given ?? columns.map(({ name }) => name);
  const makers = names.map((name) =>
    converterOf(columns.find((c) => c.name.toUpperCase() === name.toUpperCase())?.type),
  );
  const query = work.write(tokens.slice(at));
  const values = makers.map((maker, i) => (maker ? `${maker}(c${i})` : `c${i}`));
  const aliases = names.map((_, i) => `c${i}`);
  const source = makers.some(Boolean)
    ? `SELECT ${values.join(", ")} FROM (${query}) AS q (${aliases.join(", ")})`
    : query;
  if (overwrite) await session.connection.run(`DELETE FROM ${target}`);
  const result = await session.connection.run(`INSERT INTO ${target} (${names.map(quote).join(", ")}) ${source}`);
  return counts(statementTypes.insert, { "number of rows inserted": result.rowsChanged });
}

function converterOf(type: string | undefined): string | undefined {
  return converters.find(([start]) => type?.startsWith(start))?.[1];
}

/** Columns of a table, in order, with the engine's types. */
export async function columnsOf(
  session: SqlSession,
  parts: readonly string[],
): Promise<readonly { readonly name: string; readonly type: string; readonly nullable: boolean }[]> {
  const [database, schema, table] = resolve(session, parts);
  const where = (column: string, value: string) => `upper(${column}) = upper(${quoteText(value)})`;
  const found = await session.ask(
    `SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE ${where("database_name", database)} AND ${where("schema_name", schema)} AND ${where("table_name", table)} ORDER BY column_index`,
  );
  // An unknown table: the engine's own words say so.
  if (found.length === 0) await session.connection.run(`SELECT 1 FROM ${tableSql(session, parts)}`);
  return found.map((row) => ({
    name: String(row.column_name),
    type: String(row.data_type),
    nullable: row.is_nullable === true,
  }));
}

/** Drops the table's name before an assigned column: the engine wants it bare. */
function bare(tokens: readonly Token[]): readonly Token[] {
  const out: Token[] = [];
  let setting = false;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (!token) break;
    if (isWord(token, "SET")) setting = true;
    if (isWord(token, "WHERE", "WHEN", "FROM")) setting = false;
    const starts = isWord(tokens[i - 1], "SET") || isSymbol(tokens[i - 1], ",");
    if (setting && starts && isSymbol(tokens[i + 1], ".") && isSymbol(tokens[i + 3], "=")) i += 1;
    else out.push(token);
  }
  return out;
}

export async function change(work: Work): Promise<Outcome> {
  const { session, tokens } = work;
  session.context.needsWrite("table");
  session.context.needsWarehouse();
  const { rowsChanged } = await session.connection.run(work.write(bare(tokens)));
  return isWord(tokens[0], "UPDATE")
    ? counts(statementTypes.update, { "number of rows updated": rowsChanged, "number of multi-joined rows updated": 0 })
    : counts(statementTypes.delete, { "number of rows deleted": rowsChanged });
}

export async function merge(work: Work): Promise<Outcome> {
  const { session } = work;
  session.context.needsWrite("table");
  session.context.needsWarehouse();
  const rows = await session.ask(`${work.write(bare(work.tokens))} RETURNING merge_action AS action`);
  const of = (action: string) => rows.filter((row) => row.action === action).length;
  const actions = [
    ["INSERT", "inserted"],
    ["UPDATE", "updated"],
    ["DELETE", "deleted"],
  ] as const;
  const named = actions.filter(([action]) => work.tokens.some((token) => isWord(token, action)));
  return counts(
    statementTypes.merge,
    Object.fromEntries(named.map(([action, done]) => [`number of rows ${done}`, of(action)])),
  );
}

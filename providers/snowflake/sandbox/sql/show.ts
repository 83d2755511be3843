/** SHOW and DESCRIBE. @module */
import { columnsOf } from "./dml.ts";
import { unsupported } from "./failure.ts";
import { readName, skip } from "./names.ts";
import { listed, type Outcome, statementTypes } from "./outcome.ts";
import type { SqlSession, Work } from "./session.ts";
import { isSymbol, isWord, quoteText, type Token } from "./tokens.ts";
import { rowType } from "./types.ts";

type Row = readonly (string | number | null)[];

function answer(names: readonly string[], rows: readonly Row[]): Outcome {
  return listed(
    statementTypes.select,
    names.map((name) => rowType(name, "VARCHAR")),
    rows,
  );
}

/** Rows whose `name` is like the pattern given with LIKE, and no more than LIMIT says. */
function filtered(tokens: readonly Token[], rows: readonly Row[], column = 1): readonly Row[] {
  const like = tokens.findIndex((token) => isWord(token, "LIKE"));
  const limit = tokens.findIndex((token) => isWord(token, "LIMIT"));
  const pattern = tokens[like + 1]?.text
    .replace(/[.*+?^${}()|[\]]/g, "\\$&")
    .replaceAll("%", ".*")
    .replaceAll("_", ".");
  const found = like < 0 ? rows : rows.filter((row) => new RegExp(`^${pattern}$`, "i").test(String(row[column])));
  return limit < 0 ? found : found.slice(0, Number(tokens[limit + 1]?.text));
}

export async function show({ tokens, session }: Work): Promise<Outcome> {
  const at = skip(tokens, 1, "TERSE");
  const { context, engine } = session;
  const now = "1970-01-01 00:00:00.000 +0000";
  switch (tokens[at]?.text) {
    case "WAREHOUSES": {
      const { warehouse } = context;
      const state = context.warehouseState();
      // Here a suspended one stays so.
      const resumes = String(state !== "SUSPENDED");
      const rows: Row[] = warehouse === null ? [] : [[warehouse, state, "STANDARD", "X-Small", resumes]];
      return answer(["name", "state", "type", "size", "auto_resume"], filtered(tokens, rows, 0));
    }
    case "GRANTS": {
      const role = tokens.findIndex((token) => isWord(token, "ROLE"));
      const of = role < 0 ? context.role : (tokens[role + 1]?.text ?? context.role);
      const rows = context
        .grantsOf(of)
        .map(({ privilege, on, name }) => [now, privilege, on, name, "ROLE", of, "false"]);
      return answer(
        ["created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option"],
        rows,
      );
    }
    case "DATABASES":
      return answer(
        ["created_on", "name"],
        filtered(
          tokens,
          (await engine.databases()).map((name) => [now, name]),
        ),
      );
    case "SCHEMAS": {
      const rows = await session.ask(
        "SELECT database_name AS d, schema_name AS s FROM duckdb_schemas() WHERE NOT internal AND schema_name <> 'main' ORDER BY 1, 2",
      );
      const wanted = place(tokens, at, session)[0];
      const kept = rows.filter(({ d }) => wanted === undefined || d === wanted);
      return answer(
        ["created_on", "name", "database_name"],
        filtered(
          tokens,
          kept.map(({ d, s }) => [now, String(s), String(d)]),
        ),
      );
    }
    case "TABLES":
    case "VIEWS":
    case "OBJECTS":
      return tables(tokens, at, session, now);
    default:
      throw unsupported(`SHOW ${tokens[at]?.text ?? ""}`);
  }
}

/** Database and schema named with IN; those of the session otherwise. */
function place(tokens: readonly Token[], at: number, { context }: SqlSession): readonly (string | undefined)[] {
  const named = tokens.findIndex((token, i) => i > at && isWord(token, "IN"));
  if (named < 0) return [context.database ?? undefined, context.schema ?? undefined];
  if (isWord(tokens[named + 1], "ACCOUNT")) return [];
  const kind = isWord(tokens[named + 1], "DATABASE", "SCHEMA") ? tokens[named + 1]?.text : undefined;
  const { parts } = readName(tokens, kind === undefined ? named + 1 : named + 2);
  if (kind === "DATABASE") return [parts[0]];
  return parts.length > 1 ? parts : [context.database ?? undefined, parts[0]];
}

async function tables(tokens: readonly Token[], at: number, session: SqlSession, now: string): Promise<Outcome> {
  const [database, schema] = place(tokens, at, session);
  const only = (column: string, value: string | undefined) =>
    value === undefined ? "" : ` AND ${column} = ${quoteText(value)}`;
  const where = `NOT internal AND database_name NOT IN ('temp', 'memory')${only("database_name", database)}${only("schema_name", schema)}`;
  const of = (name: string, kind: string) =>
    `SELECT ${name}_name AS n, '${kind}' AS k, database_name AS d, schema_name AS s FROM duckdb_${name}s() WHERE ${where}`;
  const wanted = tokens[at]?.text;
  const parts = [
    ...(wanted === "VIEWS" ? [] : [of("table", "TABLE")]),
    ...(wanted === "TABLES" ? [] : [of("view", "VIEW")]),
  ];
  const rows = await session.ask(`${parts.join(" UNION ALL ")} ORDER BY 3, 4, 1`);
  const listedRows = rows.map(({ n, k, d, s }) => [now, String(n), String(k), String(d), String(s)]);
  return answer(["created_on", "name", "kind", "database_name", "schema_name"], filtered(tokens, listedRows));
}

export async function describe(work: Work): Promise<Outcome> {
  const { tokens, session } = work;
  const at = isWord(tokens[1], "TABLE", "VIEW", "RESULT") ? 2 : 1;
  if (isWord(tokens[1], "RESULT") || isSymbol(tokens[at], "(")) throw unsupported("DESCRIBE RESULT");
  const columns = await columnsOf(session, readName(tokens, at).parts);
  return answer(
    ["name", "type", "kind", "null?"],
    columns.map(({ name, type, nullable }) => [name, declared(name, type), "COLUMN", nullable ? "Y" : "N"]),
  );
}

/** A type as DESCRIBE writes it. */
function declared(name: string, column: string): string {
  const { type, precision, scale } = rowType(
    name,
    column
      .replace(/^STRUCT\((ltz|tz|geography|geometry)/, 'STRUCT("$1"')
      .replace('STRUCT("geography" ', 'STRUCT("geography" '),
  );
  if (type === "fixed") return `NUMBER(${precision},${scale})`;
  if (type === "real") return "FLOAT";
  if (type === "text") return "VARCHAR(16777216)";
  return scale === null ? type.toUpperCase() : `${type.toUpperCase()}(${scale})`;
}

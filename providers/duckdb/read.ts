import {
  ConfigError,
  type Extract,
  ident,
  keyOf,
  keyParts,
  literal,
  type ObservedRecord,
  type ReadRequest,
  suggest,
} from "../../src/connector/index.ts";
import { columnType, fromText, toText } from "./columns.ts";
import type { Row, Session } from "./session.ts";
import type { Table } from "./table.ts";

/** The type of a column; `FIELD_UNKNOWN` when the table has none of that name. */
export function typeIn(table: Table, column: string, connection: string): string {
  const type = table.types.get(column);
  if (type !== undefined) return type;
  throw new ConfigError(
    "FIELD_UNKNOWN",
    `${connection}: ${table.description.object} has no column "${column}": ${suggest(column, [...table.types.keys()])}`,
  );
}

/** Rows by key or all of them, every value as canonical text. */
export async function* readRows(
  session: Session,
  table: Table,
  request: ReadRequest,
  connection: string,
  signal: AbortSignal,
): AsyncIterable<readonly ObservedRecord[]> {
  const { match } = request;
  const names = [...new Set([...request.fields, ...match])];
  const texts = names.map((name) => `${toText(`t.${ident(name)}`, typeIn(table, name, connection))} AS ${ident(name)}`);
  const select = `SELECT ${texts.join(", ")} FROM ${table.sql} t`;
  const record = (row: Row): ObservedRecord => ({
    id: keyOf(match.map((name) => String(row[name] ?? ""))),
    fields: Object.fromEntries(request.fields.map((name) => [name, row[name] ?? null])),
  });
  switch (request.by) {
    case "keys": {
      const keys = JSON.stringify(request.keys.map((key) => keyParts(key, match.length)));
      // A key that is no value of its column's type finds nothing.
      const typed = match.map((name, i) => `TRY(${fromText(`k.p[${i + 1}]`, typeIn(table, name, connection))})`);
      const on = match.map((name, i) => `t.${ident(name)} = k.c${i}`).join(" AND ");
      const wanted = `SELECT DISTINCT ${typed.map((sql, i) => `${sql} AS c${i}`).join(", ")} FROM (SELECT unnest(from_json($1, '[["VARCHAR"]]')) AS p) k`;
      const rows = await session.rows(`${select} JOIN (${wanted}) k ON ${on}`, [keys], signal);
      yield rows.map(record);
      return;
    }
    case "scan":
      for await (const page of session.pages(select, signal)) yield page.map(record);
      return;
    default:
      throw new ConfigError("MODE_UNSUPPORTED", `${connection}: DuckDB cannot be read by ${request.by}`);
  }
}

/**
 * The columns of a table as they are now, in a Parquet file. Were the staging engine to attach the database itself, it
 * would hold the file while an apply writes to it.
 */
export async function snapshotSql(
  session: Session,
  table: Table,
  fields: readonly string[],
  file: string,
  connection: string,
  signal: AbortSignal,
): Promise<Extract> {
  const columns = fields.map((name) => {
    const type = typeIn(table, name, connection);
    return `${snapshotValue(`t.${ident(name)}`, type)} AS ${ident(name)}`;
  });
  await session.rows(
    `COPY (SELECT ${columns.join(", ")} FROM ${table.sql} t) TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`,
    [],
    signal,
  );
  return { kind: "relation", setup: [], sql: `SELECT * FROM read_parquet(${literal(file)})` };
}

/** Parquet knows fewer types than DuckDB; what it would bend goes as canonical text. */
function snapshotValue(expr: string, type: string): string {
  const { kind } = columnType(type);
  if (kind === "json") return type === "JSON" ? `CAST(${expr} AS VARCHAR)` : `CAST(to_json(${expr}) AS VARCHAR)`;
  return kind === "text"
    ? `CAST(${expr} AS VARCHAR)`
    : /^(HUGEINT|UHUGEINT|BIGNUM)$/.test(type)
      ? toText(expr, type)
      : expr;
}

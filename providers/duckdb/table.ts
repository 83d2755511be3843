import {
  ConfigError,
  type FieldDescription,
  ident,
  type ObjectDescription,
  suggest,
  tableName,
} from "../../src/connector/index.ts";
import { columnType } from "./columns.ts";
import type { Session } from "./session.ts";

/** One table of the database, as its catalog describes it. */
export interface Table {
  /** Quoted name. */
  readonly sql: string;
  /** Column name to the type's name in DuckDB. */
  readonly types: ReadonlyMap<string, string>;
  /** Columns of each primary key and unique constraint, the primary key first. */
  readonly unique: readonly (readonly string[])[];
  readonly description: ObjectDescription;
}

/** Reads what the catalog knows about a table; `OBJECT_UNKNOWN` when there is none. */
export async function readTable(
  session: Session,
  object: string,
  connection: string,
  signal: AbortSignal,
): Promise<Table> {
  const { schema, table } = tableName(object, "main");
  const sql = `${ident(schema)}.${ident(table)}`;
  const columns = await describedColumns(session, sql, signal);
  if (!columns) throw await unknownTable(session, object, connection, signal);
  const keys = await uniqueKeys(session, { schema, table, columns }, signal);
  const [counted] = await session.rows(`SELECT count(*) AS n FROM ${sql}`, [], signal);
  const fields: FieldDescription[] = [];
  for (const { name, type, required, generated } of columns)
    fields.push({
      name,
      type: columnType(type),
      required,
      creatable: !generated,
      updatable: !generated,
      matchable: true,
      ...(keys.some((key) => key.length === 1 && key[0] === name) ? { createIsIdempotent: "key" as const } : {}),
      ...(type.startsWith("ENUM(") ? { options: await enumOptions(session, type, signal) } : {}),
    });
  return {
    sql,
    types: new Map(columns.map(({ name, type }) => [name, type])),
    unique: keys,
    description: { object, fields, recordCount: Number(counted?.n ?? 0) },
  };
}

async function unknownTable(session: Session, object: string, connection: string, signal: AbortSignal) {
  const tables = await session.rows(
    "SELECT CASE schema_name WHEN 'main' THEN table_name ELSE schema_name || '.' || table_name END AS name FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary ORDER BY 1",
    [],
    signal,
  );
  const known = tables.map(({ name }) => String(name));
  return new ConfigError("OBJECT_UNKNOWN", `${connection} has no table "${object}": ${suggest(object, known)}`);
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly key: "PRI" | "UNI" | null;
  readonly required: boolean;
  readonly generated: boolean;
}

/**
 * Undefined where there is no such table, or a view. Described and not looked up: tables of the catalog list every column
 * there is, of any table.
 */
async function describedColumns(
  session: Session,
  sql: string,
  signal: AbortSignal,
): Promise<readonly Column[] | undefined> {
  const described = await session.rows(`DESCRIBE ${sql}`, [], signal).catch((error: unknown) => {
    if (error instanceof Error && /^Catalog Error/.test(error.message)) return undefined;
    throw error;
  });
  if (!described) return undefined;
  const names = described.map(({ column_name }) => String(column_name));
  const refused = await refusal(session, sql, names);
  if (refused !== undefined && /is not an? table/i.test(refused)) return undefined;
  const generated = async (name: string) =>
    refused !== undefined && /generated column/i.test((await refusal(session, sql, [name])) ?? "");
  return await Promise.all(
    described.map(async (row, i): Promise<Column> => {
      const name = names[i] ?? "";
      const made = await generated(name);
      const required = row.null === "NO" && row.default === null && !made;
      return { name, type: String(row.column_type), key: row.key as Column["key"], required, generated: made };
    }),
  );
}

/** Why no values can be given to these columns, in the binder's words: it alone tells generated columns from others. */
async function refusal(session: Session, sql: string, columns: readonly string[]): Promise<string | undefined> {
  const insert = `INSERT INTO ${sql} (${columns.map(ident).join(", ")}) VALUES (${columns.map(() => "NULL").join(", ")})`;
  try {
    (await session.connection.prepare(insert)).destroySync();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Columns of each primary key and unique constraint, the primary key first. */
async function uniqueKeys(
  session: Session,
  { schema, table, columns }: { readonly schema: string; readonly table: string; readonly columns: readonly Column[] },
  signal: AbortSignal,
): Promise<readonly (readonly string[])[]> {
  const primary = columns.filter(({ key }) => key === "PRI").map(({ name }) => name);
  const others = columns.some(({ key }) => key === "UNI");
  // A column is of one kind in a description, though constraints may share it.
  if (!others && primary.length < 2) return primary.length === 0 ? [] : [primary];
  const found = await session.rows(
    `SELECT constraint_column_names AS names FROM duckdb_constraints()
     WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
       AND constraint_type IN ('PRIMARY KEY', 'UNIQUE') ORDER BY constraint_type`,
    [schema, table],
    signal,
  );
  return found.map(({ names }) => (Array.isArray(names) ? names.map(String) : []));
}

async function enumOptions(session: Session, type: string, signal: AbortSignal): Promise<readonly string[]> {
  const [row] = await session.rows(
    `SELECT CAST(enum_range(CAST(NULL AS ${type})) AS VARCHAR[]) AS options`,
    [],
    signal,
  );
  return Array.isArray(row?.options) ? row.options.map(String) : [];
}

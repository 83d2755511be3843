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
  const columns = await session.rows(
    `SELECT c.column_name, c.data_type, c.is_nullable, c.column_default IS NOT NULL AS has_default
     FROM duckdb_columns() c JOIN duckdb_tables() t USING (database_name, schema_name, table_name)
     WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2 ORDER BY column_index`,
    [schema, table],
    signal,
  );
  if (columns.length === 0) throw await unknownTable(session, object, connection, signal);
  const unique = await session.rows(
    `SELECT constraint_column_names AS names FROM duckdb_constraints()
     WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2
       AND constraint_type IN ('PRIMARY KEY', 'UNIQUE') ORDER BY constraint_type`,
    [schema, table],
    signal,
  );
  const keys = unique.map(({ names }) => (Array.isArray(names) ? names.map(String) : []));
  const sql = `${ident(schema)}.${ident(table)}`;
  const [counted] = await session.rows(`SELECT count(*) AS n FROM ${sql}`, [], signal);
  const fields: FieldDescription[] = [];
  for (const column of columns) {
    const name = String(column.column_name);
    const type = String(column.data_type);
    const generated = column.has_default === true && (await isGenerated(session, sql, name));
    fields.push({
      name,
      type: columnType(type),
      required: column.is_nullable === false && column.has_default === false,
      creatable: !generated,
      updatable: !generated,
      matchable: true,
      ...(keys.some((key) => key.length === 1 && key[0] === name) ? { createIsIdempotent: "key" as const } : {}),
      ...(type.startsWith("ENUM(") ? { options: await enumOptions(session, type, signal) } : {}),
    });
  }
  return {
    sql,
    types: new Map(columns.map((c) => [String(c.column_name), String(c.data_type)])),
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

/** The catalog keeps a generated column's expression where a default stands; only the binder tells them apart. */
async function isGenerated(session: Session, sql: string, column: string): Promise<boolean> {
  try {
    (await session.connection.prepare(`INSERT INTO ${sql} (${ident(column)}) VALUES (NULL)`)).destroySync();
    return false;
  } catch (error) {
    return error instanceof Error && /generated column/i.test(error.message);
  }
}

async function enumOptions(session: Session, type: string, signal: AbortSignal): Promise<readonly string[]> {
  const [row] = await session.rows(
    `SELECT CAST(enum_range(CAST(NULL AS ${type})) AS VARCHAR[]) AS options`,
    [],
    signal,
  );
  return Array.isArray(row?.options) ? row.options.map(String) : [];
}

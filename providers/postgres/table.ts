import {
  ConfigError,
  type FieldDescription,
  ident,
  type ObjectDescription,
  suggest,
  tableName,
} from "../../src/connector/index.ts";
import type { Client } from "./client.ts";
import { fieldType } from "./types.ts";

/** A column as statements need it. */
export interface TableColumn {
  readonly name: string;
  /** Object identifier of the type. */
  readonly type: number;
  /** Name of the type without its length, so that a cast never cuts a value off. */
  readonly sqlType: string;
}

/** One table, as the catalog describes it. */
export interface Table {
  /** Quoted name. */
  readonly sql: string;
  readonly columns: ReadonlyMap<string, TableColumn>;
  /** Columns of each primary key and unique constraint, the primary key first. */
  readonly unique: readonly (readonly string[])[];
  readonly description: ObjectDescription;
}

const columnsSql = `
  SELECT a.attname AS name, coalesce(nullif(t.typbasetype, 0), t.oid)::text AS type,
    (CASE WHEN t.typbasetype = 0 THEN a.atttypmod ELSE t.typtypmod END)::text AS modifier,
    format_type(a.atttypid, -1) AS sql_type,
    (a.attnotnull AND NOT a.atthasdef AND a.attidentity = '')::text AS required,
    (a.attgenerated = '' AND a.attidentity <> 'a')::text AS writable,
    has_column_privilege(c.oid, a.attnum, 'INSERT')::text AS may_create,
    has_column_privilege(c.oid, a.attnum, 'UPDATE')::text AS may_update,
    (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)::text AS options,
    c.reltuples::bigint::text AS records,
    (SELECT json_agg((SELECT json_agg(k.attname) FROM pg_attribute k WHERE k.attrelid = c.oid AND k.attnum = ANY (i.indkey))
       ORDER BY i.indisprimary DESC)
     FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
       AND i.indimmediate AND i.indisvalid AND i.indnatts = i.indnkeyatts)::text AS keys
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
  WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') ORDER BY a.attnum`;

/** Reads what the catalog knows about a table; `OBJECT_UNKNOWN` when there is none. */
export async function readTable(
  client: Client,
  object: string,
  defaultSchema: string,
  connection: string,
  signal: AbortSignal,
): Promise<Table> {
  const { schema, table } = tableName(object, defaultSchema);
  const { rows } = await client.query(columnsSql, [schema, table], signal);
  if (rows.length === 0) {
    const known = await tableNames(client, defaultSchema, signal);
    throw new ConfigError("OBJECT_UNKNOWN", `${connection} has no table "${object}": ${suggest(object, known)}`);
  }
  const unique = JSON.parse(rows[0]?.keys ?? "[]") as string[][];
  const records = Number(rows[0]?.records ?? -1);
  const fields = rows.map((row): FieldDescription => {
    const name = row.name ?? "";
    const options = row.options == null ? undefined : (JSON.parse(row.options) as string[]);
    return {
      name,
      type: fieldType({ type: Number(row.type), modifier: Number(row.modifier) }),
      required: row.required === "true",
      creatable: row.writable === "true" && row.may_create === "true",
      updatable: row.writable === "true" && row.may_update === "true",
      matchable: true,
      ...(unique.some((key) => key.length === 1 && key[0] === name) ? { createIsIdempotent: "key" as const } : {}),
      ...(options === undefined ? {} : { options }),
    };
  });
  const columns = rows.map(({ name, type, sql_type }): [string, TableColumn] => [
    name ?? "",
    { name: name ?? "", type: Number(type), sqlType: sql_type ?? "text" },
  ]);
  return {
    sql: `${ident(schema)}.${ident(table)}`,
    columns: new Map(columns),
    unique,
    // The statistics say -1 before the first ANALYZE.
    description: { object, fields, ...(records < 0 ? {} : { recordCount: records }) },
  };
}

/** Names of the tables the role may see, those of the default schema without it. */
export async function tableNames(
  client: Client,
  defaultSchema: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { rows } = await client.query(
    `SELECT (CASE n.nspname WHEN $1 THEN c.relname ELSE n.nspname || '.' || c.relname END)::text AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
    [defaultSchema],
    signal,
  );
  return rows.map(({ name }) => name ?? "");
}

/** A column of the table; `FIELD_UNKNOWN` when it has none of that name. */
export function columnIn(table: Table, name: string, connection: string): TableColumn {
  const column = table.columns.get(name);
  if (column) return column;
  throw new ConfigError(
    "FIELD_UNKNOWN",
    `${connection}: ${table.description.object} has no column "${name}": ${suggest(name, [...table.columns.keys()])}`,
  );
}

/** True when no two rows of the table can have the same values in these columns. */
export function hasUniqueKey(table: Table, columns: readonly string[]): boolean {
  return table.unique.some((key) => key.length === columns.length && key.every((name) => columns.includes(name)));
}

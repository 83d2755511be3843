/** Quoting for the staging engine (DuckDB). Identifiers and values never reach SQL text by any other way. */

/** @example ident('a"b') // '"a""b"' */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** @example literal("it's") // "'it''s'" */
export function literal(value: string | number | boolean | null): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  return String(value);
}

/**
 * A query of these columns that finds nothing.
 *
 * @example noRows({ key: "BIGINT" }) // 'SELECT CAST(NULL AS BIGINT) AS "key" WHERE false'
 */
export function noRows(types: Readonly<Record<string, string>>): string {
  const columns = Object.entries(types).map(([name, type]) => `CAST(NULL AS ${type}) AS ${ident(name)}`);
  return `SELECT ${columns.join(", ")} WHERE false`;
}

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

import { canonicalSql, type FieldType, textSql, typeOf } from "../../src/connector/index.ts";

/** The canonical type of a column of DuckDB; an ENUM is text. */
export function columnType(type: string): FieldType {
  return /^ENUM\(.*\)$/s.test(type) ? { kind: "text" } : typeOf(type);
}

/** An expression that makes canonical text a value of a column's own type. */
export function fromText(expr: string, type: string): string {
  if (type === "BLOB") return `unhex(${expr})`;
  // Nested values come as JSON.
  if (columnType(type).kind === "json")
    return type === "JSON" ? `CAST(${expr} AS JSON)` : `CAST(CAST(${expr} AS JSON) AS ${type})`;
  return `CAST(${expr} AS ${type})`;
}

/** The canonical text of a column, as the engine of a plan makes it; NULL where there is none. */
export function toText(expr: string, type: string): string {
  const kind = columnType(type);
  return textSql(canonicalSql(expr, type, kind).sql, kind);
}

/** The vendor's types: which canonical type they are, and SQL for their canonical text. @module */
import type { FieldType } from "../../src/connector/index.ts";
import type { ResultColumn } from "./driver.ts";

const text: FieldType = { kind: "text" };
const json: FieldType = { kind: "json" };

/** Digits of a second Ebb's timestamps hold. The vendor's default is nine: those columns are text, so that nothing is lost. */
const micro = 6;

/** The canonical type of a column. */
export function fieldType({ type, precision, scale }: Omit<ResultColumn, "name">): FieldType {
  switch (type) {
    case "fixed":
      if ((scale ?? 0) === 0 && (precision ?? 38) <= 18) return { kind: "integer" };
      return { kind: "decimal", precision: precision ?? 38, scale: scale ?? 0 };
    case "real":
      return { kind: "float" };
    case "boolean":
      return { kind: "boolean" };
    case "date":
      return { kind: "date" };
    case "time":
      return (scale ?? 9) <= micro ? { kind: "time" } : text;
    case "timestamp_ntz":
    case "timestamp_ltz":
    case "timestamp_tz":
      return (scale ?? 9) <= micro ? { kind: "timestamp", digits: 6, zone: type !== "timestamp_ntz" } : text;
    case "variant":
    case "object":
    case "array":
    case "map":
    case "vector":
    case "geography":
    case "geometry":
      return json;
    case "binary":
      return { kind: "bytes" };
    default:
      return text;
  }
}

/** An expression for the canonical text of a column, on the vendor's side. */
export function textSql(expr: string, { type, scale }: Omit<ResultColumn, "name">): string {
  switch (type) {
    case "text":
      return expr;
    // Any other way to write a float keeps about ten of its digits.
    case "real":
      return `TO_VARCHAR(${expr}, 'TME')`;
    case "date":
      return `TO_VARCHAR(${expr}, 'YYYY-MM-DD')`;
    case "time":
      return fraction(expr, "HH24:MI:SS", "", scale);
    case "timestamp_ntz":
      return fraction(expr, 'YYYY-MM-DD"T"HH24:MI:SS', "", scale);
    case "timestamp_ltz":
    case "timestamp_tz":
      return fraction(`CONVERT_TIMEZONE('UTC', ${expr})`, 'YYYY-MM-DD"T"HH24:MI:SS', "Z", scale);
    case "variant":
    case "object":
    case "array":
    case "map":
      return `TO_JSON(${expr})`;
    case "vector":
      return `TO_JSON(${expr}::ARRAY)`;
    case "geography":
    case "geometry":
      return `TO_JSON(ST_ASGEOJSON(${expr}))`;
    case "binary":
      return `TO_VARCHAR(${expr}, 'HEX')`;
    default:
      return `TO_VARCHAR(${expr})`;
  }
}

/**
 * A moment with its fraction of a second. Where nine digits are kept as text, zeros at their end are left out, so that
 * a value without nanoseconds reads as it does everywhere else: `2026-01-31T08:00:00`.
 */
function fraction(expr: string, model: string, end: string, scale: number | null): string {
  const written = (digits: number) => `TO_VARCHAR(${expr}, '${model}.FF${digits}')`;
  if ((scale ?? 9) <= micro) return end === "" ? written(6) : `${written(6)} || '${end}'`;
  const cut = `REGEXP_REPLACE(${written(9)}, '[.]?0+$', '')`;
  return end === "" ? cut : `${cut} || '${end}'`;
}

/**
 * Canonical values: one form per field type, made by one engine on both sides of a diff.
 *
 * A value enters as whatever the source or the destination gave (a typed column, or text), becomes a typed canonical
 * column, is hashed and compared as that, and leaves as canonical text ({@link Value} in `types.ts`).
 * Everything here is SQL text for the staging engine (DuckDB, session time zone UTC).
 *
 * @module
 */
import type { FieldType } from "./types.ts";

/** The column type that holds canonical values of `type`. */
export function sqlType(type: FieldType): string {
  switch (type.kind) {
    case "text":
    case "email":
    case "json":
      return "VARCHAR";
    case "integer":
      return "BIGINT";
    case "decimal":
      return `DECIMAL(${type.precision},${type.scale})`;
    case "float":
      return "DOUBLE";
    case "boolean":
      return "BOOLEAN";
    case "date":
      return "DATE";
    case "time":
      return "TIME";
    case "timestamp":
      return "TIMESTAMP";
    case "bytes":
      return "BLOB";
  }
}

/** The canonical type nearest to a column type of the staging engine. */
export function typeOf(duckType: string): FieldType {
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(duckType);
  if (decimal) return { kind: "decimal", precision: Number(decimal[1]), scale: Number(decimal[2]) };
  if (/^(TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER)$/.test(duckType)) return { kind: "integer" };
  if (/^(HUGEINT|UBIGINT|UHUGEINT|BIGNUM)$/.test(duckType)) return { kind: "decimal", precision: 38, scale: 0 };
  if (duckType === "FLOAT" || duckType === "DOUBLE") return { kind: "float" };
  if (duckType === "BOOLEAN") return { kind: "boolean" };
  if (duckType === "DATE") return { kind: "date" };
  if (duckType === "TIME") return { kind: "time" };
  if (duckType === "BLOB") return { kind: "bytes" };
  if (duckType === "TIMESTAMP WITH TIME ZONE") return { kind: "timestamp", digits: 6, zone: true };
  if (duckType.startsWith("TIMESTAMP")) return { kind: "timestamp", digits: 6, zone: false };
  if (duckType.startsWith("ENUM(")) return { kind: "text" };
  if (duckType === "JSON" || /[[\](]/.test(duckType)) return { kind: "json" };
  return { kind: "text" };
}

export interface CanonicalSql {
  readonly sql: string;
  /** False when every value of the input type surely has a canonical form. */
  readonly canFail: boolean;
}

/**
 * An expression that brings `expr`, of column type `from`, to the canonical form of `to`; NULL where it does not fit.
 *
 * @example canonicalSql('"price"', "VARCHAR", { kind: "decimal", precision: 18, scale: 2 })
 */
export function canonicalSql(expr: string, from: string, to: FieldType): CanonicalSql {
  const text = from === "VARCHAR" ? expr : `CAST(${expr} AS VARCHAR)`;
  // For every type but text, an empty string says "nothing".
  const input = from === "VARCHAR" ? `nullif(trim(${expr}), '')` : expr;
  const tried = { sql: `TRY_CAST(${input} AS ${sqlType(to)})`, canFail: true };
  const same = from === sqlType(to);
  switch (to.kind) {
    case "text": {
      const plain = from === "BLOB" ? `lower(hex(${expr}))` : from === "BOOLEAN" ? `CAST(${expr} AS VARCHAR)` : text;
      const trimmed = to.trim ? `trim(${plain}, ' ' || chr(9) || chr(10) || chr(13))` : plain;
      return { sql: to.emptyIsNull ? `nullif(${trimmed}, '')` : trimmed, canFail: false };
    }
    case "email":
      return { sql: `nullif(lower(trim(${text})), '')`, canFail: false };
    case "integer":
      if (/^(TINYINT|SMALLINT|INTEGER|UTINYINT|USMALLINT|UINTEGER|BIGINT)$/.test(from))
        return { sql: same ? expr : `CAST(${expr} AS BIGINT)`, canFail: false };
      if (from === "VARCHAR") {
        const digits = `regexp_extract(trim(${expr}), '^([+-]?[0-9]+)(\\.0*)?$', 1)`;
        return { sql: `TRY_CAST(nullif(${digits}, '') AS BIGINT)`, canFail: true };
      }
      if (from === "DOUBLE" || from === "FLOAT" || from.startsWith("DECIMAL"))
        return { sql: `CASE WHEN ${expr} = trunc(${expr}) THEN TRY_CAST(${expr} AS BIGINT) END`, canFail: true };
      return tried;
    case "decimal": {
      const fits = /^(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(from) && to.precision - to.scale >= 19;
      return same ? { sql: expr, canFail: false } : { ...tried, canFail: !fits };
    }
    case "float": {
      const sql = same ? expr : `TRY_CAST(${input} AS DOUBLE)`;
      // Adding zero folds -0.0 into 0.0; NaN and infinity have no form that every destination takes.
      return { sql: `CASE WHEN isfinite(${sql}) THEN ${sql} + 0.0 END`, canFail: true };
    }
    case "boolean":
      if (from === "VARCHAR")
        return {
          sql: `CASE lower(trim(${expr})) WHEN 'true' THEN true WHEN 't' THEN true WHEN '1' THEN true WHEN 'yes' THEN true WHEN 'false' THEN false WHEN 'f' THEN false WHEN '0' THEN false WHEN 'no' THEN false END`,
          canFail: true,
        };
      return same ? { sql: expr, canFail: false } : tried;
    case "date":
      if (from === "TIMESTAMP WITH TIME ZONE") return { sql: `CAST(timezone('UTC', ${expr}) AS DATE)`, canFail: false };
      return same ? { sql: expr, canFail: false } : tried;
    case "time":
      return same ? { sql: expr, canFail: false } : tried;
    case "timestamp": {
      const zoned = `timezone('UTC', TRY_CAST(${from === "VARCHAR" ? isoText(input) : input} AS TIMESTAMPTZ))`;
      const at =
        from === "TIMESTAMP"
          ? expr
          : from === "DATE"
            ? `CAST(${expr} AS TIMESTAMP)`
            : to.zone
              ? zoned
              : naive(input, from);
      return { sql: truncate(at, to.digits), canFail: !["TIMESTAMP", "DATE"].includes(from) };
    }
    case "json":
      return from === "VARCHAR" || from === "JSON"
        ? { sql: `ebb_json(CAST(${expr} AS VARCHAR))`, canFail: true }
        : { sql: `ebb_json(CAST(to_json(${expr}) AS VARCHAR))`, canFail: false };
    case "bytes":
      if (from === "BLOB") return { sql: expr, canFail: false };
      return {
        sql: `CASE WHEN regexp_full_match(${text}, '([0-9a-fA-F]{2})*') THEN unhex(${text}) END`,
        canFail: true,
      };
  }
}

/** Canonical text of a canonical column. */
export function textSql(expr: string, type: FieldType): string {
  switch (type.kind) {
    case "text":
    case "email":
    case "json":
      return expr;
    case "bytes":
      return `lower(hex(${expr}))`;
    case "timestamp": {
      const fraction = { 0: "", 3: ".%g", 6: ".%f" }[type.digits];
      return `strftime(${expr}, '%Y-%m-%dT%H:%M:%S${fraction}${type.zone ? "Z" : ""}')`;
    }
    default:
      return `CAST(${expr} AS VARCHAR)`;
  }
}

function truncate(expr: string, digits: 0 | 3 | 6): string {
  if (digits === 6) return expr;
  return `date_trunc('${digits === 3 ? "millisecond" : "second"}', ${expr})`;
}

function naive(expr: string, from: string): string {
  if (from === "TIMESTAMP WITH TIME ZONE") return `timezone('UTC', ${expr})`;
  return `TRY_CAST(${expr} AS TIMESTAMP)`;
}

/** `+0000`, as some vendors write a zone, into `+00:00`. */
function isoText(expr: string): string {
  return `regexp_replace(${expr}, '([+-][0-9]{2})([0-9]{2})$', '\\1:\\2')`;
}

/** Declared types, the column types that hold them, and how a result names them. @module */
import { closing, isSymbol, isWord, type Token } from "./tokens.ts";

/** A column of a result as the vendor describes it. */
export interface RowType {
  readonly name: string;
  readonly type: string;
  readonly precision: number | null;
  readonly scale: number | null;
  readonly length: number | null;
  readonly byteLength: number | null;
  readonly nullable: boolean;
}

export interface DeclaredType {
  /** What holds its values. No two types of the vendor that a result tells apart share one. */
  readonly column: string;
  /** Macro that makes a value of it out of anything; absent: a cast of the text does. */
  readonly macro?: string;
}

export const instant = 'STRUCT("ltz" TIMESTAMP_NS)';
export const zoned = 'STRUCT("tz" TIMESTAMP_NS, "offset" SMALLINT)';
export const geography = 'STRUCT("geography" JSON)';
export const geometry = 'STRUCT("geometry" JSON)';

const integers = ["INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"];
const numbers = ["NUMBER", "DECIMAL", "NUMERIC", "DEC"];
const floats = ["FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "REAL"];
const texts = ["VARCHAR", "STRING", "TEXT", "CHAR", "CHARACTER", "NVARCHAR", "NCHAR", "CLOB"];
const local = ["TIMESTAMP_LTZ", "TIMESTAMPLTZ"];
const withZone = ["TIMESTAMP_TZ", "TIMESTAMPTZ"];
const naive = ["TIMESTAMP_NTZ", "TIMESTAMPNTZ", "TIMESTAMP", "DATETIME"];

function typeNamed(name: string, given: readonly number[]): DeclaredType | undefined {
  if (integers.includes(name)) return { column: "DECIMAL(38,0)" };
  if (numbers.includes(name)) return { column: `DECIMAL(${given[0] ?? 38},${given[1] ?? 0})` };
  if (floats.includes(name)) return { column: "DOUBLE" };
  if (texts.includes(name)) return { column: "VARCHAR", macro: "sf_to_varchar" };
  if (name === "BOOLEAN") return { column: "BOOLEAN" };
  if (name === "DATE") return { column: "DATE", macro: "sf_date" };
  const scale = given[0] ?? 9;
  if (name === "TIME") return { column: scale > 6 ? "TIME_NS" : "TIME", macro: scale > 6 ? "sf_time9" : "sf_time6" };
  if (naive.includes(name)) return naiveType(scale);
  if (local.includes(name))
    return scale > 6 ? { column: instant, macro: "sf_ltz9" } : { column: "TIMESTAMPTZ", macro: "sf_ltz6" };
  if (withZone.includes(name)) return { column: zoned, macro: "sf_tz" };
  if (["VARIANT", "OBJECT", "ARRAY"].includes(name)) return { column: "JSON", macro: "sf_variant" };
  if (["BINARY", "VARBINARY"].includes(name)) return { column: "BLOB", macro: "sf_binary" };
  if (name === "GEOGRAPHY") return { column: geography, macro: "sf_geography" };
  if (name === "GEOMETRY") return { column: geometry, macro: "sf_geometry" };
  return undefined;
}

function naiveType(scale: number): DeclaredType {
  if (scale > 6) return { column: "TIMESTAMP_NS", macro: "sf_ntz9" };
  if (scale > 3) return { column: "TIMESTAMP", macro: "sf_ntz6" };
  return scale > 0 ? { column: "TIMESTAMP_MS", macro: "sf_ntz3" } : { column: "TIMESTAMP_S", macro: "sf_ntz0" };
}

/** The type that stands at `at`, and where it ends; undefined where none does. */
export function readType(
  tokens: readonly Token[],
  at: number,
): { readonly type: DeclaredType; readonly next: number } | undefined {
  const token = tokens[at];
  if (token?.kind !== "word") return undefined;
  let next = at + 1;
  if (token.text === "DOUBLE" && isWord(tokens[next], "PRECISION")) next += 1;
  if (token.text === "CHAR" && isWord(tokens[next], "VARYING")) next += 1;
  let inside: readonly Token[] = [];
  if (isSymbol(tokens[next], "(")) {
    const close = closing(tokens, next);
    inside = tokens.slice(next + 1, close);
    next = close + 1;
  }
  const given = inside.flatMap(({ kind, text }) => (kind === "number" ? [Number(text)] : []));
  if (token.text === "VECTOR") return { type: { column: `FLOAT[${given[0] ?? 1}]` }, next };
  const type = typeNamed(token.text, given);
  return type && { type, next };
}

/** A column of a result, by the type of the engine's column. */
export function rowType(name: string, column: string): RowType {
  const make = (
    type: string,
    more: Partial<Pick<RowType, "precision" | "scale" | "length" | "byteLength">> = {},
  ): RowType => ({ name, type, precision: null, scale: null, length: null, byteLength: null, nullable: true, ...more });
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(column);
  if (decimal) return make("fixed", { precision: Number(decimal[1]), scale: Number(decimal[2]) });
  const digits = { TINYINT: 3, SMALLINT: 5, INTEGER: 10, BIGINT: 19, HUGEINT: 38, UBIGINT: 20, UINTEGER: 10 }[column];
  if (digits !== undefined) return make("fixed", { precision: digits, scale: 0 });
  if (column === "DOUBLE" || column === "FLOAT") return make("real");
  if (column === "BOOLEAN" || column === "DATE") return make(column.toLowerCase());
  if (column === "TIME") return make("time", { precision: 0, scale: 6 });
  if (column === "TIME_NS") return make("time", { precision: 0, scale: 9 });
  if (column === "TIMESTAMP WITH TIME ZONE") return make("timestamp_ltz", { precision: 0, scale: 6 });
  const naiveScale = { TIMESTAMP_S: 0, TIMESTAMP_MS: 3, TIMESTAMP: 6, TIMESTAMP_NS: 9 }[column];
  if (naiveScale !== undefined) return make("timestamp_ntz", { precision: 0, scale: naiveScale });
  if (column.startsWith('STRUCT("ltz"')) return make("timestamp_ltz", { precision: 0, scale: 9 });
  if (column.startsWith('STRUCT("tz"')) return make("timestamp_tz", { precision: 0, scale: 9 });
  if (column.startsWith('STRUCT("geo')) return make(column.startsWith('STRUCT("geog') ? "geography" : "geometry");
  if (column === "BLOB") return make("binary", { length: 8_388_608, byteLength: 8_388_608 });
  if (column === "JSON") return make("variant");
  if (/^FLOAT\[\d+\]$/.test(column)) return make("vector");
  if (column.endsWith("[]")) return make("array");
  if (/^(STRUCT|MAP)\(/.test(column)) return make("object");
  return make("text", { length: 16_777_216, byteLength: 16_777_216 });
}

/** An expression for a cell's text as it stands in a result. */
export function cellSql(expr: string, column: string): string {
  const ns = (value: string) => `CAST(CAST(epoch_ns(${value}) AS DECIMAL(28,0)) * 0.000000001 AS VARCHAR)`;
  if (column.startsWith("DECIMAL") || /INT$|^INTEGER$/.test(column)) return `CAST(${expr} AS VARCHAR)`;
  if (column === "DOUBLE" || column === "FLOAT")
    return `CASE WHEN isnan(${expr}) THEN 'NaN' ELSE CAST(${expr} AS VARCHAR) END`;
  if (column === "BOOLEAN") return `CAST(CAST(${expr} AS INTEGER) AS VARCHAR)`;
  if (column === "DATE") return `CAST(${expr} - DATE '1970-01-01' AS VARCHAR)`;
  if (column === "TIME" || column === "TIME_NS")
    return `sf_seconds(CAST(${expr} AS VARCHAR), '${column === "TIME" ? 6 : 9}')`;
  if (column === "TIMESTAMP_NS") return ns(expr);
  if (column === "TIMESTAMP" || column === "TIMESTAMP WITH TIME ZONE")
    return `CAST(CAST(epoch_us(${expr}) AS DECIMAL(28,0)) * 0.000001 AS VARCHAR)`;
  if (column === "TIMESTAMP_MS") return `CAST(CAST(epoch_ms(${expr}) AS DECIMAL(28,0)) * 0.001 AS VARCHAR)`;
  if (column === "TIMESTAMP_S") return `CAST(epoch_ms(${expr}) // 1000 AS VARCHAR)`;
  if (column.startsWith('STRUCT("ltz"')) return ns(`(${expr}).ltz`);
  if (column.startsWith('STRUCT("tz"'))
    return `${ns(`(${expr}).tz`)} || ' ' || CAST((${expr})."offset" + 1440 AS VARCHAR)`;
  if (column.startsWith('STRUCT("geog')) return `CAST((${expr}).geography AS VARCHAR)`;
  if (column.startsWith('STRUCT("geom')) return `CAST((${expr}).geometry AS VARCHAR)`;
  if (column === "BLOB") return `hex(${expr})`;
  if (/\[\d*\]$|^(STRUCT|MAP)\(/.test(column)) return `CAST(to_json(${expr}) AS VARCHAR)`;
  return `CAST(${expr} AS VARCHAR)`;
}

import type { FieldType } from "../../src/connector/index.ts";
import type { ResultColumn } from "./client.ts";

const kinds: Readonly<Record<number, FieldType>> = {
  16: { kind: "boolean" },
  17: { kind: "bytes" },
  20: { kind: "integer" },
  21: { kind: "integer" },
  23: { kind: "integer" },
  26: { kind: "integer" },
  114: { kind: "json" },
  700: { kind: "float" },
  701: { kind: "float" },
  1082: { kind: "date" },
  1083: { kind: "time" },
  1114: { kind: "timestamp", digits: 6, zone: false },
  1184: { kind: "timestamp", digits: 6, zone: true },
  3802: { kind: "json" },
};
const bytea = 17;
const numeric = 1700;
const withLength: readonly number[] = [1042, 1043];

/**
 * The canonical type of a column. A `numeric` without precision, or wider than 38 digits, is text: no decimal type
 * holds all of its values, and text does.
 */
export function fieldType({ type, modifier }: Omit<ResultColumn, "name">): FieldType {
  if (withLength.includes(type) && modifier > 4) return { kind: "text", maxLength: modifier - 4 };
  if (type === numeric && modifier >= 4) {
    const precision = (modifier - 4) >> 16;
    const scale = (modifier - 4) & 0x7ff;
    if (precision <= 38 && scale <= precision) return { kind: "decimal", precision, scale };
  }
  return kinds[type] ?? { kind: "text" };
}

/** An expression for the text of a column. */
export function toText(expr: string, type: number): string {
  return type === bytea ? `encode(${expr}, 'hex')` : `(${expr})::text`;
}

/** An expression that makes canonical text a value of the type `sqlType`. */
export function fromText(expr: string, type: number, sqlType: string): string {
  return type === bytea ? `decode(${expr}, 'hex')` : `(${expr})::${sqlType}`;
}

/** Types whose equality is that of their values; others are compared as text, JSON as `jsonb`. */
const comparable: readonly number[] = [
  16, 17, 20, 21, 23, 26, 25, 700, 701, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2950, 3802,
];

/** An expression that is true when a column has the value a text stands for, null included. */
export function equals(column: string, text: string, type: number, sqlType: string): string {
  if (kinds[type]?.kind === "json") return `${column}::jsonb IS NOT DISTINCT FROM (${text})::jsonb`;
  if (comparable.includes(type)) return `${column} IS NOT DISTINCT FROM ${fromText(text, type, sqlType)}`;
  return `${column}::text IS NOT DISTINCT FROM ${text}`;
}

/** Canonical text as COPY reads it into a column of that type. */
export function copyCell(value: string | null, type: number): string | null {
  return value !== null && type === bytea ? `\\x${value}` : value;
}

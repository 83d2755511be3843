/** The row hash: what two sides are compared by before their values are looked at. Always of one engine, on both sides. @module */
import type { FieldType } from "../../core/types.ts";
import { digestOf } from "./digest.ts";

/** A field as the row hash sees it; one written only at creation is not compared. */
export interface HashedField {
  readonly name: string;
  readonly type: FieldType;
  readonly compared: boolean;
}

/** SQL of the hash over canonical columns. `bad` tells a row that does not fit from one that is empty. */
export function rowHashSql(fields: readonly HashedField[], column: (i: number) => string, bad = "false"): string {
  const compared = fields.flatMap(({ compared: is }, i) => (is ? [column(i)] : []));
  return `hash(${[...compared, bad].join(", ")})`;
}

/** The same fields with none left out, for the hash of all values. */
export function allFields(fields: readonly HashedField[]): readonly HashedField[] {
  return fields.map((field) => ({ ...field, compared: true }));
}

/**
 * Names the exact hash: a stored hash is used only where this is equal, since the engine promises no stability between
 * its versions, and is computed anew otherwise.
 */
export function rowHashName(fields: readonly HashedField[], engineVersion: string): string {
  return digestOf([
    engineVersion,
    fields.filter(({ compared }) => compared).map(({ name, type }) => [name, type]),
  ]).slice(0, 16);
}

/**
 * Terraform writes `match_on`, TypeScript writes `matchOn`. Only attribute names are converted, by following the
 * schema: the keys of a map (destination fields, values to replace) are the user's own and are never touched.
 * @module
 */
import * as z from "zod";
import { isObject } from "./is-object.ts";

/** @example toSnake("maxDeletePercent") // "max_delete_percent" */
export function toSnake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** @example toCamel("max_delete_percent") // "maxDeletePercent" */
export function toCamel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The schema below optional, nullable, default and readonly. */
export function bare(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable ||
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodReadonly
  )
    inner = inner.unwrap() as z.ZodType;
  return inner;
}

/**
 * Terraform's names and nulls into ours: attributes in camelCase, an absent attribute instead of a null one.
 * An attribute the schema does not know is kept, in camelCase, so that validation can name it.
 *
 * @example toConfig(z.strictObject({ matchOn: z.string() }), { match_on: "Email" }) // { matchOn: "Email" }
 */
export function toConfig(schema: z.ZodType, value: unknown): unknown {
  return convert(schema, value, { from: toSnake, to: (key) => key, unknown: toCamel });
}

/**
 * Our names into Terraform's.
 *
 * @example toTerraform(z.strictObject({ matchOn: z.string() }), { matchOn: "Email" }) // { match_on: "Email" }
 */
export function toTerraform(schema: z.ZodType, value: unknown): unknown {
  return convert(schema, value, { from: (key) => key, to: toSnake, unknown: toSnake });
}

interface Renaming {
  /** The name a schema key has in the given value, and in the result. */
  readonly from: (key: string) => string;
  readonly to: (key: string) => string;
  readonly unknown: (name: string) => string;
}

function convert(schema: z.ZodType, value: unknown, renaming: Renaming): unknown {
  const type = bare(schema);
  if (Array.isArray(value) && type instanceof z.ZodArray)
    return value.map((item) => convert(type.element as z.ZodType, item, renaming));
  if (!isObject(value)) return value;
  const present = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
  if (type instanceof z.ZodRecord)
    return Object.fromEntries(
      present.map(([key, item]) => [key, convert(type.valueType as z.ZodType, item, renaming)]),
    );
  if (!(type instanceof z.ZodObject)) return value;
  const known = new Map(Object.keys(type.shape).map((key) => [renaming.from(key), key]));
  return Object.fromEntries(
    present.map(([name, item]) => {
      const key = known.get(name);
      return key === undefined
        ? [renaming.unknown(name), item]
        : [renaming.to(key), convert(type.shape[key] as z.ZodType, item, renaming)];
    }),
  );
}

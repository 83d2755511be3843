import { Lazy } from "cdktf";
import { escapeTemplates } from "../core/references.ts";

/** Plain data whose text Terraform will read as it is, in keys as in values. */
export function escaped<T>(value: T): T {
  return walk(value) as T;
}

function walk(value: unknown): unknown {
  if (typeof value === "string") return escapeTemplates(value);
  if (Array.isArray(value)) return value.map(walk);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [escapeTemplates(key), walk(item)]));
}

/**
 * Attributes that cdktf leaves alone. It would turn the keys of maps, which are destination fields and connection
 * names, into snake_case; it does not look into what is resolved late.
 */
export function verbatim(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      value === undefined ? undefined : Lazy.anyValue({ produce: () => value }),
    ]),
  );
}

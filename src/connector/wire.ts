import type { Fields, FieldType, Value } from "../core/types.ts";

/**
 * A canonical value as the JSON scalar an API expects. Integers beyond 2^53 and decimals that a double cannot hold stay
 * text, so that nothing is lost on the way.
 *
 * @example wire("42", { kind: "integer" }) // 42
 * @example wire("9007199254740993", { kind: "integer" }) // "9007199254740993"
 */
export function wire(value: Value, type: FieldType): unknown {
  if (value === null) return null;
  switch (type.kind) {
    case "integer":
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    case "decimal": {
      const number = Number(value);
      return Number.isFinite(number) && number.toFixed(type.scale) === value ? number : value;
    }
    case "float":
      return Number(value);
    case "boolean":
      return value === "true";
    case "json":
      return JSON.parse(value);
    default:
      return value;
  }
}

/** Every field of a change by {@link wire}. */
export function wireFields(fields: Fields, types: Readonly<Record<string, FieldType>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, wire(value, types[name] ?? { kind: "text" })]),
  );
}

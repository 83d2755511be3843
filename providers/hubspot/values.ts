/** Canonical values as HubSpot's strings, and back. @module */
import type { FieldType, Value } from "../../src/connector/index.ts";
import { inOrder, type Property } from "./describe.ts";

/**
 * A canonical value as the text HubSpot takes; empty text empties a property.
 *
 * @example toProperty("42.0", { kind: "float" }, undefined) // "42"
 */
export function toProperty(value: Value, type: FieldType | undefined, property: Property | undefined): string {
  if (value === null) return "";
  if (type?.kind === "float" || property?.type === "number") return numberText(value);
  // A leading semicolon would add to the values that are there instead of replacing them.
  if (property?.fieldType === "checkbox") return value.split(";").filter(Boolean).join(";");
  return value;
}

function numberText(value: string): string {
  const number = Number(value);
  return value.trim() !== "" && Number.isFinite(number) ? String(number) : value;
}

/** A property's text as it is compared: dates as ISO text whichever way they came, several choices in the list's order. */
export function fromProperty(value: string | null | undefined, property: Property | undefined): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (property?.type === "date" || property?.type === "datetime") {
    if (!/^-?\d+$/.test(value)) return property.type === "date" ? value.slice(0, 10) : value;
    const at = new Date(Number(value));
    if (Number.isNaN(at.getTime())) return value;
    return property.type === "date" ? at.toISOString().slice(0, 10) : at.toISOString();
  }
  if (property?.fieldType !== "checkbox") return value;
  const order = new Map(inOrder(property.options).map((option, i) => [option.value, i]));
  const place = (choice: string) => order.get(choice) ?? order.size;
  return value
    .split(";")
    .filter(Boolean)
    .sort((a, b) => place(a) - place(b))
    .join(";");
}

/** What the vendor does to a value on its way in, and what it refuses. @module */
import { type Definition, owners } from "./definitions.ts";

/** Why a value is refused, in the words that stand inside a message. */
export interface Invalid {
  readonly isValid: false;
  readonly message: string;
  readonly error: string;
  readonly name: string;
}

export function invalid(name: string, error: string, message: string): Invalid {
  return { isValid: false, message, error, name };
}

const longest = 65_536;

/** The text that is stored, null for none, or why there is none. */
export function storeValue(property: Definition, given: unknown, before: string | undefined): string | null | Invalid {
  const { name, type, fieldType } = property;
  const value = given === null || given === undefined ? "" : String(given);
  if (value === "") return null;
  if (property.calculated || property.modificationMetadata.readOnlyValue)
    return invalid(name, "READ_ONLY_VALUE", `"${name}" is a read only property; its value cannot be set`);
  switch (type) {
    case "number": {
      const number = Number(value);
      if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value.trim()) && Number.isFinite(number)) return String(number);
      return invalid(name, "INVALID_INTEGER", `${value} was not a valid number.`);
    }
    case "bool":
      return flag(name, value);
    case "date":
    case "datetime":
      return storeMoment(name, type, value);
    case "enumeration":
      if (fieldType === "booleancheckbox") return flag(name, value);
      return storeChoice(property, value, before);
    default: {
      if (value.length > longest) return invalid(name, "PROPERTY_TOO_LONG", `${name} is longer than ${longest}`);
      if (name !== "email") return value;
      const address = value.trim().toLowerCase();
      if (/^[^\s@"(),:;<>[\]]+@[^\s@.]+(\.[^\s@.]+)+$/.test(address)) return address;
      return invalid(name, "INVALID_EMAIL", `Email address ${value} is invalid`);
    }
  }
}

function flag(name: string, value: string): string | Invalid {
  const text = value.toLowerCase();
  if (text === "true" || text === "false") return text;
  return invalid(name, "INVALID_OPTION", `${value} was not one of the allowed options: [true, false]`);
}

function storeChoice(property: Definition, value: string, before: string | undefined): string | Invalid {
  const { name, fieldType, options } = property;
  const allowed = property.externalOptions ? owners : options.map((option) => option.value);
  const adds = fieldType === "checkbox" && value.startsWith(";");
  const choices = fieldType === "checkbox" ? value.split(";").filter(Boolean) : [value];
  const wrong = choices.find((choice) => !allowed.includes(choice));
  if (wrong !== undefined)
    return invalid(name, "INVALID_OPTION", `${wrong} was not one of the allowed options: [${allowed.join(", ")}]`);
  return [...new Set([...(adds ? (before ?? "").split(";").filter(Boolean) : []), ...choices])].join(";");
}

function storeMoment(name: string, type: "date" | "datetime", value: string): string | Invalid {
  const numeric = /^-?\d+$/.test(value);
  const iso =
    type === "date" ? /^\d{4}-\d{2}-\d{2}$/ : /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;
  const at = numeric ? Number(value) : iso.test(value) ? Date.parse(value) : Number.NaN;
  const wrong = () =>
    invalid(name, type === "date" ? "INVALID_DATE" : "INVALID_LONG", `${value} was not a valid ${type}.`);
  if (Number.isNaN(at) || Number.isNaN(new Date(at).getTime())) return wrong();
  const text = new Date(at).toISOString();
  if (type === "datetime") return text;
  // A date is the midnight it begins with, in UTC; the 30th of February is none.
  return text.endsWith("T00:00:00.000Z") && (numeric || text.startsWith(value)) ? text.slice(0, 10) : wrong();
}

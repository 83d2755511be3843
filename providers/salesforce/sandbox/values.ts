/** What the vendor does to a value on its way in, and what it refuses. @module */
import type { Field } from "./objects.ts";

export type Stored = string | number | boolean | null;

export interface VendorFault {
  readonly statusCode: string;
  readonly message: string;
  readonly fields: readonly string[];
}

export function fault(statusCode: string, message: string, fields: readonly string[] = []): VendorFault {
  return { statusCode, message, fields };
}

const isFault = (value: Stored | VendorFault): value is VendorFault => typeof value === "object" && value !== null;

export { isFault };

/** A stored value, or why there is none. `null` and text without content empty a field. */
export function storeValue(field: Field, given: unknown): Stored | VendorFault {
  const { name, label } = field;
  const value = typeof given === "string" ? given.trim() : given;
  const wrongType = () =>
    fault("INVALID_TYPE_ON_FIELD_IN_RECORD", `${label}: value not of required type: ${String(given)}`, [name]);
  if (value === null || value === undefined || value === "")
    return field.type === "boolean" && field.nillable === false ? wrongType() : null;
  switch (field.type) {
    case "boolean":
      if (typeof value === "boolean") return value;
      return /^(true|1)$/i.test(String(value)) ? true : /^(false|0)$/i.test(String(value)) ? false : wrongType();
    case "int":
    case "double":
    case "currency":
    case "percent":
      return storeNumber(field, value, wrongType);
    case "date":
      return typeof value === "string" && isDate(value) ? value : wrongType();
    case "datetime":
      return (typeof value === "string" && storeInstant(value)) || wrongType();
    case "id":
    case "reference":
      return typeof value === "string" && /^[a-zA-Z0-9]{15}([a-zA-Z0-9]{3})?$/.test(value)
        ? longId(value)
        : fault("MALFORMED_ID", `${label}: id value of incorrect type: ${String(given)}`, [name]);
    default:
      return typeof value === "string" ? storeText(field, value) : wrongType();
  }
}

function storeText(field: Field, value: string): Stored | VendorFault {
  const { name, label, length } = field;
  if (length > 0 && value.length > length)
    return fault("STRING_TOO_LONG", `${label}: data value too large: ${value} (max length=${length})`, [name]);
  if (field.type === "email" && !/^[^\s@"(),:;<>[\]]+@[^\s@.]+(\.[^\s@.]+)+$/.test(value))
    return fault("INVALID_EMAIL_ADDRESS", `${label}: invalid email address: ${value}`, [name]);
  if (field.restrictedPicklist && !field.picklistValues.some((option) => option.value === value)) {
    const message = `${label}: bad value for restricted picklist field: ${value}`;
    return fault("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [name]);
  }
  return value;
}

function storeNumber(field: Field, value: unknown, wrongType: () => VendorFault): Stored | VendorFault {
  const number = typeof value === "number" ? value : typeof value === "string" ? Number(value) : Number.NaN;
  if (!Number.isFinite(number)) return wrongType();
  const whole = field.type === "int";
  if (whole && !Number.isInteger(number)) return wrongType();
  const room = whole ? field.digits : field.precision - field.scale;
  const rounded = roundTo(number, field.scale);
  if (Math.abs(rounded) >= 10 ** room) {
    const message = `${field.label}: value outside of valid range on numeric field: ${number}`;
    return fault("NUMBER_OUTSIDE_VALID_RANGE", message, [field.name]);
  }
  return rounded;
}

/** Half away from zero, on the number as it is written and not as it is stored in binary. */
export function roundTo(number: number, scale: number): number {
  if (Math.abs(number) >= 1e15) return number;
  const [digits, exponent = "0"] = String(Math.abs(number)).split("e");
  const shifted = Math.round(Number(`${digits}e${Number(exponent) + scale}`));
  return Math.sign(number) * Number(`${shifted}e-${scale}`) || 0;
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

/** An instant to the second, in the form the vendor answers; undefined where there is no zone. */
export function storeInstant(text: string): string | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/.test(text)) return undefined;
  const at = Date.parse(text.replace(/([+-]\d{2})(\d{2})$/, "$1:$2"));
  return Number.isNaN(at) ? undefined : instant(at);
}

/** @example instant(0) // "1970-01-01T00:00:00.000+0000" */
export function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}.000+0000`;
}

/** An id in its 18 characters: the last three say which of the others are capitals. */
export function longId(id: string): string {
  if (id.length === 18) return id;
  let suffix = "";
  for (let at = 0; at < 15; at += 5) {
    let bits = 0;
    for (let i = 0; i < 5; i++) if (/[A-Z]/.test(id[at + i] ?? "")) bits |= 1 << i;
    suffix += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits];
  }
  return id + suffix;
}

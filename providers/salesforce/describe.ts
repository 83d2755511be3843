/** What the vendor's describe says of a field, in Ebb's words. @module */
import type { FieldDescription, FieldType } from "../../src/connector/index.ts";

/** The properties of a described field that matter here. */
export interface SalesforceField {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly length: number;
  readonly precision: number;
  readonly scale: number;
  readonly nillable: boolean;
  readonly createable: boolean;
  readonly updateable: boolean;
  readonly defaultedOnCreate: boolean;
  readonly externalId: boolean;
  readonly idLookup: boolean;
  readonly unique: boolean;
  readonly restrictedPicklist: boolean;
  readonly picklistValues: readonly { readonly value: string; readonly active: boolean }[];
}

/** Undefined for a field whose value is not a value: files, and the compounds of other fields. */
export function fieldDescription(field: SalesforceField): FieldDescription | undefined {
  const type = fieldType(field);
  if (!type) return undefined;
  const closed = field.restrictedPicklist && field.type === "picklist";
  return {
    name: field.name,
    label: field.label,
    type,
    required: field.createable && !field.nillable && !field.defaultedOnCreate && field.type !== "boolean",
    nullable: field.nillable,
    creatable: field.createable,
    updatable: field.updateable,
    matchable: field.externalId || field.idLookup || field.unique || field.type === "email",
    ...(field.externalId && field.unique ? { createIsIdempotent: "key" as const } : {}),
    ...(closed ? { options: field.picklistValues.filter(({ active }) => active).map(({ value }) => value) } : {}),
  };
}

function fieldType({ type, length, precision, scale }: SalesforceField): FieldType | undefined {
  const maxLength = length > 0 ? { maxLength: length } : {};
  switch (type) {
    case "email":
      return { kind: "email", ...maxLength };
    case "double":
    case "currency":
    case "percent":
      return precision > 0 && precision <= 38 ? { kind: "decimal", precision, scale } : { kind: "float" };
    case "int":
    case "long":
      return { kind: "integer" };
    case "boolean":
      return { kind: "boolean" };
    case "date":
      return { kind: "date" };
    case "time":
      return { kind: "time" };
    case "datetime":
      // "Full timestamps with a precision of one second" (Object Reference, primitive data types).
      return { kind: "timestamp", digits: 0, zone: true };
    case "base64":
    case "address":
    case "location":
    case "complexvalue":
      return undefined;
    default:
      return { kind: "text", ...maxLength, trim: true, emptyIsNull: true };
  }
}

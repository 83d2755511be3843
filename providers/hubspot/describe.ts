/** What the vendor's property definitions say of a field, in Ebb's words. @module */
import type { FieldDescription, FieldType } from "../../src/connector/index.ts";

export interface Option {
  readonly value: string;
  readonly label?: string;
  readonly displayOrder?: number;
}

/** The parts of a property definition that matter here. */
export interface Property {
  readonly name: string;
  readonly label?: string;
  readonly type: string;
  readonly fieldType: string;
  readonly options: readonly Option[];
  readonly externalOptions?: boolean;
  readonly calculated?: boolean;
  readonly hasUniqueValue?: boolean;
  readonly modificationMetadata?: { readonly readOnlyValue?: boolean };
}

/** Most characters of a text property. */
const longestText = 65_536;

/** Every record has it, and nobody sets it. */
export const idField = "hs_object_id";

/** @param contact contacts have one property that is unique without saying so: `email` */
export function fieldDescription(property: Property, contact: boolean): FieldDescription {
  const email = contact && property.name === "email";
  const writable = property.modificationMetadata?.readOnlyValue !== true && property.calculated !== true;
  const unique = email || property.hasUniqueValue === true;
  const type: FieldType = email ? { kind: "email" } : fieldType(property);
  const closed = property.type === "enumeration" && property.fieldType !== "checkbox" && type.kind === "text";
  const options = inOrder(property.options).map(({ value }) => value);
  return {
    name: property.name,
    ...(property.label ? { label: property.label } : {}),
    type,
    creatable: writable,
    updatable: writable,
    matchable: unique || property.name === idField,
    // The vendor takes no partial upsert by e-mail, and refuses a second contact with one.
    ...(unique && property.name !== idField
      ? { createIsIdempotent: email ? ("conflict" as const) : ("key" as const) }
      : {}),
    // An empty list has its options elsewhere: owners, or the stages of a pipeline.
    ...(closed && options.length > 0 && property.externalOptions !== true ? { options } : {}),
    ...(closed && property.name === "lifecyclestage" ? { forwardOnly: true } : {}),
  };
}

function fieldType({ type, fieldType: shown, name }: Property): FieldType {
  // A number there, but one that is never counted with.
  if (name === idField) return { kind: "text", trim: true, emptyIsNull: true };
  switch (type) {
    case "number":
      return { kind: "float" };
    case "bool":
      return { kind: "boolean" };
    case "date":
      return { kind: "date" };
    case "datetime":
      return { kind: "timestamp", digits: 3, zone: true };
    case "enumeration":
      return shown === "booleancheckbox" ? { kind: "boolean" } : { kind: "text", trim: true, emptyIsNull: true };
    default:
      return { kind: "text", maxLength: longestText, trim: true, emptyIsNull: true };
  }
}

/** By `displayOrder`; those with -1 come last. */
export function inOrder(options: readonly Option[]): readonly Option[] {
  const place = ({ displayOrder = -1 }: Option) => (displayOrder < 0 ? Number.MAX_SAFE_INTEGER : displayOrder);
  return options.toSorted((a, b) => place(a) - place(b));
}

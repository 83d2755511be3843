/** Makes properties that a sync maps and an object lacks. @module */
import {
  ConfigError,
  type FieldDescription,
  type FieldType,
  type Http,
  type NewField,
  RecordError,
} from "../../src/connector/index.ts";
import { propertiesPath } from "./addresses.ts";
import { fieldDescription, type Property } from "./describe.ts";

interface Definition extends Property {
  readonly label: string;
  readonly hasUniqueValue: boolean;
  readonly options: readonly { value: string; label: string; displayOrder: number; hidden: boolean }[];
}

/** @throws ConfigError `FIELD_UNKNOWN` where the vendor allows no such property */
export function describeNew(connection: string, object: string, field: NewField): FieldDescription {
  return fieldDescription(definition(connection, object, field), false);
}

/** @param type the object's address */
export async function createField(
  http: Http,
  connection: string,
  object: string,
  type: string,
  field: NewField,
  signal: AbortSignal,
): Promise<void> {
  const wanted = definition(connection, object, field);
  const groupName = await groupOf(http, type, signal);
  const json = { groupName, ...wanted };
  try {
    await http.request({ method: "POST", path: propertiesPath(type), json }, signal);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    const there = await existing(http, type, field.name, signal);
    if (there === undefined) throw error;
    const same = there.type === wanted.type || isFlag(there) === isFlag(wanted);
    if (same && kindOf(there) === kindOf(wanted)) return;
    throw new ConfigError(
      "CONFIG_INVALID",
      `${connection}: ${object} has a property "${field.name}" of another kind (${there.type}), not ${wanted.type}`,
      { at: connection, next: "Map another name, or remove the property in HubSpot." },
    );
  }
}

const isFlag = (property: Property): boolean => property.type === "bool" || property.fieldType === "booleancheckbox";
const kindOf = (property: Property): string => fieldDescription(property, false).type.kind;

async function existing(http: Http, type: string, name: string, signal: AbortSignal): Promise<Property | undefined> {
  try {
    const path = propertiesPath(type, `/${encodeURIComponent(name)}`);
    return (await http.request({ method: "GET", path }, signal)).json<Property>();
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}

/** The groups the vendor makes for its own objects; another object's first group. */
const groups: Readonly<Record<string, string>> = {
  contacts: "contactinformation",
  companies: "companyinformation",
  deals: "dealinformation",
  tickets: "ticketinformation",
};

async function groupOf(http: Http, type: string, signal: AbortSignal): Promise<string> {
  const known = groups[type];
  if (known) return known;
  const answer = await http.request({ method: "GET", path: propertiesPath(type, "/groups") }, signal);
  const [first] = answer.json<{ results: readonly { name: string }[] }>().results;
  return first?.name ?? `${type}_information`;
}

function definition(connection: string, object: string, { name, type }: NewField): Definition {
  const refuse = (why: string) =>
    new ConfigError("FIELD_UNKNOWN", `${connection}: ${object} has no field "${name}", and none can be made: ${why}`);
  if (!/^[a-z][a-z0-9_]{0,99}$/.test(name))
    throw refuse("a property's name has lower-case letters, digits and underscores, and starts with a letter");
  const made = nearest(type);
  const options = made.fieldType === "booleancheckbox" ? flags : [];
  const label = (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " ");
  return { name, label, ...made, hasUniqueValue: false, options };
}

const flags = [
  { value: "true", label: "Yes", displayOrder: 0, hidden: false },
  { value: "false", label: "No", displayOrder: 1, hidden: false },
];

function nearest({ kind }: FieldType): { readonly type: string; readonly fieldType: string } {
  switch (kind) {
    case "integer":
    case "decimal":
    case "float":
      return { type: "number", fieldType: "number" };
    case "boolean":
      return { type: "enumeration", fieldType: "booleancheckbox" };
    case "date":
      return { type: "date", fieldType: "date" };
    case "timestamp":
      return { type: "datetime", fieldType: "date" };
    case "json":
      return { type: "string", fieldType: "textarea" };
    default:
      return { type: "string", fieldType: "text" };
  }
}

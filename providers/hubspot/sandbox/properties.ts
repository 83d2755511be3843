/** The properties API: list, read, create, and their groups. @module */
import { type Definition, definition } from "./definitions.ts";
import type { CrmObject } from "./objects.ts";
import { Refusal } from "./refusal.ts";
import type { Answer } from "./rest.ts";
import type { Store } from "./store.ts";

export function listProperties(store: Store, object: CrmObject): Answer {
  return { status: 200, json: { results: [...store.properties(object.name).values()] } };
}

export function readProperty(store: Store, object: CrmObject, name: string): Answer {
  const found = store.properties(object.name).get(name);
  if (found) return { status: 200, json: found };
  throw new Refusal(404, "OBJECT_NOT_FOUND", `No property exists with name '${name}'.`);
}

export function listGroups(object: CrmObject): Answer {
  const results = [{ name: object.group, label: `${object.name} information`, displayOrder: 0, archived: false }];
  return { status: 200, json: { results } };
}

const shapes: Readonly<Record<string, readonly string[]>> = {
  string: ["text", "textarea", "html", "file", "phonenumber"],
  number: ["number"],
  bool: ["booleancheckbox", "calculation_equation"],
  enumeration: ["booleancheckbox", "checkbox", "radio", "select"],
  date: ["date"],
  datetime: ["date"],
  phone_number: ["phonenumber"],
};

export function createProperty(store: Store, object: CrmObject, given: Partial<Definition>): Answer {
  const { name = "", label = "", type = "", fieldType = "", groupName = "", options = [] } = given;
  const refuse = (message: string) => new Refusal(400, "VALIDATION_ERROR", message);
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw refuse(`Property name ${name} is not valid`);
  if (!label || groupName !== object.group) throw refuse(`Group ${groupName} does not exist`);
  if (!shapes[type]?.includes(fieldType)) throw refuse(`fieldType ${fieldType} is not valid for type ${type}`);
  if (type === "enumeration" && options.length === 0) throw refuse("options are required for enumerations");
  if (store.properties(object.name).has(name))
    throw new Refusal(409, "OBJECT_ALREADY_EXISTS", `A property named '${name}' already exists.`);
  const now = new Date().toISOString();
  const { hasUniqueValue = false, description = "" } = given;
  const made = definition(name, type, fieldType, { label, groupName, hasUniqueValue, description });
  const property = {
    ...made,
    createdAt: now,
    updatedAt: now,
    options: options.map((option) => ({ ...option, description: option.description ?? "" })),
  };
  store.define(object.name, property);
  return { status: 201, json: property };
}

/** The objects of an account: what they are called in addresses, and their properties. @module */
import {
  AuthError,
  ConfigError,
  type FieldDescription,
  type Http,
  RecordError,
  suggest,
  TransientError,
} from "../../src/connector/index.ts";
import { propertiesPath, schemasPath } from "./addresses.ts";
import { associationField } from "./associations.ts";
import { fieldDescription, type Property } from "./describe.ts";

/** Standard objects that hold people, companies and what is sold; others work by name as well. */
const standard = ["contacts", "companies", "deals", "tickets", "products", "line_items", "leads", "quotes", "orders"];
/** Of these, the ones that records are usually associated with. */
const associated = ["contacts", "companies", "deals", "tickets"];

interface Schema {
  readonly objectTypeId?: string;
  readonly name: string;
  readonly fullyQualifiedName?: string;
  readonly requiredProperties?: readonly string[];
}

/** An object as it is written and read. */
export interface Shape {
  /** Its name in addresses; a custom object's type id. */
  readonly type: string;
  readonly properties: ReadonlyMap<string, Property>;
  readonly fields: readonly FieldDescription[];
}

export interface Objects {
  /** The name addresses take. Asks the network only for names that are neither standard nor type ids. */
  type(name: string, signal: AbortSignal): Promise<string>;
  /** @throws ConfigError `OBJECT_UNKNOWN` */
  shape(name: string, signal: AbortSignal): Promise<Shape>;
  /** Asks for the definitions anew when they are next needed. */
  forget(name: string): void;
}

export const isContacts = (type: string): boolean => /^(contacts?|0-1)$/i.test(type);

export function openObjects(http: Http, connection: string): Objects {
  const shapes = new Map<string, Promise<Shape>>();
  let listing: Promise<readonly Schema[]> | undefined;

  /** Custom objects; none where the token may not see them. */
  const schemas = (signal: AbortSignal): Promise<readonly Schema[]> => {
    listing ??= http
      .request({ method: "GET", path: `${schemasPath}?archived=false` }, signal)
      .then((answer) => answer.json<{ results?: readonly Schema[] }>().results ?? [])
      .catch((error: unknown) => {
        if (error instanceof AuthError && error.code === "ACCESS_DENIED") return [];
        listing = undefined;
        throw error;
      });
    return listing;
  };
  const custom = async (name: string, signal: AbortSignal): Promise<Schema | undefined> => {
    if (standard.includes(name) || /^0-\d+$/.test(name)) return undefined;
    const all = await schemas(signal);
    return all.find((schema) => [schema.objectTypeId, schema.name, schema.fullyQualifiedName].includes(name));
  };

  async function type(name: string, signal: AbortSignal): Promise<string> {
    // The vendor takes no plain names of custom objects any more, only type ids and qualified names.
    if (/^\d+-\d+$/.test(name)) return name;
    return (await custom(name, signal))?.objectTypeId ?? name;
  }

  async function fetchShape(name: string, signal: AbortSignal): Promise<Shape> {
    const schema = await custom(name, signal);
    const address = schema?.objectTypeId ?? name;
    const properties = await fetchProperties(name, address, signal);
    const fields = properties.map((property): FieldDescription => {
      const field = fieldDescription(property, isContacts(address));
      return schema?.requiredProperties?.includes(property.name) ? { ...field, required: true } : field;
    });
    const others = [...associated, ...(await schemas(signal)).map((other) => other.name)];
    const links = others.filter((other) => other !== name && other !== schema?.name).map(associationField);
    return {
      type: address,
      properties: new Map(properties.map((property) => [property.name, property])),
      fields: [...fields, ...links],
    };
  }

  async function fetchProperties(name: string, address: string, signal: AbortSignal): Promise<readonly Property[]> {
    try {
      const answer = await http.request({ method: "GET", path: propertiesPath(address, "?archived=false") }, signal);
      const { results } = answer.json<{ results?: readonly Property[] }>();
      if (!Array.isArray(results))
        throw new TransientError("ANSWER_INVALID", `${connection}: the properties of ${name} could not be read`);
      return (results as readonly Property[]).map((property) => ({ ...property, options: property.options ?? [] }));
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      const names = [...standard, ...(await schemas(signal)).map((schema) => schema.name)];
      throw new ConfigError("OBJECT_UNKNOWN", `${connection} has no object "${name}": ${suggest(name, names)}`);
    }
  }

  return {
    type,
    shape(name, signal) {
      const known = shapes.get(name) ?? fetchShape(name, signal);
      shapes.set(name, known);
      known.catch(() => shapes.delete(name));
      return known;
    },
    forget: (name) => void shapes.delete(name),
  };
}

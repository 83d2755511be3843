/** Values of Terraform's schemas, to and from the wire. @module */
import { isObject } from "../core/is-object.ts";
import { isList, pack, unpack, type Value } from "./msgpack.ts";
import type { Message } from "./protobuf.ts";
import type { Attribute, TerraformType } from "./schema.ts";

type Attributes = Readonly<Record<string, Attribute>>;

/** A whole block, or null where there is none (a resource to be created has no prior state). */
export function readValue(value: Message<"DynamicValue"> | undefined): Value {
  return value?.msgpack && value.msgpack.length > 0 ? unpack(value.msgpack) : null;
}

export function writeValue(value: Value): Message<"DynamicValue"> {
  return { msgpack: pack(value) };
}

/** A value of any type, as the wire has it: its type as JSON, and the value. */
export function ofAnyType(type: unknown, value: Value): Value {
  return [Buffer.from(JSON.stringify(type)), value];
}

/**
 * The value for decoding: numbers as JavaScript numbers, and text in place of a number and the reverse where the schema
 * asks for it, as Terraform converts them. What goes back to Terraform must be the value itself, as it came.
 */
export function plain(attributes: Attributes, value: Value): Value {
  if (!isBlock(value)) return value;
  return mapped(value, (item, name) => {
    const attribute = attributes[name];
    return attribute ? plainAttribute(attribute, item) : withoutType(item);
  });
}

function plainAttribute({ type, nested_type: nested }: Attribute, given: Value): Value {
  const value = withoutType(given);
  if (!nested) return type === undefined ? value : plainType(type, value);
  if (nested.nesting_mode === "single") return plain(nested.attributes, value);
  return each(value, (item) => plain(nested.attributes, item));
}

function plainType(type: TerraformType, value: Value): Value {
  if (typeof type !== "string") return each(value, (item) => plainType(type[1], item));
  switch (type) {
    case "number": {
      const number = typeof value === "string" || typeof value === "bigint" ? Number(value) : value;
      return value === "" || Number.isNaN(number) ? value : number;
    }
    case "string":
      return ["number", "bigint", "boolean"].includes(typeof value) ? String(value) : value;
    case "bool":
      return value === "true" ? true : value === "false" ? false : value;
    default:
      return value;
  }
}

function withoutType(value: Value): Value {
  return isList(value) && value.length === 2 && value[0] instanceof Uint8Array ? (value[1] ?? null) : value;
}

function each(value: Value, use: (item: Value) => Value): Value {
  if (isList(value)) return value.map(use);
  return isBlock(value) ? mapped(value, use) : value;
}

type Block = { readonly [name: string]: Value };

function isBlock(value: Value): value is Block {
  return isObject(value) && !(value instanceof Uint8Array);
}

function mapped(value: Block, use: (item: Value, name: string) => Value): Block {
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, use(item, name)]));
}

/** A block as JSON, made complete: every attribute of the schema, null where there is none. */
export function fromJson(attributes: Attributes, json: unknown): Value {
  if (!isObject(json)) return null;
  return Object.fromEntries(
    Object.entries(attributes).map(([name, attribute]) => [name, fromJsonAttribute(attribute, json[name])]),
  );
}

function fromJsonAttribute({ type, nested_type: nested }: Attribute, json: unknown): Value {
  if (type === "dynamic") return isObject(json) && "type" in json ? ofAnyType(json.type, exact(json.value)) : null;
  if (!nested || json === null || json === undefined) return exact(json);
  if (nested.nesting_mode === "single") return fromJson(nested.attributes, json);
  return each(json as Value, (item) => fromJson(nested.attributes, item));
}

/** Terraform takes a fraction from a float for another number than the same digits as text. */
function exact(json: unknown): Value {
  if (typeof json === "number") return Number.isSafeInteger(json) ? json : String(json);
  if (Array.isArray(json)) return json.map(exact);
  if (isObject(json)) return Object.fromEntries(Object.entries(json).map(([name, item]) => [name, exact(item)]));
  return (json ?? null) as Value;
}

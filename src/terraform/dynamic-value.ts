/** Values of Terraform's schemas, to and from the wire. @module */
import { isObject } from "../core/is-object.ts";
import { isList, pack, unknown, unpack, type Value } from "./msgpack.ts";
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

/**
 * The value with every number as a JavaScript number, for decoding. What goes back to Terraform must be the value
 * itself, where numbers stand as they came.
 */
export function plain(attributes: Attributes, value: Value): Value {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, Value>>).map(([name, item]) => {
      const attribute = attributes[name];
      return [name, attribute ? plainAttribute(attribute, item) : item];
    }),
  );
}

function plainAttribute({ type, nested_type: nested }: Attribute, value: Value): Value {
  if (!nested) return type === undefined ? value : plainType(type, value);
  if (nested.nesting_mode === "single") return plain(nested.attributes, value);
  return each(value, (item) => plain(nested.attributes, item));
}

function plainType(type: TerraformType, value: Value): Value {
  if (typeof type !== "string") return each(value, (item) => plainType(type[1], item));
  return type === "number" && value !== null && value !== unknown ? Number(value) : value;
}

function each(value: Value, use: (item: Value) => Value): Value {
  if (isList(value)) return value.map(use);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, Value>>).map(([k, item]) => [k, use(item)]),
  );
}

/** A block as JSON, made complete: every attribute of the schema, null where there is none. */
export function fromJson(attributes: Attributes, json: unknown): Value {
  if (!isObject(json)) return null;
  return Object.fromEntries(
    Object.entries(attributes).map(([name, attribute]) => [name, fromJsonAttribute(attribute, json[name])]),
  );
}

function fromJsonAttribute({ nested_type: nested }: Attribute, json: unknown): Value {
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

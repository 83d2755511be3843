/** Protocol buffers by tables: a message is a table of fields, and its TypeScript type follows from the table. @module */
import { ConfigError } from "../core/errors.ts";
import { type MessageName, messages } from "./messages.ts";

type Tables = typeof messages;
type Single<K> = K extends "string"
  ? string
  : K extends "bytes"
    ? Uint8Array
    : K extends "bool"
      ? boolean
      : K extends "int"
        ? number
        : K extends MessageName
          ? Message<K>
          : never;
type FieldOf<F> = F extends readonly [number, infer K, "list"]
  ? readonly Single<K>[]
  : F extends readonly [number, infer K, "map"]
    ? Readonly<Record<string, Single<K>>>
    : F extends readonly [number, infer K]
      ? Single<K>
      : never;

/** A message as plain data. What is absent on the wire is absent here. */
export type Message<N extends MessageName> = { readonly [F in keyof Tables[N]]?: FieldOf<Tables[N][F]> };

/** A field: its number, what it holds (`int` is never negative here), and whether there are several. */
export type Field = readonly [number: number, kind: string, several?: "list" | "map"];

type Data = Readonly<Record<string, unknown>>;
const tables: Readonly<Record<string, Readonly<Record<string, Field>>>> = messages;
const VARINT = 0;
const LENGTH = 2;

/** @example encode("DynamicValue", { msgpack: bytes }) */
export function encode<N extends MessageName>(name: N, message: Message<N>): Buffer {
  return encodeTable(name, message);
}

function encodeTable(name: string, message: Data): Buffer {
  const parts: Uint8Array[] = [];
  for (const [field, [number, kind, several]] of Object.entries(tables[name] ?? {})) {
    const value = message[field];
    if (value === undefined) continue;
    if (several === "list") for (const item of value as readonly unknown[]) put(parts, number, kind, item);
    else if (several === "map")
      for (const [key, item] of Object.entries(value as Data)) {
        const entry: Uint8Array[] = [];
        put(entry, 1, "string", key);
        put(entry, 2, kind, item);
        put(parts, number, "bytes", Buffer.concat(entry));
      }
    else put(parts, number, kind, value);
  }
  return Buffer.concat(parts);
}

function put(parts: Uint8Array[], number: number, kind: string, value: unknown): void {
  if (kind === "bool" || kind === "int") {
    parts.push(varint(number * 8 + VARINT), varint(Number(value)));
    return;
  }
  const bytes =
    kind === "string"
      ? Buffer.from(String(value))
      : kind === "bytes"
        ? (value as Uint8Array)
        : encodeTable(kind, value as Data);
  parts.push(varint(number * 8 + LENGTH), varint(bytes.length), bytes);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}

/** Reads a message. Fields the table does not know are passed over, as newer Terraform versions send more. */
export function decode<N extends MessageName>(name: N, bytes: Uint8Array): Message<N> {
  return decodeTable(name, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as Message<N>;
}

function decodeTable(name: string, bytes: Buffer): Data {
  const fields = new Map(Object.entries(tables[name] ?? {}).map(([field, spec]) => [spec[0], { field, spec }]));
  const message: Record<string, unknown> = {};
  for (const { number, value } of wire(bytes)) {
    const known = fields.get(number);
    if (!known) continue;
    const {
      field,
      spec: [, kind, several],
    } = known;
    if (several === "list") message[field] = [...((message[field] as unknown[] | undefined) ?? []), read(kind, value)];
    else if (several === "map") {
      const entry = new Map([...wire(value as Buffer)].map((part) => [part.number, part.value]));
      const item = [read("string", entry.get(1) ?? Buffer.alloc(0)), read(kind, entry.get(2) ?? Buffer.alloc(0))];
      message[field] = Object.fromEntries([...Object.entries((message[field] as Data | undefined) ?? {}), item]);
    } else message[field] = read(kind, value);
  }
  return message;
}

function read(kind: string, value: number | Buffer): unknown {
  if (typeof value === "number") return kind === "bool" ? value !== 0 : value;
  if (kind === "bytes") return value;
  return kind === "string" ? value.toString() : decodeTable(kind, value);
}

function* wire(bytes: Buffer): Generator<{ readonly number: number; readonly value: number | Buffer }> {
  let at = 0;
  const next = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new ConfigError("ANSWER_INVALID", "Terraform sent a message that is cut short");
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => {
    if (at + length > bytes.length)
      throw new ConfigError("ANSWER_INVALID", "Terraform sent a message that is cut short");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = next();
    const type = tag % 8;
    const number = Math.floor(tag / 8);
    if (type === VARINT) yield { number, value: next() };
    else if (type === LENGTH) yield { number, value: take(next()) };
    else if (type === 1 || type === 5) take(type === 1 ? 8 : 4);
    else throw new ConfigError("ANSWER_INVALID", `Terraform sent a message with a part of kind ${type}`);
  }
}

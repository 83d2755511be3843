/** Terraform's values as MessagePack: JSON's values, numbers of any size, and what is not known yet. @module */
import { ConfigError } from "../core/errors.ts";

/** Stands where a value is known only after something else has been applied. */
export const unknown: unique symbol = Symbol("unknown");

/**
 * A number comes as text where neither 64 bits nor a float hold it exactly, and goes back the same way. Only the
 * schema tells it from text. Bytes stand only in a value of any type, which is a pair of its type as JSON and itself.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | typeof unknown
  | Uint8Array
  | readonly Value[]
  | { readonly [name: string]: Value };

export function unpack(bytes: Uint8Array): Value {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (length: number) => {
    if (at + length > data.length) throw new ConfigError("ANSWER_INVALID", "Terraform sent a value that is cut short");
    at += length;
    return data.subarray(at - length, at);
  };
  const size = (width: number) => take(width).readUIntBE(0, width);
  const several = (count: number) => Array.from({ length: count }, next);
  const entries = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, () => [String(next()), next()] as const));
  const extension = (length: number): Value => {
    take(length + 1);
    return unknown;
  };
  const text = (length: number) => take(length).toString();
  const exact = (value: bigint) => (BigInt.asIntN(54, value) === value ? Number(value) : value);

  function next(): Value {
    const tag = size(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return entries(tag & 0x0f);
    if (tag < 0xa0) return several(tag & 0x0f);
    if (tag < 0xc0) return text(tag & 0x1f);
    if (tag >= 0xe0) return tag - 0x100;
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return tag === 0xc3;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return take(size(1 << (tag - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return extension(size(1 << (tag - 0xc7)));
      case 0xca:
        return take(4).readFloatBE();
      case 0xcb:
        return take(8).readDoubleBE();
      case 0xcc:
      case 0xcd:
      case 0xce:
        return size(1 << (tag - 0xcc));
      case 0xcf:
        return exact(take(8).readBigUInt64BE());
      case 0xd0:
      case 0xd1:
      case 0xd2:
        return take(1 << (tag - 0xd0)).readIntBE(0, 1 << (tag - 0xd0));
      case 0xd3:
        return exact(take(8).readBigInt64BE());
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return extension(1 << (tag - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return text(size(1 << (tag - 0xd9)));
      case 0xdc:
      case 0xdd:
        return several(size(tag === 0xdc ? 2 : 4));
      case 0xde:
      case 0xdf:
        return entries(size(tag === 0xde ? 2 : 4));
      default:
        throw new ConfigError("ANSWER_INVALID", `Terraform sent a value of kind 0x${tag.toString(16)}`);
    }
  }
  return next();
}

export function pack(value: Value): Buffer {
  const parts: Uint8Array[] = [];
  const head = (tag: number, bytes: number, number: number | bigint) => {
    const part = Buffer.alloc(1 + bytes, tag);
    if (typeof number === "bigint") part.writeBigInt64BE(number, 1);
    else part.writeUIntBE(number, 1, bytes);
    parts.push(part);
  };
  const add = (item: Value): void => {
    if (item === null) parts.push(Buffer.of(0xc0));
    else if (item === unknown) parts.push(Buffer.of(0xd4, 0, 0));
    else if (typeof item === "boolean") parts.push(Buffer.of(item ? 0xc3 : 0xc2));
    else if (typeof item === "bigint" || Number.isSafeInteger(item)) {
      const whole = BigInt(item as number | bigint);
      // A number above the signed range stays what it came as.
      head(whole === BigInt.asIntN(64, whole) ? 0xd3 : 0xcf, 8, BigInt.asIntN(64, whole));
    } else if (typeof item === "number") {
      const part = Buffer.alloc(9, 0xcb);
      part.writeDoubleBE(item, 1);
      parts.push(part);
    } else if (typeof item === "string") {
      const bytes = Buffer.from(item);
      head(0xdb, 4, bytes.length);
      parts.push(bytes);
    } else if (item instanceof Uint8Array) {
      head(0xc6, 4, item.length);
      parts.push(item);
    } else if (isList(item)) {
      head(0xdd, 4, item.length);
      for (const one of item) add(one);
    } else {
      const entries = Object.entries(item as { readonly [name: string]: Value });
      head(0xdf, 4, entries.length);
      for (const [name, one] of entries) {
        add(name);
        add(one);
      }
    }
  };
  add(value);
  return Buffer.concat(parts);
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

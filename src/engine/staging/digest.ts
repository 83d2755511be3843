import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { crc32 } from "node:zlib";

/** Large files are read in pieces of this size: a call into the system costs more than to read the default 64 KB. */
export const PIECE_BYTES = 1024 * 1024;

/** SHA-256 in hexadecimal of a value's JSON with sorted keys: equal values, equal digest. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(stable(value)).digest("hex");
}

export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: PIECE_BYTES })) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

/** Finds damage, not intent. */
export function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

export async function checksumOfFile(path: string): Promise<string> {
  let sum = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: PIECE_BYTES }))
    sum = crc32(chunk as Uint8Array, sum);
  return sum.toString(16).padStart(8, "0");
}

function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${stable(inner)}`).join(",")}}`;
}

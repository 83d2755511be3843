import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";

/** Large files are read in pieces of this size: a call into the system costs more than to read the default 64 KB. */
export const PIECE_BYTES = 1024 * 1024;

/** SHA-256 in hexadecimal of a value's JSON with sorted keys: equal values, equal digest. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(stable(value)).digest("hex");
}

export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await eachPiece(path, (piece) => hash.update(piece));
  return hash.digest("hex");
}

/** Finds damage, not intent. */
export function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

export async function checksumOfFile(path: string): Promise<string> {
  let sum = 0;
  await eachPiece(path, (piece) => {
    sum = crc32(piece, sum);
  });
  return sum.toString(16).padStart(8, "0");
}

/** A file's bytes in order, every time in the same memory. */
async function eachPiece(path: string, use: (piece: Uint8Array) => void): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const memory = Buffer.allocUnsafe(Math.max(1, Math.min(size, PIECE_BYTES)));
    for (;;) {
      const { bytesRead } = await file.read(memory, 0, memory.length);
      if (bytesRead === 0) return;
      use(memory.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${stable(inner)}`).join(",")}}`;
}

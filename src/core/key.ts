import type { RecordKey } from "./types.ts";

/**
 * The record key of canonical parts: a single part is itself, several are a JSON array, so `["a","b,c"]` and
 * `["a,b","c"]` stay apart.
 *
 * @example keyOf(["ada@example.com"]) // "ada@example.com"
 * @example keyOf(["eu", "42"])        // '["eu","42"]'
 */
export function keyOf(parts: readonly string[]): RecordKey {
  const [only] = parts;
  return (parts.length === 1 && only !== undefined ? only : JSON.stringify(parts)) as RecordKey;
}

/** The parts of a key that was made of `count` parts. Inverse of {@link keyOf}. */
export function keyParts(key: RecordKey, count: number): readonly string[] {
  return count === 1 ? [key] : (JSON.parse(key) as string[]);
}

/** A key read back from a plan, a ledger or a journal, where {@link keyOf} wrote it. */
export function storedKey(text: string): RecordKey {
  return text as RecordKey;
}

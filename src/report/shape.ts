/** What kind of text a value is, without a letter or a digit of it. @module */

/** Words; signs that tell an address or a number; white space; anything else. */
const pieces = /[\p{L}\p{M}\p{N}]+|@+|\.+|\++|-+|\s+|[^\p{L}\p{M}\p{N}@.+\-\s]+/gu;
const MOST = 24;
/** Lengths are told in such steps, and short ones not at all. */
const STEPS = [1_000, 200, 40] as const;

/**
 * The shape of a value: letters are `x…`, digits `0…`, both in one word `x0…`, however many there are; `@ . - +` and
 * spaces stay, once each; other signs are `*`. It does not tell `DE` from `Germany`, nor 7 from 7,000.
 *
 * @example shapeOf("ada@example.com") // "x…@x….x…"
 * @example shapeOf("+49 30 1234") // "+0… 0… 0…"
 */
export function shapeOf(value: string): string {
  let shape = "";
  // A hostile value may be long; what is kept comes from its beginning.
  for (const piece of value.slice(0, 400).trim().match(pieces) ?? []) {
    const next = signOf(piece);
    if (shape.length + next.length > MOST) {
      shape = `${shape.replace(/…$/, "")}…`;
      break;
    }
    shape += next;
  }
  const length = STEPS.find((step) => value.length > step);
  return length === undefined ? shape : `${shape} (>${length})`;
}

function signOf(piece: string): string {
  const letters = /[\p{L}\p{M}]/u.test(piece) ? "x" : "";
  const digits = /\p{N}/u.test(piece) ? "0" : "";
  if (letters || digits) return `${letters}${digits}…`;
  const sign = piece.charAt(0);
  if ("@.+-".includes(sign)) return sign;
  return /\s/.test(sign) ? " " : "*";
}

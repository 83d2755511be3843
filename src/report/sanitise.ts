/**
 * The one way text from a warehouse, an API or a file reaches a terminal or a log: nothing in it can move the cursor,
 * hide, reorder what is shown, or be taken for a command of a CI system.
 * @module
 */
import { hash } from "node:crypto";

/** Controls, formats, lone surrogates, separators other than a space, and whatever else has no width. */
const hidden = /(?!\uFE0F)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu;
/** More marks on one character than any script uses. */
const piled = /(\p{M}{4})\p{M}+/gu;
const CUT = "…";

export interface SanitiseOptions {
  /** Characters kept (default 200). */
  readonly max?: number;
}

/**
 * Text as one harmless line.
 *
 * @example sanitise("a\u001b[2Jb\n") // "a␛[2Jb␊"
 */
export function sanitise(text: string, { max = 200 }: SanitiseOptions = {}): string {
  // Cut first: a hostile value may be long. Twice the size is enough for what is kept.
  const characters = [...text.slice(0, 2 * max + 2)];
  const kept =
    characters.length > max || text.length > 2 * max + 2 ? `${characters.slice(0, max).join("")}${CUT}` : text;
  return inert(kept.replace(hidden, visible).replace(piled, `$1${CUT}`));
}

/** Like {@link sanitise}, but line ends stay: for messages that are made of lines, such as a command's output. */
export function sanitiseLines(text: string, { max = 4_000 }: SanitiseOptions = {}): string {
  return text
    .slice(0, 4 * max)
    .split(/\r?\n/)
    .map((line) => sanitise(line.replaceAll("\t", "  "), { max }))
    .join("\n");
}

/** GitHub, GitLab and Azure take lines that begin so, or hold this, for commands. */
function inert(line: string): string {
  return line.replace(/^(\s*):(?=:)/, "$1: ").replace(/##(?=\[|vso\[)/gi, "# #");
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "␡";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/** A value not to be shown, as a token that is the same for the same value. */
export type Mask = (value: string) => string;

/**
 * Masks values with tokens that hold within one salt: equal values can be recognised, and no more.
 *
 * @example createMask(salt)("ada@example.com") // "•••4e1c"
 */
export function createMask(salt: string): Mask {
  // A report masks hundreds of thousands of values: one call of the hash each, behind a prefix of one length; one of 128
  // bits, with which most values still fit into a single block of the hash.
  const prefix = hash("sha256", salt, "base64").slice(0, 22);
  return (value) => `•••${hash("sha256", prefix + value).slice(0, 4)}`;
}

/** What kind of text a value is, without a letter or a digit of it. @module */

/** Kinds of characters: of words, each sign that tells an address or a number, white space, anything else. */
const LETTER = 1;
const DIGIT = 2;
const WORD = LETTER | DIGIT;
const SPACE = 4;
const OTHER = 8;
const signs = new Map([..."@.+-"].map((sign, i) => [sign, 16 << i]));
const signOf = new Map([...signs].map(([sign, kind]) => [kind, sign])).set(SPACE, " ").set(OTHER, "*");
const words: readonly string[] = ["", "x…", "0…", "x0…"];

const ascii = Uint8Array.from({ length: 128 }, (_, code) => kindOf(String.fromCharCode(code)));
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
  // A hostile value may be long; what is kept comes from its beginning.
  const text = value.slice(0, 400).trim();
  let shape = "";
  // Character by character: a report has the shapes of hundreds of thousands of values.
  for (let at = 0; at < text.length; ) {
    let kinds = kindAt(text, at);
    const word = (kinds & WORD) > 0;
    at += widthAt(text, at);
    // At the end there is a character of no kind.
    for (let kind = kindAt(text, at); word ? (kind & WORD) > 0 : kind === kinds; kind = kindAt(text, at)) {
      kinds |= kind;
      at += widthAt(text, at);
    }
    const next = (word ? words[kinds] : signOf.get(kinds)) ?? "";
    if (shape.length + next.length > MOST) {
      shape = `${shape.replace(/…$/, "")}…`;
      break;
    }
    shape += next;
  }
  const length = STEPS.find((step) => value.length > step);
  return length === undefined ? shape : `${shape} (>${length})`;
}

function kindAt(text: string, at: number): number {
  if (at >= text.length) return 0;
  const unit = text.charCodeAt(at);
  return unit < 128 ? (ascii[unit] ?? OTHER) : kindOf(String.fromCodePoint(text.codePointAt(at) ?? 0));
}

function widthAt(text: string, at: number): number {
  return text.charCodeAt(at) >= 0xd800 && (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function kindOf(character: string): number {
  if (/[\p{L}\p{M}]/u.test(character)) return LETTER;
  if (/\p{N}/u.test(character)) return DIGIT;
  return signs.get(character) ?? (/\s/.test(character) ? SPACE : OTHER);
}

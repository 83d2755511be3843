/** Text of Snowflake SQL as tokens, and tokens as text of the engine's SQL. @module */
import { SqlFailure } from "./failure.ts";

export type TokenKind = "word" | "quoted" | "string" | "number" | "stage" | "symbol" | "raw";

export interface Token {
  readonly kind: TokenKind;
  /** A word in upper case, the content of a quoted name or a string, a symbol as it is; `raw` is the engine's own SQL. */
  readonly text: string;
  /** Where it starts in the statement; -1 for what the translation adds. */
  readonly at: number;
  /** A word as it was written. */
  readonly written?: string;
}

const patterns: readonly (readonly [TokenKind | "space", RegExp])[] = [
  ["space", /(\s+|--[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y],
  ["raw", /[xX]'(?:[0-9a-fA-F]{2})*'/y],
  ["string", /'(?:[^'\\]|''|\\[\s\S])*'|\$\$[\s\S]*?\$\$/y],
  ["quoted", /"(?:[^"]|"")*"/y],
  ["stage", /@[~%\w$."/\-=+]+/y],
  ["number", /(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/y],
  ["word", /[A-Za-z_][\w$]*|\$\d+|\$[A-Za-z_]\w*/y],
  ["symbol", /::|=>|->|\|\||<=|>=|<>|!=|[-+*/%=<>(),.;:?[\]{}^&|~]/y],
];

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "0": "\0" };

export function tokenize(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < sql.length) {
    const found = patterns.flatMap(([kind, pattern]) => {
      pattern.lastIndex = at;
      const [text] = pattern.exec(sql) ?? [];
      return text ? [{ kind, text }] : [];
    })[0];
    if (!found) throw syntaxError(sql, at, sql[at] ?? "");
    if (found.kind !== "space")
      tokens.push({ kind: found.kind, text: content(found.kind, found.text), at, written: found.text });
    at += found.text.length;
  }
  return tokens;
}

function content(kind: TokenKind, text: string): string {
  if (kind === "word") return text.toUpperCase();
  if (kind === "raw") return `unhex(${text.slice(1)})`;
  if (kind === "quoted") return text.slice(1, -1).replaceAll('""', '"');
  if (kind !== "string") return text;
  if (text.startsWith("$$")) return text.slice(2, -2);
  return text
    .slice(1, -1)
    .replace(/''|\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\([\s\S])/g, (_, unicode, hex, other: string | undefined) => {
      if (unicode ?? hex) return String.fromCharCode(Number.parseInt(unicode ?? hex, 16));
      return other === undefined ? "'" : (escapes[other] ?? other);
    });
}

/** The engine's SQL for tokens. */
export function render(tokens: readonly Token[]): string {
  let sql = "";
  for (const { kind, text } of tokens) {
    const written = kind === "quoted" ? quote(text) : kind === "string" ? quoteText(text) : text;
    // No space before a parenthesis or around a dot: a name and its call stay together.
    const tight = /^[(.,)\]]$/.test(written) || sql.endsWith("(") || sql.endsWith(".") || sql === "";
    sql += tight ? written : ` ${written}`;
  }
  return sql;
}

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const raw = (text: string): Token => ({ kind: "raw", text, at: -1 });

export const isWord = (token: Token | undefined, ...texts: readonly string[]): boolean =>
  token?.kind === "word" && texts.includes(token.text);
export const isSymbol = (token: Token | undefined, text: string): boolean =>
  token?.kind === "symbol" && token.text === text;

/** Index of the token that closes the parenthesis at `open`. */
export function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (isSymbol(tokens[i], "(") || isSymbol(tokens[i], "[")) depth += 1;
    if (isSymbol(tokens[i], ")") || isSymbol(tokens[i], "]")) depth -= 1;
    if (depth === 0) return i;
  }
  return tokens.length;
}

/** Parts between commas that stand in no parenthesis. */
export function commaParts(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (isSymbol(token, "(") || isSymbol(token, "[")) depth += 1;
    if (isSymbol(token, ")") || isSymbol(token, "]")) depth -= 1;
    if (depth === 0 && isSymbol(token, ",")) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** `line 2 at position 7`, as the vendor counts: lines from 1, positions from 0. */
export function placeOf(sql: string, at: number): string {
  const before = sql.slice(0, Math.max(0, at)).split("\n");
  return `line ${before.length} at position ${before.at(-1)?.length ?? 0}`;
}

export function syntaxError(sql: string, at: number, text: string): SqlFailure {
  return new SqlFailure(
    "001003",
    "42000",
    `SQL compilation error:\nsyntax error ${placeOf(sql, at)} unexpected '${text || "<EOF>"}'.`,
  );
}

/** Names of tables and schemas in statements. @module */
import type { SqlSession } from "./session.ts";
import { isSymbol, isWord, quote, type Token, tokenize } from "./tokens.ts";

export interface Name {
  readonly parts: readonly string[];
  /** Index after the name. */
  readonly next: number;
}

/** The dotted name at `at`; `IDENTIFIER('a.b')` is one too. */
export function readName(tokens: readonly Token[], at: number): Name {
  if (isWord(tokens[at], "IDENTIFIER") && tokens[at + 2]?.kind === "string")
    return { parts: readName(tokenize(tokens[at + 2]?.text ?? ""), 0).parts, next: at + 4 };
  const parts = [tokens[at]?.text ?? ""];
  let next = at + 1;
  while (isSymbol(tokens[next], ".")) {
    parts.push(tokens[next + 1]?.text ?? "");
    next += 2;
  }
  return { parts, next };
}

/** Database, schema and name of a table. */
export function resolve(session: SqlSession, parts: readonly string[]): readonly [string, string, string] {
  const [name = "", schema = session.context.schema ?? "PUBLIC", database = session.context.database ?? ""] = [
    ...parts,
  ].reverse();
  return [database, schema, name];
}

/** The engine's SQL of a table's name. */
export function tableSql(session: SqlSession, parts: readonly string[]): string {
  return resolve(session, parts).map(quote).join(".");
}

/** Skips words that stand at `at`; `-1` where one of `needed` is missing. */
export function skip(tokens: readonly Token[], at: number, ...words: readonly string[]): number {
  return words.every((word, i) => isWord(tokens[at + i], word)) ? at + words.length : at;
}

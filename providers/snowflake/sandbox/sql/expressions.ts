/** The vendor's expressions in the engine's SQL: functions, casts, paths, bound values. @module */
import { unsupported } from "./failure.ts";
import { functions, unitFirst, valueFunctions } from "./functions.ts";
import { closing, commaParts, isSymbol, isWord, quoteText, raw, render, type Token, tokenize } from "./tokens.ts";
import { type DeclaredType, readType } from "./types.ts";

export interface Bound {
  readonly type: string;
  readonly value: string | null | readonly (string | null)[];
}

/** What an expression can ask of its session. */
export interface Scope {
  readonly bindings: Readonly<Record<string, Bound>>;
  /** Value of `CURRENT_ROLE()` and the like. */
  value(name: string): string | null;
  /** SQL of an earlier result. */
  resultOf(queryId: string | undefined): string;
}

/** Translates tokens that hold expressions, or a whole query. */
export function translate(tokens: readonly Token[], scope: Scope): readonly Token[] {
  const out: Token[] = [];
  let bound = 0;
  for (let i = 0; i < tokens.length; ) {
    const token = tokens[i];
    if (!token) break;
    const next = tokens[i + 1];
    if (token.kind === "word" && isSymbol(next, "(") && !isSymbol(tokens[i - 1], ".")) {
      const close = closing(tokens, i + 1);
      const called = call(token.text, tokens.slice(i + 2, close), scope);
      if (called) {
        out.push(...called);
        i = close + 1;
        continue;
      }
    }
    if (token.kind === "word" && valueFunctions[token.text] && !isSymbol(tokens[i - 1], ".")) {
      out.push(raw(valueFunctions[token.text] ?? ""));
    } else if (isSymbol(token, "::")) {
      const read = readType(tokens, i + 1);
      if (!read) throw unsupported(`type ${next?.text ?? ""}`);
      const operand = out.splice(primaryStart(out));
      out.push(raw(castSql(render(operand), read.type, false)));
      i = read.next;
      continue;
    } else if (isSymbol(token, ":") && next?.kind === "number") {
      out.push(literalOf(scope.bindings[next.text]));
      i += 2;
      continue;
    } else if (isSymbol(token, "?")) {
      bound += 1;
      out.push(literalOf(scope.bindings[String(bound)]));
    } else if (isSymbol(token, ":") && (next?.kind === "word" || next?.kind === "quoted")) {
      const path = readPath(tokens, i + 1);
      const operand = out.splice(primaryStart(out));
      out.push(raw(`json_extract(${render(operand)}, ${quoteText(path.text)})`));
      i = path.next;
      continue;
    } else if (isWord(token, "MINUS") && isWord(next, "SELECT")) out.push(raw("EXCEPT"));
    else out.push(token);
    i += 1;
  }
  return out;
}

/** SQL that makes a value of a declared type. */
export function castSql(expr: string, { column, macro }: DeclaredType, tried: boolean): string {
  if (macro) return tried ? `TRY(${macro}(${expr}))` : `${macro}(${expr})`;
  return `${tried ? "TRY_CAST" : "CAST"}(sf_text(${expr}) AS ${column})`;
}

function call(name: string, inner: readonly Token[], scope: Scope): readonly Token[] | undefined {
  const args = () => commaParts(inner).map((part) => render(translate(part, scope)));
  if (name === "CAST" || name === "TRY_CAST") {
    const as = inner.findLastIndex((token) => isWord(token, "AS"));
    const read = readType(inner, as + 1);
    if (!read) throw unsupported(`type ${inner[as + 1]?.text ?? ""}`);
    return [raw(castSql(render(translate(inner.slice(0, as), scope)), read.type, name === "TRY_CAST"))];
  }
  if (name === "IDENTIFIER") {
    const [only] = inner;
    if (only?.kind === "string") return tokenize(only.text);
    const value = only && isSymbol(only, "?") ? scope.bindings["1"]?.value : undefined;
    if (typeof value === "string") return tokenize(value);
    throw unsupported("IDENTIFIER of anything but a text");
  }
  if (name === "TABLE") return tableFunction(inner, scope);
  if (name === "LAST_QUERY_ID" || name.startsWith("CURRENT_")) {
    if (valueFunctions[name]) return [raw(valueFunctions[name])];
    const value = scope.value(name);
    return [value === null ? raw("NULL") : raw(quoteText(value))];
  }
  const dated = unitFirst[name];
  if (dated) {
    const [unit, ...rest] = commaParts(inner);
    return [raw(dated(unit?.[0]?.text.toLowerCase() ?? "", ...rest.map((part) => render(translate(part, scope)))))];
  }
  const known = functions[name];
  return known ? [raw(known(inner.length === 0 ? [] : args()))] : undefined;
}

function tableFunction(inner: readonly Token[], scope: Scope): readonly Token[] {
  const [name] = inner;
  if (isWord(name, "RESULT_SCAN")) {
    const id = inner.find(({ kind }) => kind === "string")?.text;
    return [raw(`(${scope.resultOf(id)})`)];
  }
  if (isWord(name, "GENERATOR")) {
    const rows = inner.find(({ kind }) => kind === "number")?.text ?? "0";
    return [raw(`(SELECT range AS "EBB_SEQ" FROM range(${rows}))`)];
  }
  throw unsupported(`table function ${name?.text ?? ""}`);
}

/** Words that can stand before a parenthesis or a list and call nothing. */
const keywords = new Set(
  "SELECT DISTINCT ALL WHERE AND OR NOT ON IN BY WHEN THEN ELSE CASE HAVING FROM JOIN USING BETWEEN LIKE ILIKE AS VALUES QUALIFY SET LIMIT OVER IS UNION EXCEPT INTERSECT EXISTS WITH ANY".split(
    " ",
  ),
);

/** Where the operand that ends at the end of `out` begins. */
function primaryStart(out: readonly Token[]): number {
  let at = out.length - 1;
  for (;;) {
    const token = out[at];
    if (isSymbol(token, ")") || isSymbol(token, "]")) {
      let depth = 0;
      for (; at >= 0; at--) {
        if (isSymbol(out[at], ")") || isSymbol(out[at], "]")) depth += 1;
        if (isSymbol(out[at], "(") || isSymbol(out[at], "[")) depth -= 1;
        if (depth === 0) break;
      }
      const before = out[at - 1];
      const subscript = isSymbol(out[at], "[") && (before?.kind === "quoted" || isSymbol(before, ")"));
      if (subscript || (before?.kind === "word" && !keywords.has(before.text))) {
        at -= 1;
        if (subscript) continue;
      }
    }
    if (isSymbol(out[at - 1], ".")) {
      at -= 2;
      continue;
    }
    return Math.max(0, at);
  }
}

function readPath(tokens: readonly Token[], from: number): { readonly text: string; readonly next: number } {
  let text = "$";
  let at = from;
  for (;;) {
    const token = tokens[at];
    const name = token?.kind === "word" ? token.written : token?.text;
    text += `."${(name ?? "").replaceAll('"', '\\"')}"`;
    at += 1;
    while (isSymbol(tokens[at], "[") && tokens[at + 1]?.kind === "number") {
      text += `[${tokens[at + 1]?.text}]`;
      at += 3;
    }
    if (!isSymbol(tokens[at], ".")) return { text, next: at };
    at += 1;
  }
}

function literalOf(given: Bound | undefined): Token {
  if (!given) throw unsupported("a bound value that is not given");
  const { type, value } = given;
  if (typeof value === "object" && value !== null) throw unsupported("binding of arrays");
  if (value === null) return raw("NULL");
  if (type === "FIXED") return raw(value);
  if (type === "REAL") return raw(`CAST(${quoteText(value)} AS DOUBLE)`);
  if (type === "BOOLEAN") return raw(value.toLowerCase() === "true" || value === "1" ? "true" : "false");
  return raw(quoteText(value));
}

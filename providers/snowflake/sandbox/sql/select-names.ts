/** Names of result columns as the vendor makes them: a path's last name, or the expression's own text in capitals. @module */
import { isSymbol, isWord, type Token } from "./tokens.ts";

const ends = [
  "FROM",
  "WHERE",
  "GROUP",
  "HAVING",
  "QUALIFY",
  "ORDER",
  "LIMIT",
  "UNION",
  "EXCEPT",
  "MINUS",
  "INTERSECT",
  "WINDOW",
  "FETCH",
  "OFFSET",
];
/** Words after which a name is no alias. */
const operators = [
  "AND",
  "OR",
  "NOT",
  "IS",
  "IN",
  "LIKE",
  "ILIKE",
  "RLIKE",
  "BETWEEN",
  "THEN",
  "ELSE",
  "WHEN",
  "CASE",
  "DISTINCT",
  "FROM",
  "SELECT",
  "DATE",
  "TIMESTAMP",
  "TIME",
  "INTERVAL",
  "ALL",
];
const noAlias = ["END", "NULL", "TRUE", "FALSE"];

/** Gives every unnamed item of every SELECT its name. `sql` is the text the tokens come from. */
export function nameColumns(tokens: readonly Token[], sql: string): readonly Token[] {
  const aliases = new Map<number, Token>();
  tokens.forEach((token, start) => {
    if (!isWord(token, "SELECT")) return;
    let from = start + 1;
    if (isWord(tokens[from], "DISTINCT", "ALL")) from += 1;
    for (;;) {
      const end = itemEnd(tokens, from);
      const name = nameOf(tokens.slice(from, end), sql, tokens[end]?.at ?? sql.length);
      if (name !== undefined) aliases.set(end, { kind: "quoted", text: name, at: -1 });
      if (!isSymbol(tokens[end], ",")) return;
      from = end + 1;
    }
  });
  const out: Token[] = [];
  for (let i = 0; i <= tokens.length; i++) {
    const alias = aliases.get(i);
    if (alias) out.push({ kind: "word", text: "AS", at: -1 }, alias);
    const token = tokens[i];
    if (token) out.push(token);
  }
  return out;
}

/** Index of the comma, the parenthesis or the clause that ends the item at `from`. */
function itemEnd(tokens: readonly Token[], from: number): number {
  let depth = 0;
  for (let i = from; i < tokens.length; i++) {
    const token = tokens[i];
    if (isSymbol(token, "(") || isSymbol(token, "[")) depth += 1;
    if (isSymbol(token, ")") || isSymbol(token, "]")) depth -= 1;
    if (depth < 0 || isSymbol(token, ";")) return i;
    if (depth === 0 && (isSymbol(token, ",") || isWord(token, ...ends))) return i;
  }
  return tokens.length;
}

function nameOf(item: readonly Token[], sql: string, end: number): string | undefined {
  const last = item.at(-1);
  const before = item.at(-2);
  const [first] = item;
  if (!first || !last || item.some((token, i) => isSymbol(token, "*") && (i === 0 || isSymbol(item[i - 1], "."))))
    return undefined;
  const named = last.kind === "word" || last.kind === "quoted";
  if (named && (before === undefined || isSymbol(before, "."))) return last.kind === "word" ? last.text : undefined;
  const operand = before?.kind !== "symbol" || isSymbol(before, ")") || isSymbol(before, "]");
  const free = !(before?.kind === "word" && operators.includes(before.text));
  if (named && operand && free && !noAlias.includes(last.text)) return undefined;
  return sql.slice(first.at, end).trim().toUpperCase();
}

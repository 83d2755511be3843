/** The part of SOQL this sandbox reads: SELECT, WHERE with AND, OR, NOT and parentheses, ORDER BY, LIMIT, OFFSET. @module */
import { type Field, objectNamed, type SObject } from "./objects.ts";
import { Refusal } from "./refusal.ts";
import { longId, type Stored, storeInstant } from "./values.ts";

export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=";

export type Condition =
  | { readonly kind: "compare"; readonly field: Field; readonly operator: Operator; readonly value: Stored }
  | { readonly kind: "in"; readonly field: Field; readonly values: readonly Stored[] }
  | { readonly kind: "not"; readonly condition: Condition }
  | { readonly kind: "and" | "or"; readonly conditions: readonly Condition[] };

export interface Query {
  readonly object: SObject;
  /** Undefined for `COUNT()`. */
  readonly fields: readonly Field[] | undefined;
  readonly where: Condition | undefined;
  readonly orderBy: { readonly field: Field; readonly descending: boolean } | undefined;
  readonly limit: number | undefined;
  readonly offset: number;
}

interface Token {
  readonly kind: "text" | "name" | "datetime" | "date" | "number" | "sign" | "end";
  readonly text: string;
}

const kinds = ["text", "datetime", "date", "number", "name", "sign"] as const;
const pattern =
  /\s*(?:('(?:[^'\\]|\\.)*')|(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))|(\d{4}-\d\d-\d\d)|([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_][\w.]*)|(<=|>=|!=|<>|[=<>(),]))/y;

function tokens(soql: string): Token[] {
  const found: Token[] = [];
  pattern.lastIndex = 0;
  while (soql.slice(pattern.lastIndex).trim() !== "") {
    const at = pattern.lastIndex;
    const match = pattern.exec(soql);
    if (!match) throw new Refusal(400, "MALFORMED_QUERY", `unexpected token: '${soql.slice(at).trim().slice(0, 20)}'`);
    const group = match.slice(1).findIndex((part) => part !== undefined);
    found.push({ kind: kinds[group] ?? "end", text: match[group + 1] ?? "" });
    if (found.length > 20_000) throw new Refusal(400, "MALFORMED_QUERY", "the query is too long");
  }
  return found;
}

/** @throws Refusal as the vendor refuses: MALFORMED_QUERY, INVALID_TYPE, INVALID_FIELD */
export function parseQuery(soql: string): Query {
  const all = tokens(soql);
  let at = 0;
  const peek = (): Token => all[at] ?? { kind: "end", text: "<EOF>" };
  const next = (): Token => {
    const token = peek();
    at += 1;
    return token;
  };
  const is = (word: string) => peek().kind !== "text" && peek().text.toUpperCase() === word;
  const take = (word: string): boolean => {
    if (!is(word)) return false;
    at += 1;
    return true;
  };
  const unexpected = () => new Refusal(400, "MALFORMED_QUERY", `unexpected token: '${peek().text}'`);
  const expect = (word: string) => {
    if (!take(word)) throw unexpected();
  };
  const name = (): string => {
    if (peek().kind !== "name") throw unexpected();
    return next().text;
  };
  const whole = (): number => {
    if (!/^\d+$/.test(peek().text)) throw unexpected();
    return Number(next().text);
  };

  expect("SELECT");
  const names: string[] = [];
  let counts = false;
  do {
    const selected = name();
    if (selected.toUpperCase() === "COUNT" && take("(")) {
      expect(")");
      counts = true;
    } else names.push(selected);
  } while (take(","));
  expect("FROM");
  const from = name();
  const object = objectNamed(from);
  if (!object)
    throw new Refusal(
      400,
      "INVALID_TYPE",
      `sObject type '${from}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name.`,
    );
  const field = (wanted: string): Field => {
    const found = object.byName.get(wanted.toLowerCase());
    if (found) return found;
    throw new Refusal(400, "INVALID_FIELD", `\n${soql}\n^\nNo such column '${wanted}' on entity '${object.name}'.`);
  };
  const fields = counts ? undefined : names.map(field);

  const literal = (of: Field): Stored => {
    const { kind, text } = next();
    if (kind === "name" && text.toLowerCase() === "null") return null;
    const wanted = literalKind(of);
    const given = kind === "name" && /^(true|false)$/i.test(text) ? "boolean" : kind;
    if (given !== wanted) {
      const quotes = given === "text" ? "should not" : "should";
      const message = `\n${soql}\n^\nvalue of filter criterion for field '${of.name}' must be of type ${of.type} and ${quotes} be enclosed in quotes`;
      throw new Refusal(400, wanted === "end" ? "MALFORMED_QUERY" : "INVALID_FIELD", message);
    }
    return literalValue(of, given, text);
  };
  const group = (): Condition => {
    const conditions = [term()];
    const [word] = ["AND", "OR"].filter(is);
    while (word && take(word)) conditions.push(term());
    // SOQL takes AND beside OR only with parentheses between them.
    if (is("AND") || is("OR")) throw unexpected();
    const [only] = conditions;
    return only && !word ? only : { kind: word === "OR" ? "or" : "and", conditions };
  };
  const term = (): Condition => {
    if (take("NOT")) return { kind: "not", condition: term() };
    if (take("(")) {
      const inner = group();
      expect(")");
      return inner;
    }
    const of = field(name());
    if (of.type === "textarea")
      throw new Refusal(400, "INVALID_FIELD", `field '${of.name}' can not be filtered in a query call`);
    const negated = take("NOT");
    if (negated && !is("IN")) throw unexpected();
    if (take("IN")) {
      expect("(");
      const values = [literal(of)];
      while (take(",")) values.push(literal(of));
      expect(")");
      const condition: Condition = { kind: "in", field: of, values };
      return negated ? { kind: "not", condition } : condition;
    }
    const sign = next().text.replace("<>", "!=");
    if (!isOperator(sign)) throw new Refusal(400, "MALFORMED_QUERY", `unexpected token: '${sign}'`);
    return { kind: "compare", field: of, operator: sign, value: literal(of) };
  };

  const where = take("WHERE") ? group() : undefined;
  let orderBy: Query["orderBy"];
  if (take("ORDER")) {
    expect("BY");
    const by = field(name());
    const descending = take("DESC");
    if (!descending) take("ASC");
    orderBy = { field: by, descending };
  }
  const limit = take("LIMIT") ? whole() : undefined;
  const offset = take("OFFSET") ? whole() : 0;
  if (peek().kind !== "end") throw unexpected();
  return { object, fields, where, orderBy, limit, offset };
}

function isOperator(sign: string): sign is Operator {
  return ["=", "!=", "<", "<=", ">", ">="].includes(sign);
}

function literalKind({ type }: Field): Token["kind"] | "boolean" {
  if (type === "int" || type === "double" || type === "currency" || type === "percent") return "number";
  if (type === "boolean" || type === "date" || type === "datetime") return type;
  return "text";
}

function literalValue(of: Field, kind: string, text: string): Stored {
  switch (kind) {
    case "number":
      return Number(text);
    case "boolean":
      return text.toLowerCase() === "true";
    case "datetime": {
      const value = storeInstant(text);
      if (value === undefined) throw new Refusal(400, "MALFORMED_QUERY", `bad value for datetime field: ${of.name}`);
      return value;
    }
    case "date":
      return text;
    default: {
      const marks: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
      const value = text.slice(1, -1).replace(/\\(.)/g, (_, c: string) => marks[c] ?? c);
      return of.type === "id" || of.type === "reference" ? longId(value) : value;
    }
  }
}

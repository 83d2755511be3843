/** Query texts. Names and values reach them only through this file. @module */
import { ConfigError, type FieldType, keyParts, type RecordKey } from "../../src/connector/index.ts";

/** Bytes of an encoded query: the vendor takes 16,384 for address and headers together, and a token can take 2,000. */
const longest = 12_000;

/** A query as it stands in an address, where a quote takes three bytes as well. */
export function encode(soql: string): string {
  return encodeURIComponent(soql).replaceAll("'", "%27");
}

export type FieldTypes = Readonly<Record<string, FieldType>>;

/** @example select("Contact", ["Email"]) // "SELECT Id, Email FROM Contact" */
export function select(object: string, fields: readonly string[]): string {
  const wanted = [...new Set(["Id", ...fields])].map(identifier);
  return `SELECT ${wanted.join(", ")} FROM ${identifier(object)}`;
}

export function count(object: string): string {
  return `SELECT COUNT() FROM ${identifier(object)}`;
}

/** `select` restricted to the given keys, in as many queries as their length takes. */
export function* selectKeys(
  object: string,
  fields: readonly string[],
  match: readonly string[],
  keys: readonly RecordKey[],
  types: FieldTypes,
): Generator<string> {
  const names = match.map(identifier);
  const [only] = names.length === 1 ? names : [];
  const head = `${select(object, fields)} WHERE ${only ? `${only} IN (` : ""}`;
  const tail = only ? ")" : "";
  const separator = only ? "," : " OR ";
  const condition = (key: RecordKey): string => {
    const values = keyParts(key, names.length).map((value, i) => literal(value, types[match[i] ?? ""]));
    return only ? values.join() : `(${values.map((value, i) => `${names[i]} = ${value}`).join(" AND ")})`;
  };
  const size = (text: string) => encode(text).length;

  let conditions: string[] = [];
  let length = size(head + tail);
  for (const key of keys) {
    const next = condition(key);
    const grown = length + size(next) + size(separator);
    if (grown > longest && conditions.length > 0) {
      yield head + conditions.join(separator) + tail;
      conditions = [];
      length = size(head + tail);
    }
    conditions.push(next);
    length += size(next) + size(separator);
  }
  if (conditions.length > 0) yield head + conditions.join(separator) + tail;
}

/** `select` restricted to what changed at or after an instant, deleted records included when asked of `queryAll`. */
export function selectSince(object: string, fields: readonly string[], since: string): string {
  const instant = new Date(since).toISOString();
  return `${select(object, [...fields, "IsDeleted"])} WHERE SystemModstamp >= ${instant}`;
}

/** A value in a condition. Text stands in quotes, numbers, dates and booleans do not. */
export function literal(value: string, type: FieldType = { kind: "text" }): string {
  const bare = ["integer", "decimal", "float", "boolean", "date", "timestamp"].includes(type.kind);
  if (bare && /^[\w.:+-]+$/.test(value)) return value;
  const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  return `'${value.replace(/[\\'\n\r\t]/g, (c) => escapes[c] ?? `\\${c}`)}'`;
}

function identifier(name: string): string {
  if (/^[A-Za-z]\w*$/.test(name)) return name;
  throw new ConfigError("FIELD_UNKNOWN", `${JSON.stringify(name)} cannot be the name of a Salesforce object or field`);
}

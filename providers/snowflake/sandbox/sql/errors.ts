/** The engine's failures in the vendor's terms. @module */
import { SqlFailure } from "./failure.ts";
import { placeOf, type Token } from "./tokens.ts";

/** What a statement's failure means. `tokens` are the statement's own. */
export function failureOf(error: unknown, sql: string, tokens: readonly Token[]): SqlFailure {
  if (error instanceof SqlFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  const own = /\["(\d{6})","(\w{5})","((?:[^"\\]|\\.)*)"\]/.exec(message);
  if (own) return new SqlFailure(own[1] ?? "", own[2] ?? "", JSON.parse(`"${own[3]}"`) as string);
  if (/^INTERRUPT/i.test(message)) return new SqlFailure("000604", "57014", "SQL execution canceled");

  const written = (name: string) => {
    const at = tokens.findIndex(({ text }) => text.toUpperCase() === name.toUpperCase());
    let from = at;
    while (tokens[from - 1]?.text === ".") from -= 2;
    const path = tokens.slice(from, at + 1).map(({ text }) => text);
    return { name: at < 0 ? name.toUpperCase() : path.join(""), at: tokens[at]?.at ?? 0 };
  };
  const compile = (code: string, state: string, text: string) =>
    new SqlFailure(code, state, `SQL compilation error:${text}`);

  const table = /(?:Table|View) with name "?(.+?)"? does not exist/.exec(message)?.[1];
  if (table) return compile("002003", "42S02", `\nObject '${written(table).name}' does not exist or not authorized.`);
  const schema = /(?:Catalog|Schema with name|schema) "?([^"\s]+?)"? does not exist/.exec(message)?.[1];
  if (schema) return compile("002003", "02000", `\nSchema '${written(schema).name}' does not exist or not authorized.`);
  const column =
    /Referenced (?:column|table) "([^"]+)" not found|does not have a column named "([^"]+)"|Column "([^"]+)" referenced that exists in the SELECT clause/.exec(
      message,
    );
  if (column) {
    const { name, at } = written(column[1] ?? column[2] ?? column[3] ?? "");
    return compile("000904", "42000", ` error ${placeOf(sql, at)}\ninvalid identifier '${name}'`);
  }
  const ambiguous = /Ambiguous reference to column name "([^"]+)"/.exec(message)?.[1];
  if (ambiguous) return compile("001104", "42601", `\nambiguous column name '${ambiguous.toUpperCase()}'`);
  const called = /Function with name "?([^"\s]+?)"? does not exist/.exec(message)?.[1];
  if (called) return compile("002140", "42601", `\nUnknown function ${called.toUpperCase()}.`);
  const near = /syntax error at (?:or near "([^"]*)"|end of input)/.exec(message);
  if (near) {
    const { at } = near[1] === undefined ? { at: sql.length } : written(near[1]);
    return compile("001003", "42000", `\nsyntax error ${placeOf(sql, at)} unexpected '${near[1] ?? "<EOF>"}'.`);
  }
  const value = /Could not (?:convert|cast) (?:string )?["'](.*?)["']|value ["'](.*?)["'] (?:can't|to)/s.exec(message);
  if (value) return new SqlFailure("100038", "22018", `Numeric value '${value[1] ?? value[2]}' is not recognized`);
  if (/^Conversion Error|^Out of Range|Malformed JSON/i.test(message))
    return new SqlFailure("100132", "22003", `Number out of representable range: ${message}`);
  if (/NOT NULL constraint failed/.test(message))
    return new SqlFailure("100072", "22000", "NULL result in a non-nullable column");
  if (/already exists/.test(message)) {
    const name = /name "([^"]+)" already exists/.exec(message)?.[1] ?? "";
    return compile("002002", "42710", `\nObject '${written(name).name}' already exists.`);
  }
  return new SqlFailure("000002", "0A000", `Unsupported feature: ${message} (the sandbox could not run this).`);
}

import { ConfigError } from "../core/errors.ts";
import { ident as quoted, literal as value } from "../core/sql.ts";

/** SQL text made with {@link sql}, {@link ident} or {@link literal}: nothing unquoted can get into it. */
export class Sql {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }
}

/**
 * A query. What is interpolated must say what it is: {@link ident}, {@link literal} or another `sql`.
 * Backslashes stay as they are written, except before a backtick or `${`.
 *
 * @example sql`select email from ${ident("demo", "customer")} where country = ${literal(country)}`
 */
export function sql(strings: TemplateStringsArray, ...parts: readonly Sql[]): Sql {
  const text = strings.raw.map((raw, i) => {
    const plain = raw.replace(/\\(`|\$\{)/g, "$1");
    const part = parts[i];
    if (part !== undefined && !(part instanceof Sql))
      throw new ConfigError("CONFIG_INVALID", "sql: a plain value cannot be interpolated; use ident() or literal()");
    return part === undefined ? plain : plain + part.text;
  });
  return new Sql(text.join("").trim());
}

/**
 * A quoted name, in the standard's double quotes.
 *
 * @example ident("demo", "customer") // "demo"."customer"
 */
export function ident(...names: readonly string[]): Sql {
  return new Sql(names.map(quoted).join("."));
}

/**
 * A quoted value.
 *
 * @example literal("it's") // 'it''s'
 */
export function literal(of: string | number | boolean | null): Sql {
  // Some warehouses take a backslash for an escape, so that it could end the text early.
  if (typeof of === "string" && /[\\\0]/.test(of))
    throw new ConfigError(
      "CONFIG_INVALID",
      "literal() takes no backslash and no NUL: warehouses read them differently",
    );
  if (typeof of === "number" && !Number.isFinite(of))
    throw new ConfigError("CONFIG_INVALID", `literal() takes no ${of}`);
  return new Sql(value(of));
}

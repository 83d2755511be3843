import { type Column, ConfigError, type Extract, ident } from "../../src/connector/index.ts";
import type { Client, ResultColumn } from "./client.ts";
import { fieldType, toText } from "./types.ts";

/** The text of a query, fit to stand in parentheses. */
export function subquery(sql: string): string {
  return `${sql.trim().replace(/;\s*$/, "")}\n`;
}

/** Names and canonical types of the columns; no two may have one name. */
export function columnsOf(columns: readonly ResultColumn[]): readonly Column[] {
  const names = columns.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ConfigError("SOURCE_FAILED", `the query has two columns called "${twice}"`);
  return columns.map((column) => ({ name: column.name, type: fieldType(column) }));
}

/**
 * A query as CSV: values in the server's own text, an unquoted empty cell for null.
 * `translate` says what an error on the way means.
 */
export async function csvExtract(
  client: Client,
  sql: string,
  translate: (error: unknown) => unknown,
  signal: AbortSignal,
): Promise<Extract> {
  const described = await client.describe(sql, signal);
  const columns = columnsOf(described);
  const names = described.map((_, i) => `c${i}`);
  const values = described.map(({ name, type }, i) => `${toText(`q.c${i}`, type)} AS ${ident(name)}`);
  const select = `SELECT ${values.join(", ")} FROM (${sql}) AS q (${names.join(", ")})`;
  async function* bytes() {
    try {
      yield* client.copyOut(select, signal);
    } catch (error) {
      throw translate(error);
    }
  }
  return { kind: "csv", columns, bytes: bytes() };
}

import { type Column, type Extract, ident } from "../../src/connector/index.ts";
import type { Client, ResultColumn } from "./client.ts";
import { fieldType, toText } from "./types.ts";

/** The text of a query, fit to stand in parentheses. */
export function subquery(sql: string): string {
  return `${sql.trim().replace(/;\s*$/, "")}\n`;
}

/** Names and canonical types of the columns. */
export function columnsOf(columns: readonly ResultColumn[]): readonly Column[] {
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
  // Named by position, so that a query with two columns of one name can still be read.
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
  return { kind: "csv", columns: columnsOf(described), bytes: bytes() };
}

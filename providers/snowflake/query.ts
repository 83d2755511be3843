/** The statements a query becomes. @module */
import { type Column, ConfigError, literal, type Query } from "../../src/connector/index.ts";
import type { ResultColumn } from "./driver.ts";
import { fieldType, textSql } from "./types.ts";

/** The text of a query, fit to stand in parentheses. */
export function textOf(query: Query, connection: string): string {
  // The vendor resolves the name itself, by its own rules of case and quotes; as a literal it can be nothing else.
  if (query.table !== undefined) return `SELECT * FROM IDENTIFIER(${quoted(query.table)})\n`;
  const sql = (query.sql ?? "").trim().replace(/;\s*$/, "");
  if (sql === "") throw new ConfigError("SOURCE_FAILED", `${connection}: the query is empty`);
  return `${sql}\n`;
}

/** A literal in the vendor's SQL, where a backslash escapes. */
export function quoted(text: string): string {
  return literal(text.replaceAll("\\", "\\\\"));
}

/** Refuses, as a subquery must be, anything that is not one query. */
export const describeSql = (sql: string): string => `SELECT * FROM (\n${sql})`;

/** Every column as canonical text, named by its position: names may be anything, and may occur twice in a subquery. */
export function extractSql(sql: string, columns: readonly ResultColumn[]): string {
  const names = columns.map((_, i) => `c${i}`);
  const values = columns.map((column, i) => `${textSql(`c${i}`, column)} AS "c${i}"`);
  return `WITH q (${names.join(", ")}) AS (\n${sql}) SELECT ${values.join(", ")} FROM q`;
}

/**
 * Names and canonical types. A name that was written without quotes comes back in capitals; it stands in lower case
 * here, as people write it. No two may then have one name.
 */
export function columnsOf(columns: readonly ResultColumn[], connection: string): readonly Column[] {
  const names = columns.map(({ name }) => (/^[A-Z_][A-Z0-9_$]*$/.test(name) ? name.toLowerCase() : name));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new ConfigError("SOURCE_FAILED", `${connection}: the query has two columns called "${twice}"`);
  return columns.map((column, i) => ({ name: names[i] ?? column.name, type: fieldType(column) }));
}

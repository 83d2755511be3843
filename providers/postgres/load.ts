import { ident, type Load } from "../../src/connector/index.ts";
import type { Client } from "./client.ts";
import { columnIn, hasUniqueKey, type Table } from "./table.ts";

/** `feature_not_supported`: tables with row-level security or rules take no COPY. */
const otherWay: readonly unknown[] = ["0A000"];

/**
 * Copies new records into the table in one transaction. Only a unique key makes that safe: it refuses what is there
 * already, and then false is returned and nothing is written.
 */
export async function loadRows(
  client: Client,
  table: Table,
  { columns, matchOn, types, csv }: Load,
  connection: string,
  signal: AbortSignal,
): Promise<boolean> {
  const found = columns.map((name) => columnIn(table, name, connection));
  // Canonical bytes are bare hexadecimal, which COPY does not read.
  if (!hasUniqueKey(table, matchOn) || columns.some((name) => types[name]?.kind === "bytes")) return false;
  try {
    await client.transaction(
      (tx) => tx.copyIn(`${table.sql} (${found.map(({ name }) => ident(name)).join(", ")})`, csv, "csv"),
      signal,
    );
    return true;
  } catch (error) {
    if (otherWay.includes((error as { readonly code?: unknown }).code)) return false;
    throw error;
  }
}

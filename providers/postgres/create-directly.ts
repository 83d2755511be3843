import { type Batch, type ChangeGroup, ident, keyParts } from "../../src/connector/index.ts";
import type { Transaction } from "./client.ts";
import { copyText } from "./copy-text.ts";
import { columnIn, hasUniqueKey, type Table } from "./table.ts";
import { copyCell } from "./types.ts";

/** `unique_violation`, and `feature_not_supported`: tables with row-level security or rules take no COPY. */
const otherWay: readonly unknown[] = ["23505", "0A000"];

/**
 * Copies records into the table itself, twice as fast as through a temporary table. Only a unique key makes that safe:
 * it refuses what is there already, and then false is returned and nothing is written.
 */
export async function createDirectly(
  tx: Transaction,
  table: Table,
  batch: Batch,
  { after, changes }: ChangeGroup,
  connection: string,
): Promise<boolean> {
  if (!hasUniqueKey(table, batch.matchOn)) return false;
  const keyNames = batch.matchOn.filter((name) => !after.includes(name));
  const keyColumns = keyNames.map((name) => ({
    at: batch.matchOn.indexOf(name),
    ...columnIn(table, name, connection),
  }));
  const columns = after.map((name) => columnIn(table, name, connection));
  const rows = changes.map((change) => {
    const parts = keyColumns.length === 0 ? [] : keyParts(change.key, batch.matchOn.length);
    const values = change.action === "delete" ? {} : change.after;
    return [
      ...keyColumns.map(({ at, type }) => copyCell(parts[at] ?? null, type)),
      ...columns.map(({ name, type }) => copyCell(values[name] ?? null, type)),
    ];
  });
  const names = [...keyNames, ...after].map(ident).join(", ");
  await tx.query("SAVEPOINT ebb_create");
  try {
    await tx.copyIn(`${table.sql} (${names})`, copyText(rows));
  } catch (error) {
    if (!otherWay.includes((error as { readonly code?: unknown }).code)) throw error;
    await tx.query("ROLLBACK TO SAVEPOINT ebb_create");
    return false;
  }
  await tx.query("RELEASE SAVEPOINT ebb_create");
  return true;
}

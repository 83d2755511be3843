import {
  type Batch,
  type Change,
  type ChangeGroup,
  groupByFields,
  keyParts,
  type Outcome,
  outcomeOf,
  RecordError,
} from "../../src/connector/index.ts";
import type { Client, Transaction } from "./client.ts";
import { copyText } from "./copy-text.ts";
import { createDirectly } from "./create-directly.ts";
import { type GroupSql, groupSql } from "./group-sql.ts";
import type { Table } from "./table.ts";

/**
 * Writes a batch in one transaction. Creates are copied straight into the table while no key is there already; everything
 * else is copied into a temporary table, and one statement for each set of fields takes it from there. A value the table refuses throws, with nothing of the batch written.
 */
export async function writeBatch(
  client: Client,
  table: Table,
  batch: Batch,
  connection: string,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const groups = groupByFields(batch.changes);
  const keys = batch.matchOn.length;
  const width = keys + Math.max(0, ...groups.map(({ before, after }) => before.length + after.length));
  const input = `ebb_input_${width}`;
  const cellNames = Array.from({ length: width }, (_, i) => `c${i}`);

  return await client.transaction(async (tx) => {
    let staged = false;
    const stage = async () => {
      if (staged) return;
      staged = true;
      // Once for a connection and width: creating a table for every batch would bloat the catalog.
      const { rows: there } = await tx.query(`SELECT to_regclass('pg_temp.${input}')::text AS name`);
      if (there[0]?.name == null)
        await tx.query(
          `CREATE TEMP TABLE ${input} (g integer, n bigint, ${cellNames.map((c) => `${c} text`).join(", ")}) ON COMMIT DELETE ROWS`,
        );
      const rows = groups.flatMap((each, g) => each.changes.map((change) => cells(change, each, g, keys, width)));
      await tx.copyIn(`pg_temp.${input} (g, n, ${cellNames.join(", ")})`, copyText(rows));
    };
    const outcomes: Outcome[] = [];
    for (const [g, group] of groups.entries()) {
      if (batch.action === "create" && (await createDirectly(tx, table, batch, group, connection))) {
        outcomes.push(...group.changes.map((change) => outcomeOf(change, { found: 0, same: true, done: true })));
        continue;
      }
      await stage();
      const sql = groupSql(table, batch, group, { table: `pg_temp.${input}`, g }, connection);
      outcomes.push(...(await (batch.action === "create" ? createGroup(tx, group, sql) : changeGroup(tx, group, sql))));
    }
    return outcomes;
  }, signal);
}

/** Some of the keys are there already, or the table has no unique key that would say so: each record is looked at. */
async function createGroup(tx: Transaction, { changes }: ChangeGroup, sql: GroupSql): Promise<readonly Outcome[]> {
  const standings = await standingsOf(tx, sql);
  const fresh = changes.filter(({ n }) => (standings.get(n)?.found ?? 0) === 0);
  const { count } = await tx.query(sql.write);
  if (count !== fresh.length)
    throw new RecordError("23505", "two records of the batch have a key that is one key to the table");
  return changes.map((change) => outcomeOf(change, { found: 0, done: false, ...standings.get(change.n), same: false }));
}

/** Updates and deletes: a row that was written is as expected; the others are looked at to say why not. */
async function changeGroup(tx: Transaction, { changes }: ChangeGroup, sql: GroupSql): Promise<readonly Outcome[]> {
  const { rows } = await tx.query(sql.write);
  const written = new Set(rows.map(({ n }) => Number(n)));
  const standings = written.size === changes.length ? new Map() : await standingsOf(tx, sql);
  return changes.map((change) =>
    outcomeOf(
      change,
      written.has(change.n)
        ? { found: 1, same: true, done: true }
        : { found: 0, done: false, ...standings.get(change.n), same: false },
    ),
  );
}

async function standingsOf(tx: Transaction, sql: GroupSql) {
  const { rows } = await tx.query(sql.standing);
  return new Map(rows.map(({ n, found, done }) => [Number(n), { found: Number(found), done: done === "true" }]));
}

function cells(change: Change, group: ChangeGroup, g: number, keys: number, width: number): (string | null)[] {
  const id = change.action === "create" ? change.key : (change.id as Change["key"]);
  const before = change.action === "create" ? {} : change.before;
  const after = change.action === "delete" ? {} : change.after;
  const row: (string | null)[] = [String(g), String(change.n), ...keyParts(id, keys)];
  for (const name of group.before) row.push(before[name] ?? null);
  for (const name of group.after) row.push(after[name] ?? null);
  while (row.length < width + 2) row.push(null);
  return row;
}

import {
  type Batch,
  type Change,
  type ChangeGroup,
  groupByFields,
  ident,
  keyParts,
  literal,
  type Outcome,
  outcomeOf,
} from "../../src/connector/index.ts";
import { fromText, toText } from "./columns.ts";
import { typeIn } from "./read.ts";
import type { Session } from "./session.ts";
import type { Table } from "./table.ts";

/**
 * Writes a batch in one transaction and says what happened to each change.
 * DuckDB has no savepoints: a value the table refuses throws, with nothing of the batch written.
 */
export async function writeBatch(
  session: Session,
  table: Table,
  batch: Batch,
  connection: string,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  await session.rows("BEGIN", [], signal);
  try {
    for (const group of groupByFields(batch.changes))
      outcomes.push(...(await writeGroup(session, table, batch, group, connection, signal)));
    await session.rows("COMMIT", [], signal);
  } catch (error) {
    // A failed COMMIT has already rolled back; the first error is the one to report.
    await session.connection.run("ROLLBACK").catch(() => undefined);
    throw error;
  }
  return outcomes;
}

async function writeGroup(
  session: Session,
  table: Table,
  batch: Batch,
  group: ChangeGroup,
  connection: string,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const typed = (expr: string, column: string) => fromText(expr, typeIn(table, column, connection));
  const equal = (expr: string, column: string) =>
    `${toText(`t.${ident(column)}`, typeIn(table, column, connection))} IS NOT DISTINCT FROM ${toText(typed(expr, column), typeIn(table, column, connection))}`;
  const every = (names: readonly string[], prefix: string) =>
    names.length === 0
      ? "true"
      : `coalesce(bool_and(${names.map((name, i) => equal(`i.${prefix}${i}`, name)).join(" AND ")}), false)`;

  await session.rows(
    loadSql(batch, group),
    [JSON.stringify(group.changes.map((change) => cells(change, batch, group)))],
    signal,
  );
  const on = batch.matchOn.map((column, i) => `t.${ident(column)} = ${typed(`i.k${i}`, column)}`).join(" AND ");
  await session.rows(
    `CREATE OR REPLACE TEMP TABLE ebb_standing AS
     SELECT i.n, count(t.rowid) AS found, ${every(group.before, "b")} AS same, ${every(group.after, "a")} AS done
     FROM temp.ebb_input i LEFT JOIN ${table.sql} t ON ${on} GROUP BY i.n`,
    [],
    signal,
  );
  await session.rows(statement(table, batch, group, typed, on), [], signal);

  const byN = new Map(group.changes.map((change) => [change.n, change]));
  const standings = await session.rows(
    "SELECT n, found::INTEGER AS found, same, done FROM temp.ebb_standing ORDER BY n",
    [],
    signal,
  );
  return standings.flatMap(({ n, found, same, done }) => {
    const change = byN.get(Number(n));
    return change ? [outcomeOf(change, { found: Number(found), same: same === true, done: done === true })] : [];
  });
}

function statement(
  table: Table,
  batch: Batch,
  group: ChangeGroup,
  typed: (expr: string, column: string) => string,
  on: string,
): string {
  const writable = `FROM temp.ebb_input i JOIN temp.ebb_standing s USING (n)`;
  switch (batch.action) {
    case "create": {
      const values = group.after.map((column, i) => [column, typed(`i.a${i}`, column)] as const);
      const keys = batch.matchOn.flatMap((column, i) =>
        group.after.includes(column) ? [] : [[column, typed(`i.k${i}`, column)] as const],
      );
      const all = [...keys, ...values];
      return `INSERT INTO ${table.sql} (${all.map(([column]) => ident(column)).join(", ")})
        SELECT ${all.map(([, sql]) => sql).join(", ")} ${writable} WHERE s.found = 0`;
    }
    case "update": {
      const set = group.after.map((column, i) => `${ident(column)} = ${typed(`i.a${i}`, column)}`).join(", ");
      return `UPDATE ${table.sql} AS t SET ${set} ${writable} WHERE ${on} AND s.found = 1 AND s.same`;
    }
    case "delete":
      return `DELETE FROM ${table.sql} AS t USING temp.ebb_input i JOIN temp.ebb_standing s USING (n) WHERE ${on} AND s.found = 1 AND s.same`;
  }
}

/** The batch as a table of texts: position, key parts `k0…`, values before `b0…`, values after `a0…`. */
function loadSql(batch: Batch, group: ChangeGroup): string {
  const names = [
    ...batch.matchOn.map((_, i) => `k${i}`),
    ...group.before.map((_, i) => `b${i}`),
    ...group.after.map((_, i) => `a${i}`),
  ];
  const columns = names.map((name, i) => `r[${i + 2}] AS ${name}`);
  return `CREATE OR REPLACE TEMP TABLE ebb_input AS
    SELECT CAST(r[1] AS BIGINT) AS n, ${columns.join(", ")}
    FROM (SELECT unnest(from_json($1, ${literal('[["VARCHAR"]]')})) AS r)`;
}

function cells(change: Change, batch: Batch, group: ChangeGroup): readonly (string | null)[] {
  const key = change.action === "create" ? change.key : change.id;
  const before = change.action === "create" ? {} : change.before;
  const after = change.action === "delete" ? {} : change.after;
  return [
    String(change.n),
    ...keyParts(key as Change["key"], batch.matchOn.length),
    ...group.before.map((name) => before[name] ?? null),
    ...group.after.map((name) => after[name] ?? null),
  ];
}

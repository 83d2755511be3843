/** Finish's side of a diff in the warehouse: marks what a run has made true, there first and then in the state. @module */
import { join } from "node:path";
import type { Mark, Pushdown } from "../../connector/index.ts";
import type { PlannedSync } from "../../core/plan.ts";
import { literal } from "../../core/sql.ts";
import { plannedFields } from "../diff/fields.ts";
import { marksTable } from "../diff/marks.ts";
import { allFields, rowHashSql } from "../staging/row-hash.ts";
import { type Staging, table } from "../staging/staging.ts";
import { ledgerSql, parquetSegment } from "../state/ledger.ts";
import { rowsFile, writeRows } from "../state/rows-file.ts";
import type { LedgerState, MarksState, StateStore } from "../state/state.ts";
import type { World } from "../world.ts";
import type { LoadedRun } from "./runs.ts";

export interface MarkInput {
  readonly world: World;
  readonly store: StateStore;
  readonly run: LoadedRun;
  readonly planned: PlannedSync;
  readonly lineage: string;
  /** Marks of the state the run began with. */
  readonly before: MarksState | undefined;
  /** The ledger with the run in it. */
  readonly folded: LedgerState;
  readonly serial: number;
  readonly pushdown: Pushdown;
}

/** The marks after a run; undefined when the warehouse holds others than the state knows of, which only a full read mends. */
export async function markRun(
  staging: Staging,
  input: MarkInput,
  signal: AbortSignal,
): Promise<MarksState | undefined> {
  const { world, store, run, planned, before } = input;
  const next = run.run;
  // The run was folded before its end, and is folded again.
  if (before?.token === next) return before;
  if (!planned.marks) return undefined;
  const { token, fingerprint } = planned.marks;
  if (token !== null && before?.token !== token) return undefined;
  await stageMarks(staging, input);
  const { n } = await staging.row<{ n: string }>(`SELECT count(*) AS n FROM ${table("delta")}`);
  if (before && token !== null && Number(n) === 0) return before;

  const file = rowsFile(world, { kind: "marks", sync: planned.sync.name, serial: input.serial, run: next });
  await writeRows(world, store, staging, file, `SELECT raw, key, whole FROM ${table("marked")}`);
  const request = { table: marksTable(input.lineage, planned.sync.name), token, next, marks: deltaOf(staging) };
  const recorded = await input.pushdown.record(request, signal);
  return recorded ? { file, token: next, fingerprint } : undefined;
}

/**
 * Fills `marked` with the marks there shall be, and `delta` with what the warehouse has to set or remove for that. A
 * mark stays, or is set, where the ledger now holds exactly the values that were wanted when its row was last seen.
 */
async function stageMarks(staging: Staging, { store, run, planned, before, folded }: MarkInput): Promise<void> {
  const fields = plannedFields(planned);
  const segments = folded.segments.map(({ file, rows, hash }) => parquetSegment(store.path(file), rows, hash));
  const ledger = await ledgerSql(staging, segments, fields, planned.keyType);
  const whole = rowHashSql(allFields(fields), (i) => `f${i}`, "false");
  await staging.run(
    `CREATE OR REPLACE TABLE ${table("whole")} AS SELECT CAST(key AS VARCHAR) AS key, ${whole} AS whole FROM (${ledger})`,
  );
  const plan = `read_parquet(${literal(join(run.files.plan, "marks", `${planned.file}.parquet`))})`;
  const old =
    before && planned.marks?.token !== null
      ? `(SELECT raw, key, whole FROM read_parquet(${literal(store.path(before.file))}) WHERE raw NOT IN (SELECT raw FROM ${plan}))`
      : undefined;
  const holds = (alias: string) =>
    `EXISTS (SELECT 1 FROM ${table("whole")} l WHERE l.key = ${alias}.key AND l.whole = ${alias}.whole)`;
  const set = `SELECT raw, hash, key, whole FROM ${plan} p WHERE hash IS NOT NULL AND ${holds("p")}`;
  await staging.run(
    `CREATE OR REPLACE TABLE ${table("marked")} AS SELECT raw, key, whole FROM (${set})
     ${old ? `UNION ALL SELECT raw, key, whole FROM ${old} o WHERE ${holds("o")}` : ""}`,
  );
  const removed = old
    ? `UNION ALL SELECT raw, NULL FROM ${plan} p WHERE NOT (hash IS NOT NULL AND ${holds("p")})
       UNION ALL SELECT raw, NULL FROM ${old} o WHERE NOT ${holds("o")}`
    : "";
  await staging.run(`CREATE OR REPLACE TABLE ${table("delta")} AS SELECT raw, hash FROM (${set}) ${removed}`);
  await staging.run(`DROP TABLE ${table("whole")}`);
}

async function* deltaOf(staging: Staging): AsyncIterable<readonly Mark[]> {
  for await (const page of staging.textPages(`SELECT CAST(json_array(raw, hash) AS VARCHAR) FROM ${table("delta")}`))
    yield page.map((text) => {
      const [key, hash] = JSON.parse(text) as [string, string | null];
      return { key, hash };
    });
}

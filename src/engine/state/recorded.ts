/** What runs have acknowledged, as ledger segments. @module */
import { join } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import type { PlannedSync } from "../../core/plan.ts";
import { ident, literal } from "../../core/sql.ts";
import { changesFrom } from "../diff/changes.ts";
import { plannedFields } from "../diff/fields.ts";
import { countStatus, Status, type SyncProgress } from "../run/progress.ts";
import type { LoadedRun } from "../run/runs.ts";
import { checksumOfFile } from "../staging/digest.ts";
import { rowHashName, rowHashSql } from "../staging/row-hash.ts";
import { columnPages, type Staging, table } from "../staging/staging.ts";
import { ledgerSql, parquetSegment, type SegmentSource, segmentColumn } from "./ledger.ts";
import type { LedgerState, StateStore } from "./state.ts";

/** Segments of a sync: those the state lists, and what unfinished runs have acknowledged since. */
export async function recordedSegments(
  staging: Staging,
  store: StateStore,
  recorded: LedgerState | undefined,
  unfinished: readonly LoadedRun[],
  sync: string,
): Promise<readonly SegmentSource[]> {
  const segments = await wholeSegments(store, recorded);
  for (const run of unfinished) {
    const planned = run.manifest.syncs.find((one) => one.sync.name === sync);
    const progress = run.progress.get(sync);
    if (planned && progress)
      segments.push(await runSegment(staging, run.files.plan, planned, progress, `recorded_${run.run}`));
  }
  return segments;
}

/** The segments of a sync that the state lists, each as it was written. */
export function wholeSegments(store: StateStore, recorded: LedgerState | undefined): Promise<SegmentSource[]> {
  return Promise.all(
    (recorded?.segments ?? []).map(async ({ file, rows, hash, checksum }) => {
      const path = store.path(file);
      const found = await checksumOfFile(path).catch(() => undefined);
      if (found === undefined || (checksum !== undefined && checksum !== found))
        throw new ConfigError("STATE_CORRUPT", `${path} is ${found === undefined ? "missing" : "damaged"}`, {
          next: "Put back a copy from before; or forget the sync with `ebb state rm` and plan anew: it compares with the destination.",
        });
      return parquetSegment(path, rows, hash);
    }),
  );
}

/** The rows a run adds to the ledger: every acknowledged change, and the records the plan found to be right already. */
export async function runSegment(
  staging: Staging,
  plan: string,
  planned: PlannedSync,
  progress: SyncProgress,
  name: string,
): Promise<SegmentSource> {
  await stageDone(staging, name, progress);
  const fields = Object.keys(planned.types).map(
    (field) => `struct_extract(after, ${literal(field)}) AS ${ident(segmentColumn(field))}`,
  );
  const hashed = plannedFields(planned);
  const hash = rowHashSql(hashed, (i) => `struct_extract(after, ${literal(hashed[i]?.name ?? "")})`);
  const columns = (id: string, gone: string) =>
    [
      `CAST(key AS ${planned.keyType}) AS key`,
      `${planned.idIsKey ? "key" : id} AS id`,
      "owned",
      `${gone} AS gone`,
      ...fields,
      `${hash} AS h`,
    ].join(", ");
  const confirmed = literal(join(plan, "confirmed", `${planned.file}.parquet`));
  const done = doneSql(name);
  const sql = `(SELECT ${columns("coalesce(given, id)", "action = 'delete'")} FROM ${changesFrom(plan, planned)} JOIN (${done}) USING (n)
    UNION ALL SELECT ${columns("id", "coalesce(gone, false)")}
    FROM (SELECT false AS gone WHERE false UNION ALL BY NAME SELECT * FROM read_parquet(${confirmed})))`;
  const { applied, accepted } = countStatus(progress);
  const names = Object.keys(planned.types).map(segmentColumn);
  return {
    sql,
    rows: applied + accepted + planned.confirmed,
    hash: rowHashName(hashed, staging.version),
    columns: names,
  };
}

/** Brings the acknowledged changes of a run into reach of {@link doneSql}. */
export async function stageDone(staging: Staging, name: string, progress: SyncProgress): Promise<void> {
  await staging.loadText(name, ["first", "last", "id"], columnPages(3, acknowledged(progress)));
}

/** Positions `n` of the acknowledged changes and the ids `given` to them. */
export function doneSql(name: string): string {
  return `SELECT unnest(range(CAST(first AS BIGINT), CAST(last AS BIGINT) + 1)) AS n, id AS given FROM ${table(name)}`;
}

/** Changes not acknowledged whose record was no longer as recorded: the ledger does not tell what it holds. */
export async function leftMovedIn(
  staging: Staging,
  plan: string,
  planned: PlannedSync,
  segments: readonly SegmentSource[],
  name: string,
): Promise<number> {
  const hashed = plannedFields(planned);
  const hash = rowHashSql(hashed, (i) => `struct_extract(before, ${literal(hashed[i]?.name ?? "")})`);
  const ledger = await ledgerSql(staging, segments, hashed, planned.keyType);
  const { n } = await staging.row<{ n: string }>(
    `SELECT count(*) AS n FROM (SELECT CAST(key AS ${planned.keyType}) AS key, action, ${hash} AS h
       FROM ${changesFrom(plan, planned)} WHERE n NOT IN (SELECT n FROM (${doneSql(name)}))) c
     JOIN (${ledger}) r ON r.key = c.key WHERE c.action = 'create' OR c.h IS DISTINCT FROM r.h`,
  );
  return Number(n);
}

function* acknowledged({ status, ids }: SyncProgress): Iterable<readonly (string | null)[]> {
  for (let n = 0; n < status.length; n++) {
    if (status[n] !== Status.applied && status[n] !== Status.accepted) continue;
    const first = n;
    const id = ids.get(n) ?? null;
    if (id === null) while (n + 1 < status.length && status[n + 1] === status[first] && !ids.has(n + 1)) n++;
    yield [String(first), String(n), id];
  }
}

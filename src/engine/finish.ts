/** Folds what a run has acknowledged into the ledger and closes the run. @module */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { PlannedSync } from "../core/plan.ts";
import { ident, literal } from "../core/sql.ts";
import { plannedFields } from "./fields.ts";
import { knownColumn, ledgerSql, parquetSegment, segmentColumn } from "./ledger.ts";
import { Status } from "./progress.ts";
import { leftMovedIn, runSegment } from "./recorded.ts";
import { type LoadedRun, type RunResult, resultOf } from "./runs.ts";
import { withStaging } from "./scratch.ts";
import type { Staging } from "./staging.ts";
import { fileName, type LedgerState, type Segment, type State, type StateStore } from "./state.ts";
import type { World } from "./world.ts";

/** Deltas are merged into one base when they are many, or large beside it. */
const MAX_SEGMENTS = 8;
const MAX_DELTA_SHARE = 0.25;

export async function finishRun(world: World, store: StateStore, run: LoadedRun): Promise<RunResult> {
  const state = await store.read();
  const serial = state.serial + 1;
  const syncs: Record<string, LedgerState> = { ...state.syncs };
  await withStaging(undefined, async (staging) => {
    for (const planned of run.manifest.syncs) {
      const folded = await foldSync(world, staging, store, run, planned, state.syncs[planned.sync.name], serial);
      if (folded) syncs[planned.sync.name] = folded;
    }
  });
  const lineage = state.lineage || world.randomName();
  await store.write({ version: 1, lineage, serial, syncs } satisfies State);
  await removeMerged(world, store, state, syncs);
  const clean = [...run.progress.values()].every(({ status }) =>
    status.every((one) => one === Status.applied || one === Status.accepted),
  );
  const result = resultOf(run, clean ? "applied" : "partial", new Date(world.now()).toISOString(), serial);
  await world.disk.replace(run.files.result, `${JSON.stringify(result, null, 2)}\n`);
  return result;
}

/** Removes segments that neither this state nor the one before lists: a plan that began earlier may still read those. */
async function removeMerged(
  world: World,
  store: StateStore,
  before: State,
  now: Record<string, LedgerState>,
): Promise<void> {
  for (const [sync, { segments }] of Object.entries(now)) {
    const listed = new Set([...segments, ...(before.syncs[sync]?.segments ?? [])].map(({ file }) => file));
    const folder = `ledger/${fileName(sync)}`;
    for (const file of await world.disk.list(store.path(folder)))
      if (!listed.has(`${folder}/${file}`)) await world.disk.remove(store.path(`${folder}/${file}`));
  }
}

async function foldSync(
  world: World,
  staging: Staging,
  store: StateStore,
  run: LoadedRun,
  planned: PlannedSync,
  before: LedgerState | undefined,
  serial: number,
): Promise<LedgerState | null> {
  const { sync, keyType, account, observedAt, types } = planned;
  const progress = run.progress.get(sync.name);
  if (!progress) return null;
  const name = `fold_${fileName(sync.name)}`;
  const segment = await runSegment(staging, run.files.plan, planned, progress, name);
  const old = before?.segments ?? [];
  const oldSources = old.map(({ file, rows, hash }) => parquetSegment(store.path(file), rows, hash));
  const base = old[0]?.rows ?? 0;
  const deltas = old.slice(1).reduce((sum, { rows }) => sum + rows, segment.rows);
  const merge = old.length > 0 && (old.length >= MAX_SEGMENTS || deltas > base * MAX_DELTA_SHARE);
  const segments = segment.rows === 0 ? old : [...(merge ? [] : old), await writeSegment()];
  return {
    key: sync.key,
    matchOn: sync.destination.matchOn,
    keyType,
    account,
    object: sync.destination.object,
    segments,
    observedAt: await coveredSince(),
    types,
  };

  /** The moment from which a later plan has to look for what changed: what was not applied may have moved before. */
  async function coveredSince(): Promise<string | null> {
    const sameFields = JSON.stringify(before?.types) === JSON.stringify(types);
    const earlier = (sameFields ? before?.observedAt : null) ?? null;
    if (!planned.coversAll || observedAt === null) return earlier;
    return (await leftMovedIn(staging, run.files.plan, planned, oldSources, name)) > 0 ? earlier : observedAt;
  }

  async function writeSegment(): Promise<Segment> {
    const file = `ledger/${fileName(sync.name)}/${String(serial).padStart(8, "0")}-${run.run}.parquet`;
    const path = store.path(file);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const sql = merge ? await merged() : `SELECT * FROM ${segment.sql}`;
    await staging.run(`COPY (${sql}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`);
    await world.disk.flush(path);
    const { rows } = await staging.row<{ rows: string }>(`SELECT count(*) AS rows FROM read_parquet(${literal(path)})`);
    return { file, rows: Number(rows), hash: segment.hash };
  }

  async function merged(): Promise<string> {
    const fields = plannedFields(planned);
    const folded = await ledgerSql(staging, [...oldSources, segment], fields, keyType);
    const columns = fields.flatMap(({ name }, i) => [
      `f${i} AS ${ident(segmentColumn(name))}`,
      `k${i} AS ${ident(knownColumn(name))}`,
    ]);
    return `SELECT ${["key", "id", "owned", "false AS gone", ...columns, "h"].join(", ")} FROM (${folded})`;
  }
}

/** Folds what a run has acknowledged into the ledger and closes the run. @module */
import { EbbError } from "../../core/errors.ts";
import type { PlannedSync } from "../../core/plan.ts";
import { ident } from "../../core/sql.ts";
import { remembered } from "../../core/unusual.ts";
import type { Connections } from "../connect/connections.ts";
import { plannedFields } from "../diff/fields.ts";
import { pushdownOf } from "../diff/marks.ts";
import { checksumOfFile } from "../staging/digest.ts";
import { withStaging } from "../staging/scratch.ts";
import type { Staging } from "../staging/staging.ts";
import { knownColumn, ledgerSql, segmentColumn } from "../state/ledger.ts";
import type { Lock } from "../state/lock.ts";
import { foldQuarantine } from "../state/quarantine.ts";
import { leftMovedIn, runSegment, wholeSegments } from "../state/recorded.ts";
import { rowsFile, writeRows } from "../state/rows-file.ts";
import { fileName, filesOf, type LedgerState, type Segment, type State, type StateStore } from "../state/state.ts";
import type { World } from "../world.ts";
import { markRun } from "./mark-run.ts";
import { Status } from "./progress.ts";
import { type LoadedRun, type RunResult, resultOf } from "./runs.ts";

/** Deltas are merged into one base when they are many, or large beside it. */
const MAX_SEGMENTS = 8;
const MAX_DELTA_SHARE = 0.25;

/** @param connections opened anew: what wrote the records must not hold the warehouse, which may be the same database. */
export async function finishRun(
  world: World,
  store: StateStore,
  run: LoadedRun,
  connections: Connections,
  lock: Pick<Lock, "hold" | "sure">,
  signal: AbortSignal,
): Promise<RunResult> {
  const state = await store.read();
  const serial = state.serial + 1;
  const lineage = state.lineage || world.randomName();
  const warnings: string[] = [];
  const syncs: Record<string, LedgerState> = { ...state.syncs };
  await withStaging({}, async (staging) => {
    for (const planned of run.manifest.syncs) {
      const before = state.syncs[planned.sync.name];
      const folded = await foldSync(world, staging, store, run, planned, before, serial);
      if (!folded) continue;
      const quarantine = await foldQuarantine(world, staging, store, run, planned, before?.quarantine, serial);
      syncs[planned.sync.name] = {
        ...(await withMarks(staging, planned, before, folded)),
        ...(quarantine ? { quarantine } : {}),
        ...historyOf(before, planned),
      };
    }
  });
  // Outcomes are not brought to the disk one by one: what the state says must not outlive them.
  for (let number = 1; number <= run.journals; number++) await world.disk.flush(run.files.journal(number));
  await lock.hold();
  await store.write({ version: 1, lineage, serial, syncs } satisfies State, lock.sure);
  await lock.hold();
  await removeMerged(world, store, state, syncs, serial);
  const clean = [...run.progress.values()].every(({ status }) =>
    status.every((one) => one === Status.applied || one === Status.accepted),
  );
  const result = resultOf(run, clean ? "applied" : "partial", new Date(world.now()).toISOString(), serial);
  const told = warnings.length > 0 ? { ...result, warnings } : result;
  await world.disk.replace(run.files.result, `${JSON.stringify(told, null, 2)}\n`, lock.sure);
  return told;

  /** Without marks a later plan reads every row: whatever fails here costs time and nothing else. */
  async function withMarks(
    staging: Staging,
    planned: PlannedSync,
    before: LedgerState | undefined,
    folded: LedgerState,
  ): Promise<LedgerState> {
    const { sync } = planned;
    if (!planned.marks) return folded;
    try {
      const { source } = await connections.source(sync.source.connection);
      const input = { world, store, run, planned, lineage, before: before?.marks, folded, serial };
      const marks = await markRun(staging, { ...input, pushdown: pushdownOf(sync, source) }, signal);
      if (marks) return { ...folded, marks };
      warnings.push(`sync "${sync.name}": the warehouse held other marks; the next plan reads every row`);
    } catch (error) {
      if (!(error instanceof EbbError) && !signal.aborted) throw error;
      const said = error instanceof EbbError ? `${error.code}: ${error.message}` : "stopped";
      warnings.push(`sync "${sync.name}": no marks in the warehouse (${said}); the next plan reads every row`);
    }
    return folded;
  }
}

/** A rollback has no shape: it is no example of what the sync does. */
function historyOf(before: LedgerState | undefined, { shape }: PlannedSync): Pick<LedgerState, "history"> {
  const history = shape ? remembered(before?.history ?? [], shape) : before?.history;
  return history ? { history } : {};
}

/**
 * Removes segments that neither this state nor the one before lists: a plan that began earlier may still read those.
 * Never one of a later serial: should this process have slept, others have gone on.
 */
async function removeMerged(
  world: World,
  store: StateStore,
  before: State,
  now: Record<string, LedgerState>,
  serial: number,
): Promise<void> {
  for (const [sync, after] of Object.entries(now)) {
    const listed = new Set([...filesOf(after), ...filesOf(before.syncs[sync])]);
    for (const folder of ["ledger", "marks", "quarantine"].map((kind) => `${kind}/${fileName(sync)}`))
      for (const file of await world.disk.list(store.path(folder)))
        if (!listed.has(`${folder}/${file}`) && Number.parseInt(file, 10) <= serial)
          await world.disk.remove(store.path(`${folder}/${file}`));
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
  const oldSources = await wholeSegments(store, before);
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
    writtenAt: world.now(),
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
    const file = rowsFile(world, { kind: "ledger", sync: sync.name, serial, run: run.run });
    const sql = merge ? await merged() : `SELECT * FROM ${segment.sql}`;
    const rows = await writeRows(world, store, staging, file, sql);
    return { file, rows, hash: segment.hash, checksum: await checksumOfFile(store.path(file)) };
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

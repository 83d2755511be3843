/** Plans one sync: from its declaration to its files in the plan's folder. @module */
import { join } from "node:path";
import { ConfigError, EbbError } from "../../core/errors.ts";
import { type PlannedSync, type SyncSummary, totalChanges } from "../../core/plan.ts";
import { literal } from "../../core/sql.ts";
import type { Refresh, Sync } from "../../core/sync.ts";
import type { FieldType, ObjectDescription } from "../../core/types.ts";
import type { Connections, OpenDestination } from "../connect/connections.ts";
import type { SecretWorld } from "../connect/secrets.ts";
import { type Concentration, concentratedIn } from "../review/concentration.ts";
import type { LoadedRun } from "../run/runs.ts";
import { type Staging, table } from "../staging/staging.ts";
import { ledgerSql } from "../state/ledger.ts";
import { recordedSegments } from "../state/recorded.ts";
import { fileName, type State, type StateStore } from "../state/state.ts";
import type { Listener, World } from "../world.ts";
import { type DiffInput, stageCandidates, stageChanges } from "./diff.ts";
import { partsFor } from "./differing.ts";
import { hashedFields, keyTypeOf, matchTypes, syncFields } from "./fields.ts";
import { untilVisible } from "./lag.ts";
import { saveMarks } from "./marks.ts";
import { withNewFields } from "./new-fields.ts";
import { changesSql, confirmedSql, leftMoved, type SavedCounts, stageForgotten, typesOf } from "./saved.ts";
import { stageSides } from "./sides.ts";
import { tally } from "./summarise.ts";
import { checkActions, checkKey, createClass } from "./sync-checks.ts";
import { completeSummary, shapeOf, unreadSummary } from "./sync-summary.ts";
import { stageUndo, type Undo, undoSync } from "./undo.ts";
import { stageWanted } from "./wanted.ts";

export interface PlanSyncInput {
  readonly world: Pick<World, "now" | "sleep"> & SecretWorld;
  readonly sync: Sync;
  readonly connections: Connections;
  readonly store: StateStore;
  readonly state: State;
  /** Runs that have acknowledged changes which the state does not list yet. */
  readonly unfinished: readonly LoadedRun[];
  readonly refresh: Refresh;
  /** Present when the run is to be rolled back, instead of planning what the source wants. */
  readonly undo?: Undo | undefined;
  /** Version of Ebb. */
  readonly tool: string;
  /** Folder the plan is made in. */
  readonly directory: string;
  readonly listen: Listener;
  /** Looks at what the diff has staged, before it is saved. */
  readonly look?: ((staging: Staging, staged: Staged) => Promise<void>) | undefined;
}

/** What a diff leaves in the staging engine, beside the tables `judged`, `rejected` and `ledger`. */
export interface Staged {
  readonly diff: DiffInput;
  readonly keyTypes: readonly FieldType[];
  /** Relation of the source's rows. */
  readonly rows: string;
}

export interface SyncPlan {
  readonly summary: SyncSummary;
  /** Absent when the sync could not be read. */
  readonly planned?: PlannedSync;
  readonly concentrations?: readonly Concentration[];
}

export async function planSync(staging: Staging, input: PlanSyncInput, signal: AbortSignal): Promise<SyncPlan> {
  const { sync, connections, undo } = input;
  let open: OpenDestination | undefined;
  let account = "";
  let system = "";
  try {
    if (!undo) system = (await connections.source(sync.source.connection)).system;
    open = await connections.destination(sync.destination.connection);
    account = await open.destination.account(signal);
    const object = await open.destination.describe(sync.destination.object, signal);
    const given = undo ? { ...input, sync: undoSync(undo, open), refresh: "full" as const } : input;
    return await planDescribed(staging, given, { open, account, object, sourceSystem: system }, signal);
  } catch (error) {
    // What may work later leaves the plan incomplete; what is wrong in the project stops it.
    if (!(error instanceof EbbError) || error.effect !== "transient") throw valueError(error, sync) ?? error;
    return { summary: unreadSummary({ sync, refresh: input.refresh, sourceSystem: system, open, account }, error) };
  }
}

/**
 * A relation is read by the staging engine, so what its query cannot compute fails here. The engine's own statements try
 * every cast. The message quotes values, which are left out.
 */
function valueError(error: unknown, { name, source }: Sync): ConfigError | undefined {
  const [words = ""] = error instanceof Error && !(error instanceof EbbError) ? error.message.split("\n") : [];
  if (!/^(Conversion|Out of Range|Invalid Input) Error: /.test(words)) return undefined;
  const said = words.replace(/'[^']*'/g, "'…'").replace(/"[^"]*"/g, '"…"');
  return new ConfigError("SOURCE_FAILED", `sync "${name}", ${source.connection}: ${said}`, { at: `sync "${name}"` });
}

interface Described {
  readonly open: OpenDestination;
  readonly account: string;
  readonly object: ObjectDescription;
  readonly sourceSystem: string;
}

async function planDescribed(
  staging: Staging,
  input: PlanSyncInput,
  { open, account, object: described, sourceSystem }: Described,
  signal: AbortSignal,
): Promise<SyncPlan> {
  const { sync, listen, state, store, undo } = input;
  const callsBefore = open.calls();
  const phase = (name: "source" | "destination" | "diff" | "save", total?: number) =>
    listen({ type: "phase", sync: sync.name, phase: name, ...(total === undefined ? {} : { total }) });

  checkActions(sync, open);
  const { object, newFields } = undo
    ? { object: described, newFields: [] }
    : await withNewFields(
        staging,
        {
          sync,
          source: (await input.connections.source(sync.source.connection)).source,
          destination: open.destination,
          object: described,
        },
        signal,
      );
  const fields = syncFields(sync, object);
  const keyTypes = matchTypes(sync, object);
  const keyType = keyTypeOf(sync, object);
  const recorded = state.syncs[sync.name];
  checkKey(sync, recorded, keyType, account);

  const segments = await recordedSegments(staging, store, recorded, input.unfinished, sync.name);
  await staging.run(
    `CREATE OR REPLACE VIEW ${table("ledger")} AS ${await ledgerSql(staging, segments, hashedFields(fields), keyType)}`,
  );
  phase("source");
  const wanted = undo
    ? { ...(await stageUndo(staging, undo, fields, open)), rows: "", changed: undefined }
    : await stageWanted(staging, input, { open, fields, keyTypes, keyType }, signal);
  const { desired, ledger } = wanted;
  const recordedRows =
    segments.length === 0
      ? { rows: "0", owned: "0" }
      : await staging.row<{ rows: string; owned: string }>(
          `SELECT count(*) AS rows, count(*) FILTER (owned) AS owned FROM ${ledger}`,
        );

  const base: DiffInput = {
    sync,
    fields,
    keyType,
    desired: `(${desired.sql})`,
    failing: desired.failing,
    sourceKeys: desired.rows - desired.nullKeys,
    sourceNulls: desired.nullKeys,
    parts: partsFor(desired.rows, Number(recordedRows.rows)),
    ledger,
    ledgerRows: Number(recordedRows.rows),
    observed: null,
    ambiguous: null,
    idIsKey: open.capabilities.idIsKey,
    undoes: undo !== undefined,
    quarantine: recorded?.quarantine && !undo ? store.path(recorded.quarantine.file) : null,
  };
  const sides = {
    refresh: input.refresh,
    open,
    object,
    keyTypes,
    recorded,
    onPhase: phase,
    onRows: (done: number) => listen({ type: "progress", sync: sync.name, phase: "destination", done }),
  };
  await staging.expect(Math.max(desired.rows, base.ledgerRows, object.recordCount ?? 0));
  if (input.refresh !== "off") await untilVisible(input, open, signal);
  const { diff, observed } = await stageSides(staging, base, sides, signal);

  phase("diff");
  await stageCandidates(staging, diff);
  const judged = await stageChanges(staging, diff);
  const found = await tally(staging, fields, judged);
  await input.look?.(staging, { diff, keyTypes, rows: wanted.rows });
  phase("save");
  // A rollback looks at some records only, and says nothing of the others.
  const left = input.refresh === "full" && !undo ? await leftMoved(staging, diff) : undefined;
  // What a read shows late only seems to be gone.
  const forgets = left && open.capabilities.read.lagSeconds === 0;
  const forgotten = forgets ? await stageForgotten(staging, diff) : 0;
  const file = await saveChanges(staging, input.directory, diff, { ...found, forgotten });
  if (wanted.changed) await saveMarks(staging, input.directory, file);

  const create = createClass(sync, object, open);
  const summary = completeSummary({
    sync,
    refresh: input.refresh,
    sourceSystem: undo ? "run" : sourceSystem,
    open,
    account,
    found,
    newFields,
    sourceRows: desired.rows,
    owned: Number(recordedRows.owned),
    recorded: Number(recordedRows.rows),
    history: undo ? [] : (recorded?.history ?? []),
    basis: observed?.basis ?? { read: "ledger", recordsRead: 0 },
    createClass: create,
    planCalls: open.calls() - callsBefore,
    warnings: wanted.warnings,
  });
  const planned: PlannedSync = {
    sync,
    file,
    account,
    types: typesOf(fields),
    keyType,
    idIsKey: open.capabilities.idIsKey,
    createIsIdempotent: create,
    observedAt: observed?.observedAt ?? null,
    coversAll: left === forgotten,
    newFields,
    changes: totalChanges(found.counts),
    counts: found.counts,
    confirmed: found.confirmed + forgotten,
    ...(undo ? {} : { shape: shapeOf(found, desired.rows) }),
    ...(wanted.changed ? { marks: wanted.changed.marks } : {}),
  };
  // Where only changed rows were read, or a run is put back, nothing is known of all rows.
  const whole = !wanted.changed && !undo;
  const concentrations = whole
    ? await concentratedIn(staging, { sync, fields, desired: base.desired, updates: found.counts.update })
    : [];
  return { summary, planned, concentrations };
}

async function saveChanges(staging: Staging, directory: string, diff: DiffInput, found: SavedCounts): Promise<string> {
  const file = fileName(diff.sync.name);
  const copy = async (folder: string, sql: string) => {
    await staging.run(
      `COPY (${sql}) TO ${literal(join(directory, folder, `${file}.parquet`))} (FORMAT parquet, COMPRESSION snappy)`,
    );
  };
  await staging.run("SET preserve_insertion_order = true");
  await copy("changes", changesSql(diff, found));
  await copy("confirmed", confirmedSql(diff, found));
  await copy("rejected", `SELECT * FROM ${table("rejected")} ORDER BY code, field, key`);
  return file;
}

/** Plans one sync: from its declaration to its files in the plan's folder. @module */
import { join } from "node:path";

import { ConfigError, EbbError } from "../core/errors.ts";
import { checkGuards } from "../core/guards.ts";
import type { Basis, PlannedSync, SyncSummary } from "../core/plan.ts";
import { literal } from "../core/sql.ts";
import type { Refresh, Sync } from "../core/sync.ts";
import type { ObjectDescription } from "../core/types.ts";
import type { Connections, OpenDestination } from "./connections.ts";
import { type Desired, stageDesired, stageExtract } from "./desired.ts";
import { changesSql, confirmedSql, type DiffInput, leftMoved, stageCandidates, stageChanges, typesOf } from "./diff.ts";
import { estimateCost } from "./estimate.ts";
import { hashedFields, keyTypeOf, matchTypes, type SyncField, syncFields } from "./fields.ts";
import { ledgerSql } from "./ledger.ts";
import { stageLookups } from "./lookups.ts";
import { type Observed, observe } from "./observe.ts";
import { recordedSegments } from "./recorded.ts";
import type { LoadedRun } from "./runs.ts";
import { type Staging, table } from "./staging.ts";
import { fileName, type LedgerState, type State, type StateStore } from "./state.ts";
import { tally } from "./summarise.ts";
import type { Listener } from "./world.ts";

export interface PlanSyncInput {
  readonly sync: Sync;
  readonly connections: Connections;
  readonly store: StateStore;
  readonly state: State;
  /** Runs that have acknowledged changes which the state does not list yet. */
  readonly unfinished: readonly LoadedRun[];
  readonly refresh: Refresh;
  /** Folder the plan is made in. */
  readonly directory: string;
  readonly listen: Listener;
}

export interface SyncPlan {
  readonly summary: SyncSummary;
  /** Absent when the sync could not be read. */
  readonly planned?: PlannedSync;
}

export async function planSync(staging: Staging, input: PlanSyncInput, signal: AbortSignal): Promise<SyncPlan> {
  const { sync, connections } = input;
  let open: OpenDestination | undefined;
  let account = "";
  let system = "";
  try {
    const source = await connections.source(sync.source.connection);
    system = source.system;
    open = await connections.destination(sync.destination.connection);
    account = await open.destination.account(signal);
    const object = await open.destination.describe(sync.destination.object, signal);
    return await planDescribed(staging, input, { open, account, object, sourceSystem: system }, signal);
  } catch (error) {
    // What may work later leaves the plan incomplete; what is wrong in the project stops it.
    if (!(error instanceof EbbError) || error.effect !== "transient") throw error;
    return { summary: unread(sync, system, open, account, error) };
  }
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
  { open, account, object, sourceSystem }: Described,
  signal: AbortSignal,
): Promise<SyncPlan> {
  const { sync, listen, state, store } = input;
  const callsBefore = open.limiter.calls();
  const progress = (phase: "source" | "destination") => (done: number) =>
    listen({ type: "progress", sync: sync.name, phase, done });
  const phase = (name: "source" | "destination" | "diff" | "save", total?: number) =>
    listen({ type: "phase", sync: sync.name, phase: name, ...(total === undefined ? {} : { total }) });

  checkActions(sync, open);
  const fields = syncFields(sync, object);
  const keyTypes = matchTypes(sync, object);
  const keyType = keyTypeOf(sync, object);
  const recorded = state.syncs[sync.name];
  checkKey(sync, recorded, keyType, account);

  phase("source");
  const { source } = await input.connections.source(sync.source.connection);
  const extract = await source.extract(queryOf(sync), signal);
  const rows = await stageExtract(staging, "source_rows", extract, progress("source"));
  const lookups = await stageLookups(staging, { sync, fields, source: rows, open }, signal);
  const desired = await stageDesired(staging, {
    sync,
    fields,
    keyTypes,
    keyType,
    source: rows,
    lookups,
    materialise: extract.kind !== "relation" || sync.source.query !== undefined || lookups.size > 0,
  });

  const segments = await recordedSegments(staging, store, recorded, input.unfinished, sync.name);
  await staging.run(
    `CREATE OR REPLACE VIEW ${table("ledger")} AS ${await ledgerSql(staging, segments, hashedFields(fields), keyType)}`,
  );
  const recordedRows = await staging.row<{ rows: string; owned: string }>(
    `SELECT count(*) AS rows, count(*) FILTER (owned) AS owned FROM ${table("ledger")}`,
  );

  const base: DiffInput = {
    sync,
    fields,
    keyType,
    desired: `(${desired.sql})`,
    failing: desired.failing,
    sourceKeys: desired.rows - desired.nullKeys,
    ledger: table("ledger"),
    ledgerRows: Number(recordedRows.rows),
    observed: null,
    ambiguous: null,
    idIsKey: open.capabilities.idIsKey,
  };
  const { diff, observed } = await stageSides(
    staging,
    input,
    base,
    { open, object, keyTypes, recorded, phase, progress },
    signal,
  );

  phase("diff");
  await stageCandidates(staging, diff);
  await stageChanges(staging, diff);
  const found = await tally(staging, fields);
  phase("save");
  const file = await saveChanges(staging, input.directory, diff);

  const rejected = found.rejected.reduce((sum, { count }) => sum + count, 0);
  const summary: SyncSummary = {
    name: sync.name,
    source: { connection: sync.source.connection, system: sourceSystem, rows: desired.rows },
    destination: { connection: sync.destination.connection, system: open.system, object: object.object, account },
    mode: sync.mode,
    basis: { refresh: input.refresh, ...(observed?.basis ?? { read: "ledger", recordsRead: 0 }) } satisfies Basis,
    complete: true,
    problem: null,
    ...found,
    unchanged: Math.max(
      0,
      desired.rows - rejected - found.counts.create - found.counts.update - found.skipped - found.driftKept,
    ),
    guards: checkGuards(sync, {
      counts: found.counts,
      sourceRows: desired.rows,
      owned: Number(recordedRows.owned),
      drifted: found.reasons.drift + found.reasons.conflict,
      rejected,
    }),
    warnings: warningsOf(sync, fields, desired, createClass(sync, object, open), found.counts.create),
    cost: estimateCost(open, found.counts, open.limiter.calls() - callsBefore),
  };
  const planned: PlannedSync = {
    sync,
    file,
    account,
    types: typesOf(fields),
    keyType,
    idIsKey: open.capabilities.idIsKey,
    createIsIdempotent: createClass(sync, object, open),
    observedAt: observed?.observedAt ?? null,
    coversAll: input.refresh === "full" && (await leftMoved(staging, diff)) === 0,
    changes: found.counts.create + found.counts.update + found.counts.delete,
    confirmed: found.confirmed,
  };
  return { summary, planned };
}

/** Reads the destination as far as the refresh level asks, and narrows both sides to what was read. */
async function stageSides(
  staging: Staging,
  input: PlanSyncInput,
  base: DiffInput,
  more: {
    readonly open: OpenDestination;
    readonly object: ObjectDescription;
    readonly keyTypes: ReturnType<typeof matchTypes>;
    readonly recorded: LedgerState | undefined;
    readonly phase: (name: "destination" | "diff", total?: number) => void;
    readonly progress: (phase: "destination") => (done: number) => void;
  },
  signal: AbortSignal,
): Promise<{ diff: DiffInput; observed?: Observed }> {
  if (input.refresh === "off") return { diff: base };
  let { desired, ledger } = base;
  if (input.refresh === "changed") {
    more.phase("diff");
    await stageCandidates(staging, base);
    await staging.run(`CREATE OR REPLACE TABLE ${table("moved")} AS SELECT key FROM ${table("candidate")}`);
    const within = (relation: string) => `(SELECT * FROM ${relation} WHERE key IN (SELECT key FROM ${table("moved")}))`;
    desired = `(SELECT * FROM ${desired} WHERE key IS NULL OR key IN (SELECT key FROM ${table("moved")}) OR key IN (SELECT key FROM ${desired} GROUP BY key HAVING count(*) > 1))`;
    ledger = within(ledger);
  }
  more.phase("destination", more.object.recordCount);
  const observed = await observe(
    staging,
    {
      sync: base.sync,
      object: more.object,
      fields: base.fields,
      keyTypes: more.keyTypes,
      keyType: base.keyType,
      open: more.open,
      desired,
      ledger,
      since: sinceOf(base, more.recorded, input.refresh),
      onRows: more.progress("destination"),
    },
    signal,
  );
  return { diff: { ...base, desired, ledger, observed: observed.sql, ambiguous: observed.ambiguous }, observed };
}

/** The ledger can stand for what has not changed since only when it holds every field, as it was observed. */
function sinceOf({ sync, fields }: DiffInput, recorded: LedgerState | undefined, refresh: Refresh): string | null {
  if (refresh !== "full" || sync.onDrift === "keep" || !recorded) return null;
  const types = JSON.stringify(typesOf(fields));
  return JSON.stringify(recorded.types) === types ? recorded.observedAt : null;
}

async function saveChanges(staging: Staging, directory: string, diff: DiffInput): Promise<string> {
  const file = fileName(diff.sync.name);
  const copy = async (folder: string, sql: string) => {
    await staging.run(
      `COPY (${sql}) TO ${literal(join(directory, folder, `${file}.parquet`))} (FORMAT parquet, COMPRESSION zstd)`,
    );
  };
  await staging.run("SET preserve_insertion_order = true");
  await copy("changes", changesSql(diff));
  await copy("confirmed", confirmedSql(diff));
  await copy("rejected", `SELECT * FROM ${table("rejected")} ORDER BY code, field, key`);
  return file;
}

function queryOf({ source: { query, table: name, file } }: Sync) {
  return { ...(query ? { sql: query } : {}), ...(name ? { table: name } : {}), ...(file ? { file } : {}) };
}

function checkActions(sync: Sync, open: OpenDestination): void {
  const needed = {
    create: ["create"],
    update: ["update"],
    upsert: ["create", "update"],
    mirror: ["create", "update", "delete"],
  } as const;
  const missing = needed[sync.mode].filter((action) => !open.capabilities.actions.includes(action));
  if (missing.length > 0)
    throw new ConfigError(
      "MODE_UNSUPPORTED",
      `sync "${sync.name}": ${open.system} cannot ${missing.join(" or ")}, which mode ${sync.mode} needs`,
    );
}

function checkKey(sync: Sync, recorded: LedgerState | undefined, keyType: string, account: string): void {
  if (!recorded) return;
  const at = `sync "${sync.name}"`;
  const same = (a: readonly string[], b: readonly string[]) => a.join("\0") === b.join("\0");
  if (
    !same(recorded.matchOn, sync.destination.matchOn) ||
    recorded.keyType !== keyType ||
    !same(recorded.key, sync.key)
  )
    throw new ConfigError(
      "KEY_CHANGED",
      `${at}: records were kept by ${recorded.key.join(", ")} = ${recorded.matchOn.join(", ")}, now it is ${sync.key.join(", ")} = ${sync.destination.matchOn.join(", ")}`,
      { at },
    );
  if (recorded.account !== account || recorded.object !== sync.destination.object)
    throw new ConfigError(
      "PLAN_FOREIGN",
      `${at}: the state belongs to ${recorded.object} in ${recorded.account}, not to ${sync.destination.object} in ${account}`,
      {
        at,
        next: "Use another state or sync name for another account.",
      },
    );
}

/** What a create that is sent twice does, for this sync. */
function createClass(sync: Sync, object: ObjectDescription, open: OpenDestination): PlannedSync["createIsIdempotent"] {
  const matched = sync.destination.matchOn.map((name) => object.fields.find((field) => field.name === name));
  return matched.length > 0 && matched.every((field) => field?.createIsIdempotent)
    ? "key"
    : open.capabilities.createIsIdempotent;
}

function warningsOf(
  sync: Sync,
  fields: readonly SyncField[],
  desired: Desired,
  create: string,
  creates: number,
): readonly string[] {
  const warnings: string[] = [];
  if (creates > 0 && create === "no" && sync.createSafety === "atLeastOnce")
    warnings.push("a create whose answer is lost may be sent twice (createSafety: atLeastOnce)");
  if (desired.rows > 0 && fields.length === 0) warnings.push("no field is mapped");
  return warnings;
}

function unread(
  sync: Sync,
  system: string,
  open: OpenDestination | undefined,
  account: string,
  error: EbbError,
): SyncSummary {
  return {
    name: sync.name,
    source: { connection: sync.source.connection, system, rows: 0 },
    destination: {
      connection: sync.destination.connection,
      system: open?.system ?? "",
      object: sync.destination.object,
      account,
    },
    mode: sync.mode,
    basis: { refresh: sync.refresh, read: "ledger", recordsRead: 0 },
    complete: false,
    problem: `${error.code}: ${error.message}`,
    counts: { create: 0, update: 0, delete: 0 },
    unchanged: 0,
    confirmed: 0,
    skipped: 0,
    reasons: { warehouse: 0, drift: 0, conflict: 0 },
    driftKept: 0,
    fields: [],
    rejected: [],
    guards: [],
    warnings: [],
    cost: { planCalls: open?.limiter.calls() ?? 0, applyCalls: 0, applySeconds: null, quota: null },
  };
}

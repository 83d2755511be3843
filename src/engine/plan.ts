/** The verb plan: reads both sides, and writes nothing but its own output. @module */
import { join } from "node:path";
import type { Project } from "../core/decode.ts";
import { ConfigError } from "../core/errors.ts";
import { overlapProblems } from "../core/field-owners.ts";
import {
  isStopped,
  PLAN_FORMAT,
  type PlanManifest,
  type PlannedSync,
  type PlanSummary,
  type PolicyResult,
  type SyncSummary,
} from "../core/plan.ts";
import type { JudgedPlan, PolicyInput } from "../core/policy.ts";
import { problemsError } from "../core/problems.ts";
import { suggest } from "../core/suggest.ts";
import type { Refresh, Sync } from "../core/sync.ts";
import { configDigest } from "./config-digest.ts";
import { type Connections, openConnections } from "./connect/connections.ts";
import { planSync } from "./diff/plan-sync.ts";
import type { Undo } from "./diff/undo.ts";
import { CONCENTRATIONS, makePlanFolders, manifestDigest, type OpenPlan, planDataFiles } from "./plan-file.ts";
import type { Concentration } from "./review/concentration.ts";
import { type LoadedRun, unfinishedRuns } from "./run/runs.ts";
import { digestOf, digestOfFile } from "./staging/digest.ts";
import { withStaging } from "./staging/scratch.ts";
import { openState } from "./state/state.ts";
import type { Listener, World } from "./world.ts";

export interface PlanOptions {
  /** Names of the syncs to plan; all when empty. */
  readonly targets?: readonly string[];
  /** Overrides the refresh level of every sync. */
  readonly refresh?: Refresh;
  /** The run to be rolled back, instead of planning what the sources want. */
  readonly rollback?: LoadedRun;
  /** How long the plan may be applied (default 24 hours). */
  readonly expiresMs?: number;
  readonly memoryMb?: number;
  /** Holds the project's policies against the plan before it is signed. What it throws ends the plan. */
  readonly judge?: (input: PolicyInput, signal: AbortSignal) => Promise<readonly PolicyResult[]>;
  /** Open already, and left open; its own when absent. */
  readonly connections?: Connections;
  /** An empty folder for the plan's files. The caller removes it. */
  readonly directory: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export async function plan(
  world: World,
  project: Project,
  options: PlanOptions,
  listen: Listener,
  signal: AbortSignal,
): Promise<OpenPlan> {
  const { rollback } = options;
  const undone = (rollback?.manifest.syncs ?? []).filter(({ changes }) => changes > 0).map(({ sync }) => sync.name);
  const syncs = selectSyncs(project, options.targets ?? []).filter(({ name }) => !rollback || undone.includes(name));
  const store = openState(world, project.state.directory);
  const state = await store.read();
  const unfinished = await unfinishedRuns(world, store);
  await makePlanFolders(world.disk, options.directory);

  const connections = options.connections ?? openConnections(world, project, listen);
  const summaries: SyncSummary[] = [];
  const planned: PlannedSync[] = [];
  const concentrations: Record<string, readonly Concentration[]> = {};
  try {
    for (const sync of syncs)
      await withStaging({ memoryMb: options.memoryMb }, async (staging) => {
        const refresh = options.refresh ?? sync.refresh;
        const input = {
          world,
          sync,
          undo: undoOf(rollback, sync),
          connections,
          store,
          state,
          unfinished,
          refresh,
          directory: options.directory,
          tool: world.version,
          listen,
        };
        const one = await planSync(staging, input, signal);
        summaries.push(one.summary);
        if (one.planned) planned.push(one.planned);
        if (one.concentrations?.length) concentrations[sync.name] = one.concentrations;
      });
  } finally {
    if (!options.connections) await connections.close();
  }

  const created = world.now();
  const times = {
    created: new Date(created).toISOString(),
    expires: new Date(created + (options.expiresMs ?? DAY_MS)).toISOString(),
  };
  if (!rollback) checkAccounts(planned);
  const complete = summaries.every((one) => one.complete);
  const judged: JudgedPlan = {
    format: PLAN_FORMAT,
    ...times,
    ...(rollback ? { rollback: rollback.run } : {}),
    complete,
    syncs: summaries,
  };
  const input = { plan: judged, syncs: planned.map(({ sync }) => sync), at: times.created };
  const policies = await options.judge?.(input, signal);
  const summary: Omit<PlanSummary, "digest"> = { ...judged, ...(policies ? { policies } : {}) };
  await world.disk.replace(join(options.directory, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);

  await world.disk.replace(join(options.directory, CONCENTRATIONS), JSON.stringify(concentrations));

  const files: Record<string, string> = {};
  for (const name of ["summary.json", CONCENTRATIONS, ...planDataFiles(planned)])
    files[name] = await digestOfFile(join(options.directory, name));
  const config = configDigest(
    project,
    syncs.map(({ name }) => name),
  );
  const data = Object.fromEntries(Object.entries(files).filter(([name]) => name.endsWith(".parquet")));
  const unsigned: PlanManifest = {
    format: PLAN_FORMAT,
    tool: world.version,
    digest: "",
    content: digestOf({ config, accounts: planned.map(({ account, sync }) => [sync.name, account]), data }),
    files,
    ...times,
    config,
    state: { lineage: state.lineage, serial: state.serial },
    complete,
    stopped: isStopped({ ...summary, digest: "" }),
    syncs: planned,
  };
  const manifest = { ...unsigned, digest: manifestDigest(unsigned) };
  await world.disk.replace(join(options.directory, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return { directory: options.directory, manifest, summary: { ...summary, digest: manifest.digest }, concentrations };
}

/** Connections of different names may turn out to reach one account. */
function checkAccounts(planned: readonly PlannedSync[]): void {
  const accounts = new Map(planned.map(({ sync, account }) => [sync.name, account]));
  const syncs = planned.map(({ sync }) => sync);
  const [problem, ...others] = overlapProblems(syncs, ({ name }) => accounts.get(name) ?? "");
  if (problem) throw problemsError([problem, ...others]);
}

function undoOf(run: LoadedRun | undefined, { name }: Sync): Undo | undefined {
  const planned = run?.manifest.syncs.find(({ sync }) => sync.name === name);
  return run && planned ? { run, planned } : undefined;
}

function selectSyncs(project: Project, targets: readonly string[]): readonly Sync[] {
  const names = project.syncs.map(({ name }) => name);
  for (const target of targets)
    if (!names.includes(target))
      throw new ConfigError("SYNC_UNKNOWN", `no sync "${target}": ${suggest(target, names)}`);
  return targets.length === 0 ? project.syncs : project.syncs.filter(({ name }) => targets.includes(name));
}

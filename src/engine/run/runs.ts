/** Runs on disk: each has its own copy of the plan, its journal and, once ended, its result. @module */
import { join } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import type { PlanManifest } from "../../core/plan.ts";
import type { StateStore } from "../state/state.ts";
import type { World } from "../world.ts";
import type { JournalEntry } from "./journal.ts";
import { readJournal, startedAt } from "./journal.ts";
import { countStatus, foldEntry, newProgress, type StatusName, type SyncProgress } from "./progress.ts";

/** How a run ended. `stopped` and `failed` can be resumed. */
export type RunStatus = "applied" | "partial" | "stopped" | "running";

export interface RunResult {
  readonly run: string;
  readonly status: RunStatus;
  readonly started: string;
  readonly ended: string | null;
  readonly digest: string;
  readonly serial: number | null;
  readonly syncs: Readonly<Record<string, Readonly<Record<StatusName, number>>>>;
  /** Rejected records by the vendor's code. */
  readonly rejected: readonly {
    readonly sync: string;
    readonly code: string;
    readonly field: string | null;
    readonly count: number;
  }[];
  readonly problem?: string;
  /** What the run could not do besides its changes. */
  readonly warnings?: readonly string[];
}

export interface RunFiles {
  readonly directory: string;
  readonly plan: string;
  /** One journal for each process that worked on the run, oldest first: `journal.ndjson`, `journal-2.ndjson` … */
  readonly journal: (number: number) => string;
  readonly result: string;
}

export function runFiles(store: StateStore, run: string): RunFiles {
  const directory = join(store.directory, "runs", run);
  return {
    directory,
    plan: join(directory, "plan"),
    journal: (number) => join(directory, number === 1 ? "journal.ndjson" : `journal-${number}.ndjson`),
    result: join(directory, "result.json"),
  };
}

export interface LoadedRun {
  readonly run: string;
  readonly files: RunFiles;
  readonly manifest: PlanManifest;
  readonly entries: readonly JournalEntry[];
  /** How many journals there are. */
  readonly journals: number;
  readonly progress: ReadonlyMap<string, SyncProgress>;
  /** Present once the run has ended and is in the ledger. */
  readonly result: RunResult | null;
}

/** Names of all runs, oldest first: they begin with the time. A folder without a journal was left before its run began. */
export async function listRuns(world: World, store: StateStore): Promise<readonly string[]> {
  const names = await world.disk.list(join(store.directory, "runs"));
  const begun = await Promise.all(names.map((name) => world.disk.exists(runFiles(store, name).journal(1))));
  return names.filter((_, i) => begun[i]);
}

export async function loadRun(world: World, store: StateStore, run: string): Promise<LoadedRun> {
  const files = runFiles(store, run);
  const text = await world.disk.read(join(files.plan, "manifest.json"));
  if (text === null) throw new ConfigError("RUN_UNKNOWN", `there is no run "${run}"`);
  const manifest = JSON.parse(text) as PlanManifest;
  const entries: JournalEntry[] = [];
  let journals = 0;
  while (await world.disk.exists(files.journal(journals + 1)))
    entries.push(...(await readJournal(world.disk, files.journal(++journals))));
  const progress = new Map(manifest.syncs.map(({ sync, changes }) => [sync.name, newProgress(changes)]));
  for (const entry of entries) {
    if ("sync" in entry) {
      const one = progress.get(entry.sync);
      if (one) foldEntry(one, entry);
    }
  }
  const result = await world.disk.read(files.result);
  return {
    run,
    files,
    manifest,
    entries,
    journals,
    progress,
    result: result === null ? null : (JSON.parse(result) as RunResult),
  };
}

/**
 * Runs that began and have not ended. One that sent nothing, and whose plan is stale by now, was begun by a process that
 * had lost the state meanwhile: there is nothing to finish.
 */
export async function unfinishedRuns(world: World, store: StateStore): Promise<readonly LoadedRun[]> {
  const found: LoadedRun[] = [];
  for (const name of await listRuns(world, store)) {
    if (await world.disk.exists(runFiles(store, name).result)) continue;
    const run = await loadRun(world, store, name);
    const begun = run.entries.some(({ t }) => t === "intent");
    if (begun || run.manifest.state.serial === (await store.read()).serial) found.push(run);
  }
  return found;
}

export function resultOf(
  { run, manifest, progress, entries }: Pick<LoadedRun, "run" | "manifest" | "progress" | "entries">,
  status: RunStatus,
  ended: string | null,
  serial: number | null,
  problem?: string,
): RunResult {
  const rejected = new Map<string, RunResult["rejected"][number]>();
  for (const [sync, { rejected: entriesOf }] of progress)
    for (const [, code, field] of entriesOf.values()) {
      const at = JSON.stringify([sync, code, field]);
      rejected.set(at, { sync, code, field, count: (rejected.get(at)?.count ?? 0) + 1 });
    }
  return {
    run,
    status,
    started: startedAt(entries),
    ended,
    digest: manifest.digest,
    serial,
    syncs: Object.fromEntries([...progress].map(([name, one]) => [name, countStatus(one)])),
    rejected: [...rejected.values()],
    ...(problem ? { problem } : {}),
  };
}

/** The verb apply: executes exactly a plan's changes, or finishes the run of one. @module */

import type { Project } from "../core/decode.ts";
import { ConflictError, EbbError, LockError } from "../core/errors.ts";
import { denials, type PlannedSync } from "../core/plan.ts";
import { configDigest } from "./config-digest.ts";
import { type Connections, openConnections } from "./connect/connections.ts";
import { type OpenPlan, readPlan } from "./plan-file.ts";
import { executeSync } from "./run/execute.ts";
import { finishRun } from "./run/finish.ts";
import { beginJournal, JOURNAL_VERSION, openJournal } from "./run/journal.ts";
import { newProgress, Status } from "./run/progress.ts";
import { type LoadedRun, loadRun, type RunResult, resultOf, runFiles, unfinishedRuns } from "./run/runs.ts";
import { withStaging } from "./staging/scratch.ts";
import { type Lock, takeLock } from "./state/lock.ts";
import { openState, type State, type StateStore } from "./state/state.ts";
import type { Listener, World } from "./world.ts";

export interface ApplySignals {
  /** First Ctrl-C: finish the batches in flight, then stop resumable. */
  readonly stop: AbortSignal;
  /** Hard stop: whatever is in flight is in doubt. */
  readonly abort: AbortSignal;
}

/** Applies a plan. Refuses one that is stale, expired, altered, foreign, incomplete or stopped by a guard. */
export async function apply(
  world: World,
  project: Project,
  plan: OpenPlan,
  listen: Listener,
  signals: ApplySignals,
): Promise<RunResult> {
  const store = openState(world, project.state.directory);
  return locked(world, store, async (lock) => {
    const [unfinished] = await unfinishedRuns(world, store);
    // The same plan again, as a job that is started anew does: what it had begun is finished.
    if (unfinished?.manifest.digest === plan.manifest.digest)
      return takeUp(world, project, store, unfinished, listen, signals, lock);
    if (unfinished) throw new ConflictError("RUN_UNFINISHED", `run ${unfinished.run} stopped before its end`);
    await checkPlan(world, project, store, plan);
    const stopped = await connected(world, project, listen, lock, async (connections) => {
      await checkAccounts(connections, plan.manifest, signals.abort);
      const run = await beginRun(world, store, plan, lock);
      listen({ type: "run", run: run.run, resumed: false });
      return execute(world, connections, run, listen, signals, lock);
    });
    return finished(world, project, store, stopped, listen, signals, lock);
  });
}

/** Finishes the run that stopped before its end, or answers null when there is none. */
export async function resume(
  world: World,
  project: Project,
  listen: Listener,
  signals: ApplySignals,
): Promise<RunResult | null> {
  const store = openState(world, project.state.directory);
  if ((await unfinishedRuns(world, store)).length === 0) return null;
  return locked(world, store, async (lock) => {
    const [run] = await unfinishedRuns(world, store);
    if (!run) return null;
    return takeUp(world, project, store, run, listen, signals, lock);
  });
}

async function takeUp(
  world: World,
  project: Project,
  store: StateStore,
  run: LoadedRun,
  listen: Listener,
  signals: ApplySignals,
  lock: Lock,
): Promise<RunResult> {
  await readPlan(world, run.files.plan);
  checkConfig(project, run.manifest);
  const stopped = await connected(world, project, listen, lock, async (connections) => {
    await checkAccounts(connections, run.manifest, signals.abort);
    listen({ type: "run", run: run.run, resumed: true });
    return execute(world, connections, await ownJournal(world, run, lock), listen, signals, lock);
  });
  return finished(world, project, store, stopped, listen, signals, lock);
}

/** Ends a run that has nothing left to do; one that has is a result already. */
async function finished(
  world: World,
  project: Project,
  store: StateStore,
  run: RunResult | LoadedRun,
  listen: Listener,
  signals: ApplySignals,
  lock: Lock,
): Promise<RunResult> {
  if ("status" in run) return run;
  const whole = await loadRun(world, store, run.run);
  return connected(world, project, listen, lock, async (connections) => {
    try {
      return await finishRun(world, store, whole, connections, lock, signals.abort);
    } catch (error) {
      // Whoever stood still finds files removed that another has made superfluous.
      await lock.hold();
      throw error;
    }
  });
}

async function connected<T>(
  world: World,
  project: Project,
  listen: Listener,
  lock: Lock,
  use: (connections: Connections) => Promise<T>,
): Promise<T> {
  const connections = openConnections(world, project, listen, lock);
  try {
    return await use(connections);
  } finally {
    await connections.close();
  }
}

async function locked<T>(world: World, store: StateStore, use: (lock: Lock) => Promise<T>): Promise<T> {
  const lock = await takeLock(world, store);
  try {
    return await use(lock);
  } finally {
    await lock.release();
  }
}

async function checkPlan(world: World, project: Project, store: StateStore, plan: OpenPlan): Promise<void> {
  const { manifest } = plan;
  if (Date.parse(manifest.expires) < world.now())
    throw new ConflictError("PLAN_EXPIRED", `the plan expired at ${manifest.expires}`);
  const state = await store.read();
  checkApplicable(project, state, plan);
  if (state.serial !== manifest.state.serial)
    throw new ConflictError(
      "PLAN_STALE",
      `the state is at serial ${state.serial}, the plan was made at ${manifest.state.serial}`,
    );
}

/**
 * What must hold of a plan however old it is: it knows everything, no guard stopped it, and it was made for this
 * configuration and this state.
 *
 * @throws ConflictError PLAN_INCOMPLETE, GUARD_STOPPED, PLAN_FOREIGN
 */
export function checkApplicable(project: Project, state: State, { manifest, summary }: OpenPlan): void {
  if (!manifest.complete) {
    const unread = summary.syncs.filter((sync) => !sync.complete).map(({ name }) => `"${name}"`);
    throw new ConflictError("PLAN_INCOMPLETE", `the plan could not read ${unread.join(", ")}`);
  }
  const stopped = summary.syncs.flatMap(({ name, guards }) => guards.map(({ message }) => `${name}: ${message}`));
  if (stopped.length > 0) throw new ConflictError("GUARD_STOPPED", stopped.join("; "));
  const denied = denials(summary.policies).map(({ code, message }) => `${code}: ${message}`);
  if (denied.length > 0) throw new ConflictError("POLICY_DENIED", denied.join("; "));
  checkConfig(project, manifest);
  // A plan made before there was a state is stale once there is one, not foreign.
  if (state.lineage !== manifest.state.lineage && manifest.state.lineage !== "")
    throw new ConflictError("PLAN_FOREIGN", "the plan was made with another state");
}

function checkConfig(project: Project, manifest: OpenPlan["manifest"]): void {
  const names = manifest.syncs.map(({ sync }) => sync.name);
  if (configDigest(project, names) !== manifest.config)
    throw new ConflictError("PLAN_FOREIGN", "the syncs or connections have changed since the plan was made");
}

/** Every account is looked at before anything is sent to one of them. */
async function checkAccounts(
  connections: Connections,
  manifest: OpenPlan["manifest"],
  signal: AbortSignal,
): Promise<void> {
  for (const planned of manifest.syncs) {
    const { destination } = await connections.destination(planned.sync.destination.connection);
    const account = await destination.account(signal);
    if (account !== planned.account)
      throw new ConflictError("PLAN_FOREIGN", `the plan is for ${planned.account}, the connection reaches ${account}`);
  }
}

async function beginRun(world: World, store: StateStore, plan: OpenPlan, lock: Lock): Promise<LoadedRun> {
  const at = new Date(world.now()).toISOString();
  const name = `${at.slice(0, 19).replaceAll(/[-:]/g, "")}-${world.randomName().slice(0, 6)}`;
  const files = runFiles(store, name);
  await world.disk.makeDirectory(files.directory);
  await world.disk.copy(plan.directory, files.plan);
  const progress = new Map(plan.manifest.syncs.map(({ sync, changes }) => [sync.name, newProgress(changes)]));
  const run = { run: name, files, manifest: plan.manifest, entries: [], journals: 0, progress, result: null };
  try {
    return await ownJournal(world, run, lock);
  } catch (error) {
    await world.disk.remove(files.directory);
    throw error;
  }
}

/**
 * A journal of this process's own: what the one before may still write, should it only have been stopped for a while,
 * is read before it and so has no effect.
 */
async function ownJournal(world: World, run: LoadedRun, lock: Lock): Promise<LoadedRun> {
  const journals = run.journals + 1;
  const at = new Date(world.now()).toISOString();
  const entry = { t: "start", version: JOURNAL_VERSION, run: run.run, digest: run.manifest.digest, at } as const;
  await lock.hold();
  if (!(await beginJournal(world.disk, run.files.journal(journals), entry, lock.sure)))
    throw new LockError("STATE_LOCKED", `run ${run.run} was taken up by another process`);
  return { ...run, journals, entries: [...run.entries, entry] };
}

async function execute(
  world: World,
  connections: Connections,
  run: LoadedRun,
  listen: Listener,
  signals: ApplySignals,
  lock: Lock,
): Promise<RunResult | LoadedRun> {
  const journal = await openJournal(world.disk, run.files.journal(run.journals), () => lock.hold());
  const stop = AbortSignal.any([signals.stop, lock.lost]);
  const signal = AbortSignal.any([signals.abort, lock.lost]);
  let problem: string | undefined;
  try {
    for (const planned of run.manifest.syncs) {
      if (stop.aborted) break;
      await makeFields(connections, planned, signal);
      await withStaging({}, (staging) =>
        executeSync(staging, { world, connections, run, planned, journal, listen, stop }, signal),
      );
    }
  } catch (error) {
    if (nothingSent(run) && error instanceof EbbError && error.effect !== "transient") {
      await journal.close();
      // Refused before the first write: there is no run to finish, unless another process has taken it up meanwhile.
      const isMine = await lock.hold().then(
        () => run.journals === 1,
        () => false,
      );
      if (isMine) await world.disk.remove(run.files.directory, lock.isFresh);
      throw error;
    }
    if (!(error instanceof EbbError) && !signals.abort.aborted) throw error;
    problem = error instanceof EbbError ? `${error.code}: ${error.message}` : "stopped";
  } finally {
    await journal.close().catch(() => undefined);
  }
  const left = [...run.progress.values()].some(({ status }) =>
    status.some((s) => s === Status.waiting || s === Status.sent),
  );
  if (left) return resultOf(run, "stopped", null, null, problem);
  return run;
}

/** Making a field that is there already does nothing, so a run that is taken up again may. */
async function makeFields(connections: Connections, planned: PlannedSync, signal: AbortSignal): Promise<void> {
  const { connection, object } = planned.sync.destination;
  if (planned.newFields.length === 0) return;
  const { destination } = await connections.destination(connection);
  for (const field of planned.newFields) await destination.createField?.(object, field, signal);
}

function nothingSent(run: LoadedRun): boolean {
  return [...run.progress.values()].every(({ status }) => status.every((s) => s === Status.waiting));
}

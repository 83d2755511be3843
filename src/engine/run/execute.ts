/** Executes one sync of a run: what was left in doubt first, then what still waits, in apply order. @module */

import type { PlannedSync } from "../../core/plan.ts";
import type { Action, Change } from "../../core/types.ts";
import type { Connections } from "../connect/connections.ts";
import { type PlannedChange, readChangePages, readChanges } from "../diff/changes.ts";
import { routeFor } from "../diff/estimate.ts";
import { matchTypes } from "../diff/fields.ts";
import type { Staging } from "../staging/staging.ts";
import type { Listener, World } from "../world.ts";
import { cutBatches } from "./batches.ts";
import type { BatchDesk } from "./desk.ts";
import { type Journal, startedAt } from "./journal.ts";
import { loadCreates } from "./load.ts";
import { createMovedCheck } from "./moved.ts";
import { Status, type SyncProgress } from "./progress.ts";
import { positions, type Ranges } from "./ranges.ts";
import { createReader } from "./readback.ts";
import { createRecorder } from "./record.ts";
import type { LoadedRun } from "./runs.ts";
import { resumeBatch, writeBatch } from "./write-batch.ts";

export interface ExecuteInput {
  readonly world: World;
  readonly connections: Connections;
  readonly run: LoadedRun;
  readonly planned: PlannedSync;
  readonly journal: Journal;
  readonly listen: Listener;
  /** Aborted: no further batch begins; those in flight are finished. */
  readonly stop: AbortSignal;
}

export async function executeSync(staging: Staging, input: ExecuteInput, signal: AbortSignal): Promise<void> {
  const { world, run, listen, stop, journal } = input;
  const planned = withoutOldKeys(input);
  const { sync } = planned;
  const progress = run.progress.get(sync.name);
  const directory = run.files.plan;
  if (!progress || progress.status.every((status) => status !== Status.waiting && status !== Status.sent)) return;
  const open = await input.connections.destination(sync.destination.connection);
  const object = await open.destination.describe(sync.destination.object, signal);
  const reader = createReader(staging, open, planned, matchTypes(sync, object));
  // Of a run that is resumed, what it has done before counts.
  let done = progress.status.reduce((sum, one) => sum + (one === Status.waiting || one === Status.sent ? 0 : 1), 0);
  listen({ type: "phase", sync: sync.name, phase: "apply", total: planned.changes });
  const recorder = createRecorder({
    sync: sync.name,
    journal,
    progress,
    idIsKey: planned.idIsKey,
    now: world.now,
    onDone: (changes) => {
      done += changes;
      listen({ type: "progress", sync: sync.name, phase: "apply", done });
    },
  });
  const moved = createMovedCheck(world, open, planned, reader, Date.parse(run.manifest.created));
  const desk: BatchDesk = { world, run: run.run, open, planned, reader, moved, recorder };

  await resumeOpenBatches(staging, desk, directory, progress, signal);

  await loadCreates(staging, { open, planned, directory, progress, recorder, stop }, signal);
  await resumeOpenBatches(staging, desk, directory, progress, signal);
  const routeOf = (action: Action) => routeFor(open.capabilities, action, planned.counts[action]);
  const batches = cutBatches(
    waitingOnly(readChangePages(staging, directory, planned, waitingWhere(progress)), progress),
    routeOf,
  );
  // An action's batches may run beside each other; the next action begins when they have ended.
  let running: Action | undefined;
  const inFlight = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    failure ??= { error };
  };
  const halted = () => stop.aborted || failure !== undefined;
  try {
    // The next batch is read while the last is written.
    let reading = batches.next();
    while (!halted()) {
      const next = await reading;
      if (next.done || halted()) break;
      reading = batches.next();
      reading.catch(fail);
      const { route, action, changes } = next.value;
      if (running !== undefined && action !== running) await Promise.all(inFlight);
      running = action;
      const work = writeBatch(desk, route.name, changes, signal)
        .catch(fail)
        .finally(() => inFlight.delete(work));
      inFlight.add(work);
      while (inFlight.size >= route.concurrency && !halted()) await Promise.race(inFlight);
    }
    await reading;
  } finally {
    await Promise.all(inFlight);
    await batches.return();
  }
  if (failure) throw failure.error;
}

function within(ranges: Ranges): string {
  return `n BETWEEN ${ranges[0]?.[0] ?? 0} AND ${ranges[ranges.length - 1]?.[1] ?? 0}`;
}

/** Vendors forget idempotency keys after a day or so: what was sent under one before that may be done twice. */
const KEYS_LAST_MS = 20 * 3_600_000;

function withoutOldKeys({ planned, run: { entries }, world }: ExecuteInput): PlannedSync {
  const begun = Date.parse(startedAt(entries)) || 0;
  if (planned.createIsIdempotent !== "header" || world.now() - begun < KEYS_LAST_MS) return planned;
  return { ...planned, createIsIdempotent: "no" };
}

async function resumeOpenBatches(
  staging: Staging,
  desk: BatchDesk,
  directory: string,
  progress: SyncProgress,
  signal: AbortSignal,
): Promise<void> {
  // A change that was sent more than once belongs to the batch it was sent with last.
  const taken = new Set<number>();
  const mine = [...progress.batches.values()].reverse().map((open) => {
    const own = new Set<number>();
    for (const n of positions(open.n))
      if (progress.status[n] === Status.sent && !taken.has(n)) {
        own.add(n);
        taken.add(n);
      }
    return { open, own };
  });
  for (const { open, own } of mine.reverse()) {
    if (own.size === 0) continue;
    const all = new Set(positions(open.n));
    const whole: Change[] = [];
    for await (const { change } of readChanges(staging, directory, desk.planned, within(open.n)))
      if (all.has(change.n)) whole.push(change);
    await resumeBatch(
      desk,
      { route: open.route, whole, left: whole.filter(({ n }) => own.has(n)), ticket: open.ticket, at: open.at ?? 0 },
      signal,
    );
  }
}

/** Where the changes that wait begin and end: what a load or an earlier run has done need not be read again. */
function waitingWhere({ status }: SyncProgress): string {
  const first = status.indexOf(Status.waiting);
  return first < 0 ? "false" : `n BETWEEN ${first} AND ${status.lastIndexOf(Status.waiting)}`;
}

async function* waitingOnly(
  pages: AsyncIterable<readonly PlannedChange[]>,
  { status }: SyncProgress,
): AsyncIterable<readonly Change[]> {
  for await (const page of pages)
    yield page.flatMap(({ change }) => (status[change.n] === Status.waiting ? [change] : []));
}

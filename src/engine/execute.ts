/** Executes one sync of a run: what was left in doubt first, then what still waits, in apply order. @module */

import type { PlannedSync } from "../core/plan.ts";
import type { Action, Change } from "../core/types.ts";
import { cutBatches } from "./batches.ts";
import { type PlannedChange, readChanges } from "./changes.ts";
import type { Connections } from "./connections.ts";
import { routeFor } from "./estimate.ts";
import { matchTypes } from "./fields.ts";
import type { Journal } from "./journal.ts";
import { createMovedCheck } from "./moved.ts";
import { Status, type SyncProgress } from "./progress.ts";
import { positions } from "./ranges.ts";
import { createReader } from "./readback.ts";
import { createRecorder } from "./record.ts";
import type { Staging } from "./staging.ts";
import type { Listener, World } from "./world.ts";
import { type BatchDesk, resumeBatch, writeBatch } from "./write-batch.ts";

export interface ExecuteInput {
  readonly world: World;
  readonly connections: Connections;
  readonly planned: PlannedSync;
  /** The plan's folder. */
  readonly directory: string;
  readonly journal: Journal;
  readonly progress: SyncProgress;
  readonly listen: Listener;
  /** Aborted: no further batch begins; those in flight are finished. */
  readonly stop: AbortSignal;
}

export async function executeSync(staging: Staging, input: ExecuteInput, signal: AbortSignal): Promise<void> {
  const { world, planned, progress, directory, listen, stop, journal } = input;
  const { sync } = planned;
  if (progress.status.every((status) => status !== Status.waiting && status !== Status.sent)) return;
  const open = await input.connections.destination(sync.destination.connection);
  const object = await open.destination.describe(sync.destination.object, signal);
  const reader = createReader(staging, open, planned, matchTypes(sync, object));
  let done = 0;
  listen({ type: "phase", sync: sync.name, phase: "apply", total: planned.changes });
  const recorder = createRecorder({
    sync: sync.name,
    journal,
    progress,
    idIsKey: planned.idIsKey,
    onDone: (changes) => {
      done += changes;
      listen({ type: "progress", sync: sync.name, phase: "apply", done });
    },
  });
  const moved = createMovedCheck(world, open, planned, reader);
  const desk: BatchDesk = { world, open, planned, reader, moved, journal, recorder };

  await resumeOpenBatches(staging, desk, directory, progress, signal);

  const perAction = await countActions(staging, directory, planned);
  const routeOf = (action: Action) => routeFor(open.capabilities, action, perAction.get(action) ?? 0);
  const batches = cutBatches(waitingOnly(readChanges(staging, directory, planned), progress), routeOf)[
    Symbol.asyncIterator
  ]();
  const concurrency = Math.max(1, ...open.capabilities.write.map((route) => route.concurrency));
  // An action's batches may run beside each other; the next action begins when they have ended.
  let running: Action | undefined;
  const inFlight = new Set<Promise<void>>();
  const failed = new AbortController();
  try {
    while (!stop.aborted && !failed.signal.aborted) {
      const next = await batches.next();
      if (next.done || stop.aborted || failed.signal.aborted) break;
      const { route, changes } = next.value;
      const action = changes[0]?.action;
      if (running !== undefined && action !== running) await Promise.all(inFlight);
      running = action;
      const work = writeBatch(desk, route.name, changes, signal).finally(() => inFlight.delete(work));
      work.catch(() => failed.abort());
      inFlight.add(work);
      if (inFlight.size >= Math.min(concurrency, route.concurrency)) await Promise.race(inFlight);
    }
  } finally {
    await batches.return?.(undefined);
    const ended = await Promise.allSettled(inFlight);
    const rejection = ended.find((one) => one.status === "rejected");
    // biome-ignore lint/correctness/noUnsafeFinally: the first failure of a batch is the run's failure
    if (rejection?.status === "rejected") throw rejection.reason;
  }
}

async function resumeOpenBatches(
  staging: Staging,
  desk: BatchDesk,
  directory: string,
  progress: SyncProgress,
  signal: AbortSignal,
): Promise<void> {
  for (const open of [...progress.batches.values()]) {
    const left = [...positions(open.n)].filter((n) => progress.status[n] === Status.sent);
    if (left.length === 0) continue;
    const changes: Change[] = [];
    const within = `n BETWEEN ${left[0]} AND ${left[left.length - 1]}`;
    for await (const { change } of readChanges(staging, directory, desk.planned, within))
      if (progress.status[change.n] === Status.sent) changes.push(change);
    const mine = new Set(left);
    await resumeBatch(
      desk,
      open.route,
      changes.filter(({ n }) => mine.has(n)),
      open.ticket,
      signal,
    );
  }
}

async function* waitingOnly(
  changes: AsyncIterable<PlannedChange>,
  { status }: SyncProgress,
): AsyncIterable<PlannedChange> {
  for await (const one of changes) if (status[one.change.n] === Status.waiting) yield one;
}

async function countActions(
  staging: Staging,
  directory: string,
  planned: PlannedSync,
): Promise<ReadonlyMap<Action, number>> {
  const rows = await staging.rows<{ action: Action; n: string }>(
    `SELECT action, count(*) AS n FROM read_parquet('${directory.replaceAll("'", "''")}/changes/${planned.file}.parquet') GROUP BY action`,
  );
  return new Map(rows.map(({ action, n }) => [action, Number(n)]));
}

/**
 * One batch, from intent to the last outcome: journal first, isolate what is poisoned, settle what is in doubt, wait
 * when told to. Everything a destination may do wrong ends here in an outcome, a stop, or an honest doubt.
 * @module
 */

import { applied, type Batch, drifted, type Receipt, rejected } from "../../connector/index.ts";
import { EbbError, RecordError, TransientError } from "../../core/errors.ts";
import type { PlannedSync } from "../../core/plan.ts";
import type { Change, Outcome } from "../../core/types.ts";
import type { OpenDestination } from "../connect/connections.ts";
import { holds } from "../staging/canonicalise.ts";
import { digestOf } from "../staging/digest.ts";
import type { World } from "../world.ts";
import type { Journal } from "./journal.ts";
import type { MovedCheck } from "./moved.ts";
import { toRanges } from "./ranges.ts";
import type { Reader } from "./readback.ts";
import type { Recorder } from "./record.ts";
import { settle } from "./settle.ts";

export interface BatchDesk {
  readonly world: World;
  readonly open: OpenDestination;
  readonly planned: PlannedSync;
  readonly reader: Reader;
  readonly moved: MovedCheck;
  readonly journal: Journal;
  readonly recorder: Recorder;
}

/** Attempts at the same changes before the run stops, resumable. */
const MAX_ATTEMPTS = 6;

export async function writeBatch(
  desk: BatchDesk,
  route: string,
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<void> {
  const verdicts = await desk.moved(changes, signal);
  const batch = batchOf(desk, route, changes);
  const early = changes.flatMap((change): Outcome[] => {
    const moved = verdicts.get(change.key);
    if (!moved) return [];
    return [moved.verdict === "done" ? applied(change.key, moved.id) : drifted(change.key)];
  });
  if (early.length > 0) await desk.recorder.outcomes(batch.id, changes, early);
  await send(
    desk,
    route,
    changes.filter(({ key }) => !verdicts.has(key)),
    1,
    signal,
  );
}

/** Takes up a batch that a dead run left: its job where it has a ticket, else by reading back. */
export async function resumeBatch(
  desk: BatchDesk,
  route: string,
  changes: readonly Change[],
  ticket: string | null,
  signal: AbortSignal,
): Promise<void> {
  const resume = desk.open.destination.resume;
  if (ticket === null || !resume) return settleAndResend(desk, route, changes, 1, signal);
  await follow(desk, route, changes, ticket, 1, signal);
}

/** Follows a job that was begun to its end. It is never begun again: the first would still do its work. */
async function follow(
  desk: BatchDesk,
  route: string,
  changes: readonly Change[],
  ticket: string,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const { destination } = desk.open;
  const batch = batchOf(desk, route, changes);
  const resume = (s: AbortSignal) => destination.resume?.(ticket, batch, s) ?? nothing();
  await receive(desk, route, batch, resume, attempt, signal, ticket);
}

async function* nothing(): AsyncIterable<Receipt> {}

async function send(
  desk: BatchDesk,
  route: string,
  changes: readonly Change[],
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  if (changes.length === 0) return;
  const batch = batchOf(desk, route, changes);
  await desk.recorder.intent(batch);
  await receive(desk, route, batch, (s) => desk.open.destination.write(batch, s), attempt, signal);
}

async function receive(
  desk: BatchDesk,
  route: string,
  batch: Batch,
  start: (signal: AbortSignal) => AsyncIterable<Receipt>,
  attempt: number,
  signal: AbortSignal,
  resumed: string | null = null,
): Promise<void> {
  const open = new Map(batch.changes.map((change) => [change.key, change]));
  const again: Change[] = [];
  const refused: { readonly change: Change; readonly outcome: Outcome }[] = [];
  const refusalTells = batch.action === "create" && desk.planned.createIsIdempotent === "conflict";
  let ticket = resumed;
  let failure: unknown;
  try {
    for await (const receipt of start(signal)) {
      if ("ticket" in receipt) {
        ticket = receipt.ticket;
        await desk.recorder.ticket(batch, ticket);
        continue;
      }
      const landed: Outcome[] = [];
      for (const outcome of receipt.outcomes) {
        const change = open.get(outcome.key);
        // An answer about something that was not asked, or asked twice, says nothing.
        if (!change || !open.delete(outcome.key)) continue;
        if (outcome.status === "rejected" && outcome.retry && attempt < MAX_ATTEMPTS) again.push(change);
        else if (outcome.status === "rejected" && refusalTells) refused.push({ change, outcome });
        else landed.push(outcome);
      }
      await desk.recorder.outcomes(batch.id, batch.changes, landed);
    }
  } catch (error) {
    failure = error;
  }
  if (refused.length > 0)
    await desk.recorder.outcomes(batch.id, batch.changes, await whyRefused(desk, refused, signal));
  const unanswered = [...open.values()];
  // When all is answered, a broken end of the answer tells nothing more; any other failure still stops the run.
  const harmless = failure instanceof TransientError || failure instanceof RecordError;
  if (failure !== undefined && unanswered.length === 0 && !harmless) throw failure;
  if (failure !== undefined && unanswered.length > 0 && ticket !== null && desk.open.destination.resume)
    await followAgain(desk, route, unanswered, ticket, failure, attempt, signal);
  else if (failure !== undefined && unanswered.length > 0)
    await afterFailure(desk, route, unanswered, failure, attempt, signal);
  else if (unanswered.length > 0) await settleAndResend(desk, route, unanswered, attempt, signal);
  if (again.length > 0) {
    await desk.recorder.unsent(batch.id, again);
    await backOff(desk.world, attempt, undefined, signal);
    await send(desk, route, again, attempt + 1, signal);
  }
}

/** A create may have been refused because its record is there since the plan: then it is drifted, or done already. */
async function whyRefused(
  { reader }: BatchDesk,
  refused: readonly { readonly change: Change; readonly outcome: Outcome }[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const now = await reader.about(
    refused.map(({ change }) => change),
    signal,
  );
  return refused.map(({ change, outcome }) => {
    const [found] = now?.byKey.get(change.key) ?? [];
    if (!found || change.action !== "create") return outcome;
    return holds(found, change.after) ? applied(change.key, found.id) : drifted(change.key);
  });
}

/** A job that was begun stays what the changes wait for; only when the run stops is it left to the next one. */
async function followAgain(
  desk: BatchDesk,
  route: string,
  changes: readonly Change[],
  ticket: string,
  failure: unknown,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  if (failure instanceof RecordError) return afterFailure(desk, route, changes, failure, attempt, signal);
  const passing = failure instanceof TransientError && worthWaiting(failure) && attempt < MAX_ATTEMPTS;
  if (!passing || signal.aborted) throw failure;
  await backOff(desk.world, attempt, failure.retryAfterMs, signal);
  await follow(desk, route, changes, ticket, attempt + 1, signal);
}

/** What a throw means for the changes that have no outcome. */
async function afterFailure(
  desk: BatchDesk,
  route: string,
  changes: readonly Change[],
  failure: unknown,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  // A bug or a hard stop says nothing about the changes: they stay in doubt in the journal.
  if (!(failure instanceof EbbError) || signal.aborted) throw failure;
  const id = batchOf(desk, route, changes).id;
  if (failure instanceof RecordError) {
    await desk.recorder.unsent(id, changes);
    return isolate(desk, route, changes, failure, signal);
  }
  if (failure instanceof TransientError && !failure.unsent) {
    if (attempt >= MAX_ATTEMPTS || !worthWaiting(failure)) throw failure;
    await backOff(desk.world, attempt, failure.retryAfterMs, signal);
    return settleAndResend(desk, route, changes, attempt, signal);
  }
  await desk.recorder.unsent(id, changes);
  if (!(failure instanceof TransientError) || !worthWaiting(failure) || attempt >= MAX_ATTEMPTS) throw failure;
  await backOff(desk.world, attempt, failure.retryAfterMs, signal);
  await send(desk, route, changes, attempt + 1, signal);
}

/** A batch that fails as a whole is halved until the culprit stands alone. */
async function isolate(
  desk: BatchDesk,
  route: string,
  changes: readonly Change[],
  failure: RecordError,
  signal: AbortSignal,
): Promise<void> {
  const [only] = changes;
  if (only && changes.length === 1) {
    const outcome = rejected(only.key, failure.vendorCode, failure.message, { field: failure.field });
    return desk.recorder.outcomes(batchOf(desk, route, changes).id, changes, [outcome]);
  }
  const middle = Math.ceil(changes.length / 2);
  await send(desk, route, changes.slice(0, middle), 1, signal);
  await send(desk, route, changes.slice(middle), 1, signal);
}

async function settleAndResend(
  desk: BatchDesk,
  route: string,
  changes: readonly Change[],
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const { id } = batchOf(desk, route, changes);
  const settled = await settle(desk.world, desk.open, desk.planned, desk.reader, changes, signal);
  await desk.recorder.outcomes(id, changes, settled.outcomes);
  if (settled.doubt.length > 0) await desk.recorder.doubt(id, settled.doubt);
  if (settled.resend.length === 0) return;
  await desk.recorder.unsent(id, settled.resend);
  if (attempt >= MAX_ATTEMPTS)
    throw new TransientError(
      "ANSWER_INVALID",
      `${desk.planned.sync.destination.connection} gives no answer for some records`,
      { unsent: true },
    );
  await send(desk, route, settled.resend, attempt + 1, signal);
}

/** Longer than this nobody waits with the lock held: the run stops, and can be resumed. */
const LONGEST_WAIT_MS = 300_000;

function worthWaiting({ code, retryAfterMs = 0 }: TransientError): boolean {
  return code !== "QUOTA_EXHAUSTED" && retryAfterMs <= LONGEST_WAIT_MS;
}

function backOff(world: World, attempt: number, askedMs: number | undefined, signal: AbortSignal): Promise<void> {
  return world.sleep(Math.max(askedMs ?? 0, Math.min(30_000, 250 * 2 ** attempt)), signal);
}

function batchOf({ planned }: BatchDesk, route: string, changes: readonly Change[]): Batch {
  const { object, matchOn } = planned.sync.destination;
  const action = changes[0]?.action ?? "update";
  const id = digestOf([planned.sync.name, toRanges(changes.map(({ n }) => n))]).slice(0, 32);
  return { object, matchOn, action, route, types: planned.types, changes, id };
}

/**
 * One batch, from intent to the last outcome: journal first, isolate what is poisoned, settle what is in doubt, wait
 * when told to. Everything a destination may do wrong ends here in an outcome, a stop, or an honest doubt.
 * @module
 */

import { applied, drifted, LONGEST_WAIT_MS, type Receipt, rejected } from "../../connector/index.ts";
import { EbbError, RecordError, TransientError } from "../../core/errors.ts";
import type { Change, Outcome } from "../../core/types.ts";
import type { World } from "../world.ts";
import { type BatchDesk, batchOf, type SentBatch } from "./desk.ts";
import { type Exchange, listen } from "./receive.ts";
import { settle } from "./settle.ts";

/** Attempts at the same changes before the run stops, resumable. */
const MAX_ATTEMPTS = 6;

export async function writeBatch(
  desk: BatchDesk,
  route: string,
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<void> {
  const verdicts = await desk.moved(changes, signal);
  const batch = batchOf(desk, route, changes, desk.world.now());
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

export interface LeftBatch {
  readonly route: string;
  /** All it was sent with, so that it can be sent again as the very same batch. */
  readonly whole: readonly Change[];
  /** Those of its changes that have no outcome. */
  readonly left: readonly Change[];
  readonly ticket: string | null;
  /** When it was sent, milliseconds since the epoch. */
  readonly at: number;
}

/** Takes up a batch that a dead run left: its job where it has a ticket, else by reading back. */
export async function resumeBatch(desk: BatchDesk, batch: LeftBatch, signal: AbortSignal): Promise<void> {
  const { route, whole, left, ticket, at } = batch;
  const sent = batchOf(desk, route, whole, at);
  if (ticket !== null && desk.open.destination.resume) return follow(desk, sent, left, ticket, 1, signal);
  return settleAndResend(desk, sent, left, 1, signal);
}

/** Follows a job that was begun to its end. It is never begun again: the first would still do its work. */
async function follow(
  desk: BatchDesk,
  batch: SentBatch,
  left: readonly Change[],
  ticket: string,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const { destination } = desk.open;
  const resume = (s: AbortSignal) => destination.resume?.(ticket, batch, s) ?? nothing();
  await receive(desk, batch, { start: resume, left, attempt, ticket }, signal);
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
  const batch = batchOf(desk, route, changes, desk.world.now());
  await desk.recorder.intent(batch);
  await transmit(desk, batch, changes, attempt, signal);
}

/** Sends a batch whose intent is on record. */
async function transmit(
  desk: BatchDesk,
  batch: SentBatch,
  left: readonly Change[],
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const start = (s: AbortSignal) => desk.open.destination.write(batch, s);
  await receive(desk, batch, { start, left, attempt, ticket: null }, signal);
}

async function receive(desk: BatchDesk, batch: SentBatch, exchange: Exchange, signal: AbortSignal): Promise<void> {
  const { attempt } = exchange;
  const retries = attempt < MAX_ATTEMPTS;
  const { failure, ticket, ...heard } = await listen(desk, batch, exchange, retries, signal);
  // Where the same batch may be sent again it is sent whole, so what was rejected for now is tried again with it.
  const together = heard.unanswered.length > 0 && hasKey(desk, batch);
  const unanswered = together ? [...heard.unanswered, ...heard.again] : heard.unanswered;
  const again = together ? [] : heard.again;
  // When all is answered, a broken end of the answer tells nothing more; any other failure still stops the run.
  const harmless = failure instanceof TransientError || failure instanceof RecordError;
  if (failure !== undefined && unanswered.length === 0 && !harmless) throw failure;
  if (failure !== undefined && unanswered.length > 0 && ticket !== null && desk.open.destination.resume)
    await followAgain(desk, batch, unanswered, ticket, failure, attempt, signal);
  else if (failure !== undefined && unanswered.length > 0)
    await afterFailure(desk, batch, { changes: unanswered, alone: isWhole(batch, heard) }, failure, attempt, signal);
  else if (unanswered.length > 0) await settleAndResend(desk, batch, unanswered, attempt, signal);
  if (again.length > 0) {
    await desk.recorder.unsent(batch.id, again);
    await backOff(desk.world, attempt, undefined, signal);
    await send(desk, batch.route, again, attempt + 1, signal);
  }
}

/** A job that was begun stays what the changes wait for; only when the run stops is it left to the next one. */
async function followAgain(
  desk: BatchDesk,
  batch: SentBatch,
  changes: readonly Change[],
  ticket: string,
  failure: unknown,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  // The job is not known any more, or cannot be asked about: what it has done can only be seen by looking.
  if (failure instanceof RecordError) return settleAndResend(desk, batch, changes, attempt, signal);
  const passing = failure instanceof TransientError && worthWaiting(failure) && attempt < MAX_ATTEMPTS;
  if (!passing || signal.aborted) throw failure;
  await backOff(desk.world, attempt, failure.retryAfterMs, signal);
  await follow(desk, batch, changes, ticket, attempt + 1, signal);
}

/** Nothing at all was said about its changes. */
function isWhole({ changes }: SentBatch, { unanswered }: { readonly unanswered: readonly Change[] }): boolean {
  return changes.length === unanswered.length;
}

/** Under its idempotency key it does its work once, however often it is sent; but only as the very same batch. */
function hasKey({ planned }: BatchDesk, { action }: SentBatch): boolean {
  return action === "create" && planned.createIsIdempotent === "header";
}

/** Changes that have no outcome; `alone` where no other change of their batch has one. */
interface Open {
  readonly changes: readonly Change[];
  readonly alone: boolean;
}

/** What a throw means for the changes that have no outcome. */
async function afterFailure(
  desk: BatchDesk,
  batch: SentBatch,
  { changes, alone }: Open,
  failure: unknown,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  // A bug or a hard stop says nothing about the changes: they stay in doubt in the journal.
  if (!(failure instanceof EbbError) || signal.aborted) throw failure;
  const { id, route } = batch;
  if (failure instanceof RecordError && !alone)
    // Refused together with changes that have their outcome: that says nothing about these.
    return settleAndResend(desk, batch, changes, attempt, signal);
  if (failure instanceof RecordError) {
    await desk.recorder.unsent(id, changes);
    return isolate(desk, route, changes, failure, signal);
  }
  const another = failure instanceof TransientError && worthWaiting(failure) && attempt < MAX_ATTEMPTS;
  const undone = !batch.doubtful && !(failure instanceof TransientError && !failure.unsent);
  if (undone) await desk.recorder.unsent(id, changes);
  if (!another || !desk.open.limiter.mayRetry()) throw failure;
  await backOff(desk.world, attempt, failure.retryAfterMs, signal);
  if (undone) return send(desk, route, changes, attempt + 1, signal);
  if (batch.doubtful) return transmit(desk, batch, changes, attempt + 1, signal);
  return settleAndResend(desk, batch, changes, attempt, signal);
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
    return desk.recorder.outcomes(batchOf(desk, route, changes, 0).id, changes, [outcome]);
  }
  const middle = Math.ceil(changes.length / 2);
  await send(desk, route, changes.slice(0, middle), 1, signal);
  await send(desk, route, changes.slice(middle), 1, signal);
}

async function settleAndResend(
  desk: BatchDesk,
  batch: SentBatch,
  changes: readonly Change[],
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const { id, route, at } = batch;
  const settled = await settle(desk, changes, at, signal);
  await desk.recorder.outcomes(id, changes, settled.outcomes);
  if (settled.doubt.length > 0) await desk.recorder.doubt(id, settled.doubt);
  if (settled.resend.length === 0) return;
  if (settled.blind && hasKey(desk, batch)) {
    if (attempt >= MAX_ATTEMPTS) throw noAnswer(desk);
    return transmit(desk, { ...batch, doubtful: true }, changes, attempt + 1, signal);
  }
  await desk.recorder.unsent(id, settled.resend);
  if (attempt >= MAX_ATTEMPTS) throw noAnswer(desk);
  await send(desk, route, settled.resend, attempt + 1, signal);
}

function noAnswer({ planned }: BatchDesk): TransientError {
  const { connection } = planned.sync.destination;
  return new TransientError("ANSWER_INVALID", `${connection} gives no answer for some records`, { unsent: true });
}

function worthWaiting({ code, retryAfterMs = 0 }: TransientError): boolean {
  return code !== "QUOTA_EXHAUSTED" && retryAfterMs <= LONGEST_WAIT_MS;
}

function backOff(world: World, attempt: number, askedMs: number | undefined, signal: AbortSignal): Promise<void> {
  // Half of it by chance, so that several who failed at once do not come back at once.
  const ms = Math.min(30_000, 250 * 2 ** attempt) * (0.5 + world.random() / 2);
  return world.sleep(Math.max(askedMs ?? 0, ms), signal);
}

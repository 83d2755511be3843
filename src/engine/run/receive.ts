/** Listens to what a destination answers about a batch, and records it as it lands. @module */
import { applied, type Batch, drifted, type Receipt } from "../../connector/index.ts";
import type { Change, Outcome } from "../../core/types.ts";
import { holds } from "../staging/canonicalise.ts";
import type { BatchDesk } from "./desk.ts";

export interface Exchange {
  readonly start: (signal: AbortSignal) => AsyncIterable<Receipt>;
  /** Changes of the batch that need an outcome. */
  readonly left: readonly Change[];
  readonly attempt: number;
  readonly ticket: string | null;
}

export interface Received {
  /** What ended the answer, if it did not end by itself. */
  readonly failure: unknown;
  /** Changes nothing was said about. */
  readonly unanswered: readonly Change[];
  /** Rejected for now: to be sent again. */
  readonly again: readonly Change[];
  readonly ticket: string | null;
}

/** @param retries whether a rejection that may pass is to be tried again */
export async function listen(
  desk: BatchDesk,
  batch: Batch,
  { start, left, ...exchange }: Exchange,
  retries: boolean,
  signal: AbortSignal,
): Promise<Received> {
  const open = new Map(left.map((change) => [change.key, change]));
  const again: Change[] = [];
  const refused: { readonly change: Change; readonly outcome: Outcome }[] = [];
  const refusalTells = batch.action === "create" && desk.planned.createIsIdempotent === "conflict";
  let { ticket } = exchange;
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
        if (outcome.status === "rejected" && outcome.retry && retries) again.push(change);
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
  return { failure, unanswered: [...open.values()], again, ticket };
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

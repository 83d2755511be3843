/**
 * Loads a run's creates as columns, where the destination can: an accelerator before the ordinary way, which takes over
 * whatever a load refuses or leaves in doubt.
 * @module
 */
import { textSql } from "../core/canonical.ts";
import { RecordError, TransientError } from "../core/errors.ts";
import type { PlannedSync } from "../core/plan.ts";
import { ident } from "../core/sql.ts";
import { changesFrom } from "./changes.ts";
import type { OpenDestination } from "./connections.ts";
import { Status, type SyncProgress } from "./progress.ts";
import type { Ranges } from "./ranges.ts";
import type { Recorder } from "./record.ts";
import type { Staging } from "./staging.ts";

/** Creates in one load: large enough for the system, small enough to be looked at one by one when it is refused. */
const LOAD_RECORDS = 50_000;
/** While the server writes one, the next is on its way. */
const LOADS_AT_ONCE = 2;
/** Below this the ordinary way is as fast. */
const WORTH_IT = 1_000;

export interface LoadInput {
  readonly open: OpenDestination;
  readonly planned: PlannedSync;
  readonly directory: string;
  readonly progress: SyncProgress;
  readonly recorder: Recorder;
  readonly creates: number;
  readonly stop: AbortSignal;
}

export async function loadCreates(staging: Staging, input: LoadInput, signal: AbortSignal): Promise<void> {
  const { open, planned, progress, recorder, creates, stop } = input;
  const { destination, capabilities } = open;
  // Creates come first in apply order; only a run that has not touched them loads them.
  const fresh = progress.status.subarray(0, creates).every((status) => status === Status.waiting);
  if (!destination.load || !capabilities.checksBefore || !planned.idIsKey || creates < WORTH_IT || !fresh) return;
  const { object, matchOn } = planned.sync.destination;
  const columns = Object.keys(planned.types);
  await staging.run("SET preserve_insertion_order = true");
  const chunks = cutLines(staging.textPages(linesSql(planned, input.directory)));
  const one = async (batch: string, range: Ranges, csv: readonly string[]): Promise<void> => {
    await recorder.loading(batch, range);
    const ended = await attempt(() =>
      destination.load?.({ object, matchOn, columns, types: planned.types, csv }, signal),
    );
    // In doubt: it stays as sent, and is settled by reading back.
    if (ended !== "doubt") await recorder.loaded(batch, range, ended === "all");
    if (ended === "doubt" || ended === "never") halted = true;
  };
  let halted = false;
  let failure: unknown;
  let from = 0;
  const inFlight = new Set<Promise<void>>();
  let reading = chunks.next();
  try {
    while (!halted && !stop.aborted) {
      const next = await reading;
      if (next.done || halted || stop.aborted) break;
      reading = chunks.next();
      const { csv, count } = next.value;
      const work = one(`load-${from}`, [[from, from + count - 1]], csv)
        .catch((error: unknown) => {
          halted = true;
          failure ??= error;
        })
        .finally(() => inFlight.delete(work));
      from += count;
      inFlight.add(work);
      if (inFlight.size >= LOADS_AT_ONCE) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
  } finally {
    await Promise.allSettled(inFlight);
    await reading.catch(() => undefined);
    await chunks.return();
  }
  if (failure !== undefined) throw failure;
}

async function attempt(load: () => Promise<boolean> | undefined): Promise<"all" | "refused" | "never" | "doubt"> {
  try {
    return (await load()) ? "all" : "never";
  } catch (error) {
    if (error instanceof RecordError) return "refused";
    // The ordinary way meets the same obstacle, and knows how to wait or to stop.
    if (error instanceof TransientError) return error.unsent ? "never" : "doubt";
    throw error;
  }
}

/**
 * Each create as one line of CSV, made by the staging engine. They come in the file's order, which the engine keeps when
 * it is told to; sorting them would hold back the first until the last is made.
 */
function linesSql(planned: PlannedSync, directory: string): string {
  const cells = Object.entries(planned.types).map(([name, type]) => {
    const text = textSql(`after.${ident(name)}`, type);
    return ["text", "email", "json", "bytes"].includes(type.kind)
      ? `coalesce('"' || replace(${text}, '"', '""') || '"', '')`
      : `coalesce(${text}, '')`;
  });
  return `SELECT ${cells.join(" || ',' || ")} FROM ${changesFrom(directory, planned)} WHERE action = 'create'`;
}

async function* cutLines(
  pages: AsyncIterable<readonly string[]>,
): AsyncGenerator<{ readonly csv: readonly string[]; readonly count: number }, void, undefined> {
  let csv: string[] = [];
  let count = 0;
  for await (const page of pages) {
    csv.push(`${page.join("\n")}\n`);
    count += page.length;
    if (count >= LOAD_RECORDS) {
      yield { csv, count };
      csv = [];
      count = 0;
    }
  }
  if (count > 0) yield { csv, count };
}

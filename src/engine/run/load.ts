/**
 * Loads a run's creates as columns, where the destination can: an accelerator before the ordinary way, which takes over
 * whatever a load refuses or leaves in doubt.
 * @module
 */
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { textSql } from "../../core/canonical.ts";
import { RecordError, TransientError } from "../../core/errors.ts";
import type { PlannedSync } from "../../core/plan.ts";
import { ident, literal } from "../../core/sql.ts";
import type { OpenDestination } from "../connect/connections.ts";
import { changesFrom } from "../diff/changes.ts";
import type { Staging } from "../staging/staging.ts";
import { Status, type SyncProgress } from "./progress.ts";
import type { Ranges } from "./ranges.ts";
import type { Recorder } from "./record.ts";

/** Creates in one load: large enough for the system, small enough to be looked at one by one when it is refused. */
const LOAD_RECORDS = 50_000;
/** Creates the staging engine writes out at once: enough for all its threads. */
const FILE_RECORDS = 250_000;
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
  readonly stop: AbortSignal;
}

export async function loadCreates(staging: Staging, input: LoadInput, signal: AbortSignal): Promise<void> {
  const { open, planned, progress, recorder, stop } = input;
  const creates = planned.counts.create;
  const { destination, capabilities } = open;
  // Creates come first in apply order; only a run that has not touched them loads them.
  const fresh = progress.status.subarray(0, creates).every((status) => status === Status.waiting);
  if (!destination.load || !capabilities.checksBefore || !planned.idIsKey || creates < WORTH_IT || !fresh) return;
  const { object, matchOn } = planned.sync.destination;
  const columns = Object.keys(planned.types);
  const chunks = cutLoads(staging, planned, input.directory, creates);
  const one = async (batch: string, range: Ranges, csv: readonly Uint8Array[]): Promise<void> => {
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

interface Chunk {
  readonly csv: readonly Uint8Array[];
  readonly count: number;
}

/**
 * The creates as CSV of at most so many lines. The staging engine writes them to files, some loads in each, in the order
 * of the changes, which it keeps when it is told to; so no value becomes a JavaScript string.
 */
async function* cutLoads(
  staging: Staging,
  planned: PlannedSync,
  directory: string,
  creates: number,
): AsyncGenerator<Chunk, void, undefined> {
  await staging.run("SET preserve_insertion_order = true");
  const text = Object.entries(planned.types).flatMap(([name, { kind }]) =>
    ["text", "email", "json"].includes(kind) ? [ident(name)] : [],
  );
  const quoted = text.length > 0 ? `, FORCE_QUOTE (${text.join(", ")})` : "";
  const cells = Object.entries(planned.types).map(
    ([name, type]) => `${textSql(`after.${ident(name)}`, type)} AS ${ident(name)}`,
  );
  const write = async (from: number): Promise<string | undefined> => {
    if (from >= creates) return undefined;
    const file = join(staging.directory, `load-${from}.csv`);
    const rows = `SELECT ${cells.join(", ")} FROM ${changesFrom(directory, planned)} WHERE n BETWEEN ${from} AND ${from + FILE_RECORDS - 1} AND action = 'create'`;
    await staging.run(`COPY (${rows}) TO ${literal(file)} (FORMAT csv, HEADER false${quoted})`);
    return file;
  };
  // The next file is written while this one is on its way.
  let writing = write(0);
  try {
    for (let from = FILE_RECORDS; ; from += FILE_RECORDS) {
      const file = await writing;
      if (file === undefined) return;
      writing = write(from);
      writing.catch(() => undefined);
      yield* cutLines(createReadStream(file, { highWaterMark: 1 << 20 }), LOAD_RECORDS);
      await rm(file);
    }
  } finally {
    await writing.catch(() => undefined);
  }
}

const quote = 0x22;
const newline = 0x0a;

/** Cuts CSV after every so many records. A line break inside quotes ends none. */
export async function* cutLines(
  bytes: AsyncIterable<Uint8Array>,
  records: number,
): AsyncGenerator<Chunk, void, undefined> {
  let csv: Uint8Array[] = [];
  let count = 0;
  let quoted = false;
  for await (const piece of bytes) {
    let start = 0;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at];
      if (byte === quote) quoted = !quoted;
      else if (byte === newline && !quoted && ++count === records) {
        yield { csv: [...csv, piece.subarray(start, at + 1)], count };
        start = at + 1;
        csv = [];
        count = 0;
      }
    }
    if (start < piece.length) csv.push(piece.subarray(start));
  }
  if (count > 0) yield { csv, count };
}

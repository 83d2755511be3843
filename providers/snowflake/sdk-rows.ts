/** Rows out of the driver's stream, by columns. @module */
import type { Readable } from "node:stream";
import type { RowStatement } from "snowflake-sdk";
import type { ResultColumn, TextColumns } from "./driver.ts";
import { damaged } from "./errors.ts";

const rowsInBatch = 4_096;

type Row = readonly (string | null)[];

/** Yields all rows; rejects when the stream ends before the result does. */
export async function* readBatches(
  statement: RowStatement,
  width: number,
  signal: AbortSignal,
): AsyncGenerator<TextColumns> {
  let seen = 0;
  for await (const rows of readPages(statement.streamRows(), signal)) {
    seen += rows.length;
    yield Array.from({ length: width }, (_, i) => rows.map((row) => row[i] ?? null));
  }
  expectAll(seen, statement.getNumRows());
}

function expectAll(seen: number, expected: number | undefined): void {
  if (seen !== expected) throw damaged(`${seen} of ${expected} rows came`);
}

/** Rows of a small result, all of them: cells that the driver has made something else of are written as text again. */
export async function readRows(
  statement: RowStatement,
  columns: readonly ResultColumn[],
  signal: AbortSignal,
): Promise<readonly Readonly<Record<string, string | null>>[]> {
  const all: Row[] = [];
  for await (const rows of readPages(statement.streamRows(), signal)) all.push(...rows);
  expectAll(all.length, statement.getNumRows() ?? 0);
  const text = (cell: unknown) => (cell === null || cell === undefined ? null : String(cell));
  return all.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, text(row[i])])));
}

async function* readPages(stream: Readable, signal: AbortSignal): AsyncGenerator<readonly Row[]> {
  let failure: { readonly error: unknown } | undefined;
  let ended = false;
  let wake: () => void = () => undefined;
  const changed = () => wake();
  const fail = (error: unknown) => {
    failure ??= { error };
    changed();
  };
  const abort = () => fail(signal.reason);
  stream.on("readable", changed).on("error", fail);
  stream.on("end", () => {
    ended = true;
    changed();
  });
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    for (;;) {
      if (failure) throw failure.error;
      const page: Row[] = [];
      while (page.length < rowsInBatch) {
        const row = stream.read() as Row | null;
        if (row === null) break;
        page.push(row);
      }
      if (page.length > 0) yield page;
      else if (ended) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (failure || ended || stream.readableLength > 0) resolve();
        });
    }
  } finally {
    signal.removeEventListener("abort", abort);
    // What the driver still says after this is of no interest, but must not be an unhandled error.
    stream.removeAllListeners("readable").on("error", () => undefined);
    stream.destroy();
  }
}

/** How rows leave the staging engine. @module */
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance, DuckDBMaterializedResult } from "@duckdb/node-api";
import { ConfigError } from "../../core/errors.ts";
import { createTurns } from "../../core/turns.ts";
import type { Gate } from "./gate.ts";
import type { Staging } from "./staging.ts";

/** Of a page of texts: about so many bytes, and no more texts than these. */
const PAGE_BYTES = 2_000_000;
const PAGE_TEXTS = 10_000;

/** What of {@link Staging} reads. */
export interface Reading extends Pick<Staging, "textPages" | "numbers" | "numberedTexts"> {
  /** Ends every stream; the gate is closed before. */
  end(): void;
}

/** @param reached statements that make a source's relations reachable, run before every stream */
export function createReading(instance: DuckDBInstance, reached: readonly string[], gate: Gate): Reading {
  const streams = new Set<DuckDBConnection>();
  const { held } = gate;
  async function* chunks(sql: string): AsyncIterable<DuckDBDataChunk> {
    // A connection of its own: any other statement on the same one would end the stream.
    const own = await held(async () => {
      const made = await instance.connect();
      streams.add(made);
      return made;
    });
    try {
      for (const statement of reached) await held(() => own.run(statement));
      // A stream that breaks in the middle ends like any other: only the number of rows tells.
      const count = await held(() => own.runAndReadAll(`SELECT count(*) FROM (${sql})`));
      const expected = Number(count.value(0, 0));
      const result = await held(() => own.stream(sql));
      let seen = 0;
      for (;;) {
        const chunk = await held(() => result.fetchChunk());
        if (!chunk || chunk.rowCount === 0) break;
        seen += chunk.rowCount;
        yield chunk;
      }
      if (seen !== expected) throw new Error(`the engine gave ${seen} of ${expected} rows`);
    } finally {
      if (streams.delete(own)) own.closeSync();
    }
  }
  // A connection of its own, so that what is read does not wait for what is made.
  let reader: Promise<DuckDBConnection> | undefined;
  const inReadersTurn = createTurns();
  const beside = <T>(sql: string, take: (found: DuckDBMaterializedResult) => T) =>
    inReadersTurn(() =>
      held(async () => {
        reader ??= instance.connect();
        const own = await reader;
        streams.add(own);
        return take(await own.run(sql).catch(told));
      }),
    );

  return {
    async *textPages(sql) {
      for await (const chunk of chunks(sql)) yield chunk.getColumnValues(0) as string[];
    },
    numbers: (sql, each) =>
      beside(sql, (found) => {
        // Without waiting in between: that takes longer than most queries that make them.
        for (let c = 0; c < found.chunkCount; c++) {
          const chunk = found.getChunk(c);
          each(Array.from({ length: found.columnCount }, (_, i) => integers(chunk, i)));
        }
      }),
    async *numberedTexts(from, rows) {
      if (rows === 0) return;
      const bytes = await beside(`SELECT coalesce(sum(strlen(text)), 0)::DOUBLE FROM ${from}`, (found) =>
        Number(found.getChunk(0).getColumnValues(0)[0]),
      );
      const most = Math.floor((rows * PAGE_BYTES) / Math.max(1, bytes));
      const page = Math.max(1, Math.min(PAGE_TEXTS, most));
      // As one text: the engine's binding makes a call for each of them otherwise.
      const texts = `SELECT list(number), CAST(to_json(list(text)) AS VARCHAR) FROM ${from}`;
      for (let at = 0; at < rows; at += page)
        yield beside(`${texts} WHERE place >= ${at} AND place < ${at + page}`, (found) => {
          const chunk = found.getChunk(0);
          return { numbers: listed(chunk, 0), texts: JSON.parse(String(chunk.getColumnValues(1)[0])) ?? [] };
        });
    },
    end() {
      for (const own of streams) own.closeSync();
      streams.clear();
    },
  };
}

/** As the chunk holds them, and only as long as it does: to have them one by one costs more than most queries that make them. */
function integers(chunk: DuckDBDataChunk, column: number): Int32Array {
  const { items } = chunk.getColumnVector(column) as unknown as { readonly items?: unknown };
  return items instanceof Int32Array ? items : Int32Array.from(chunk.getColumnValues(column) as number[]);
}

/** The numbers of the one list of a column. */
function listed(chunk: DuckDBDataChunk, column: number): Int32Array {
  const { childData } = chunk.getColumnVector(column) as unknown as {
    readonly childData?: { readonly items?: unknown };
  };
  // Copied: they are the engine's own, and gone with the chunk.
  return childData?.items instanceof Int32Array ? childData.items.slice() : new Int32Array();
}

/** Throws what went wrong, in words of our own where the disk is full. */
export function told(error: unknown): never {
  throw fullDisk(error) ?? error;
}

/** The engine's own words for a file it could not write; they name the path and no value. */
function fullDisk(cause: unknown): ConfigError | undefined {
  const words = cause instanceof Error ? cause.message : "";
  const [said] = /No space left on device|Read-only file system|Input\/output error/.exec(words) ?? [];
  if (!said || !/^(IO|Out of Memory) Error/.test(words)) return undefined;
  const [path = "a file"] = /(?<=file "?)\/[^"\s:]+/.exec(words) ?? [];
  return new ConfigError("STATE_UNWRITABLE", `${path}: ${said}`, { cause });
}

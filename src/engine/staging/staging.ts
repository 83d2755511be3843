/**
 * The staging engine: an embedded DuckDB that spills to disk, in which both sides of a diff meet as columns.
 * Its own tables are always named in full (`staging.main.…`), since a source may change the search path.
 * @module
 */
import { availableParallelism } from "node:os";
import type { DuckDBAppender, DuckDBConnection } from "@duckdb/node-api";
import { loadDuckdb } from "../../connector/duckdb.ts";
import { ident } from "../../core/sql.ts";
import { createTurns } from "../../core/turns.ts";
import { createGate } from "./gate.ts";
import { closeInstance, openInstance } from "./instances.ts";
import { createReading, told } from "./reading.ts";

export type Row = Readonly<Record<string, unknown>>;

export interface Staging {
  /** Folder for this staging's files. */
  readonly directory: string;
  /** Version of the engine; hashes of different versions are not compared. */
  readonly version: string;
  run(sql: string): Promise<void>;
  /** Creates `staging.main.<name>` of what a query finds, and answers how many rows that is. */
  make(name: string, query: string): Promise<number>;
  /** About so many rows are looked at from now on: few of them are not worth waking another thread for. */
  expect(rows: number): Promise<void>;
  /** Statements that make a source's relation reachable, run now and for every stream. */
  reach(statements: readonly string[]): Promise<void>;
  /** Gives a variable of the session a value that stands in no SQL text; null takes it away. */
  setVariable(name: string, value: Uint8Array | null): Promise<void>;
  /** Rows as JSON objects; big integers are text. For small answers. */
  rows<T extends Row>(sql: string): Promise<readonly T[]>;
  /** The one row of an aggregate. */
  row<T extends Row>(sql: string): Promise<T>;
  /** One column of text, streamed. */
  text(sql: string): AsyncIterable<string>;
  /** The same in pages of some thousand. */
  textPages(sql: string): AsyncIterable<readonly string[]>;
  /**
   * Gives `each` the columns of 32-bit whole numbers that are not null, of staging tables, some thousand rows at a time. The
   * lists are the engine's own, and hold only until `each` returns. Other statements may run beside it.
   */
  numbers(sql: string, each: (columns: readonly Int32Array[]) => void): Promise<void>;
  /**
   * A column of such numbers, `number`, and one of text, `text`, in pages of a size that fits into memory.
   *
   * @param from relation of so many rows, with their `place` from 0
   */
  numberedTexts(from: string, rows: number): AsyncIterable<NumberedTexts>;
  /** Names and types of a query's columns. */
  describe(sql: string): Promise<readonly { readonly name: string; readonly type: string }[]>;
  /** Creates `staging.main.<table>` of text columns and fills it. */
  loadText(table: string, columns: readonly string[], batches: AsyncIterable<TextColumns>): Promise<number>;
  /** Ends every stream once what it is at is done; who goes on reading or asking is refused. */
  close(): Promise<void>;
}

export interface NumberedTexts {
  readonly numbers: Int32Array;
  readonly texts: readonly string[];
}

/** Columns of text of equal length, in the order of the table's columns. */
export type TextColumns = readonly (readonly (string | null)[])[];

const PAGE_ROWS = 20_000;
const FEW_ROWS = 20_000;

/** Rows of so many texts as pages of columns, for {@link Staging.loadText}. */
export async function* columnPages(
  width: number,
  rows: Iterable<readonly (string | null)[]>,
): AsyncIterable<TextColumns> {
  const empty = () => Array.from({ length: width }, (): (string | null)[] => []);
  let page = empty();
  for (const row of rows) {
    page.forEach((column, i) => {
      column.push(row[i] ?? null);
    });
    if (page[0]?.length === PAGE_ROWS) {
      yield page;
      page = empty();
    }
  }
  yield page;
}

export interface StagingLimits {
  /** DuckDB's memory limit in megabytes (default 600): it spills beyond. */
  readonly memoryMb?: number | undefined;
  /** Threads it computes with (default: one for each processor, at least two). */
  readonly threads?: number | undefined;
}

export interface StagingOptions extends StagingLimits {
  readonly directory: string;
}

/** Qualified name of a staging table. */
export function table(name: string): string {
  return `staging.main.${ident(name)}`;
}

export async function openStaging({
  directory,
  memoryMb = 600,
  threads: most = Math.max(2, availableParallelism()),
}: StagingOptions): Promise<Staging> {
  const duckdb = loadDuckdb();
  const opened = await openInstance({ memoryMb, threads: most });
  const { instance, connection } = opened;

  const reached: string[] = [];
  // One statement at a time: batches in flight beside each other share this connection.
  const inTurn = createTurns();
  const gate = createGate();
  const whileOpen = <T>(call: () => Promise<T>) => inTurn(() => gate.held(call));
  const run = (sql: string) =>
    whileOpen(async () => {
      await connection.run(sql).catch(told);
    });
  const rows = <T extends Row>(sql: string) =>
    whileOpen(async () => {
      const found = await connection.runAndReadAll(sql).catch(told);
      return found.getRowObjectsJson() as unknown as readonly T[];
    });
  const row = async <T extends Row>(sql: string) => (await rows<T>(sql))[0] as T;
  let threads = most;
  const reading = createReading(instance, reached, gate);

  return {
    directory,
    version: duckdb.version(),
    rows,
    run,
    row,
    async make(name, query) {
      const { Count } = await row<{ Count: string }>(`CREATE OR REPLACE TABLE ${table(name)} AS ${query}`);
      return Number(Count);
    },
    async expect(count) {
      const wanted = count > FEW_ROWS ? most : 1;
      if (wanted === threads) return;
      threads = wanted;
      await run(`SET GLOBAL threads = ${threads}`);
    },
    async reach(statements) {
      for (const statement of statements) await run(statement);
      reached.push(...statements);
    },
    setVariable: (name, value) =>
      whileOpen(async () => {
        if (value === null) await connection.run(`RESET VARIABLE ${ident(name)}`);
        else await connection.run(`SET VARIABLE ${ident(name)} = $1`, [duckdb.blobValue(value)]);
      }),
    textPages: reading.textPages,
    async *text(sql) {
      for await (const page of reading.textPages(sql)) yield* page;
    },
    numbers: reading.numbers,
    numberedTexts: reading.numberedTexts,
    async describe(sql) {
      const found = await rows<{ column_name: string; column_type: string }>(`DESCRIBE ${sql}`);
      return found.map(({ column_name, column_type }) => ({ name: column_name, type: column_type }));
    },
    async loadText(name, columns, batches) {
      await run(`CREATE OR REPLACE TABLE ${table(name)} (${columns.map((c) => `${ident(c)} VARCHAR`).join(", ")})`);
      // A connection of its own: an appender cannot share one with other statements.
      let own: DuckDBConnection | undefined;
      let appender: DuckDBAppender | undefined;
      const types = columns.map(() => duckdb.VARCHAR);
      let count = 0;
      try {
        for await (const batch of batches) {
          const length = batch[0]?.length ?? 0;
          if (length === 0) continue;
          own ??= await instance.connect();
          appender ??= await own.createAppender(name, "main", "staging");
          for (let from = 0; from < length; from += 2048) {
            const chunk = duckdb.DuckDBDataChunk.create(types, Math.min(2048, length - from));
            batch.forEach((values, i) => {
              chunk.setColumnValues(i, values.slice(from, from + 2048));
            });
            appender.appendDataChunk(chunk);
          }
          count += length;
        }
        appender?.closeSync();
        return count;
      } finally {
        own?.closeSync();
      }
    },
    async close() {
      await gate.close();
      reading.end();
      await inTurn(() => closeInstance(opened));
    },
  };
}

import type { DuckDBConnection } from "@duckdb/node-api";
import { canonicalJson, loadDuckdb } from "../../src/connector/index.ts";

/** A value of a result, as DuckDB writes it in JSON. */
export type Cell = string | number | boolean | null | readonly Cell[];
/** One row of a result, by column name. */
export type Row = Readonly<Record<string, Cell>>;

/** One connection to one engine of its own. */
export interface Session {
  /** Runs a statement with bound values and returns its rows. */
  rows(sql: string, values: readonly string[], signal: AbortSignal): Promise<readonly Row[]>;
  /** Runs a statement and yields its rows in pages of some thousands. */
  pages(sql: string, signal: AbortSignal): AsyncIterable<readonly Row[]>;
  /** The engine's own connection, for what only it can do. */
  readonly connection: DuckDBConnection;
  /** Ends the connection and releases every file and lock. */
  close(): void;
}

/** Loads DuckDB and opens `path`, a database file or `:memory:`. */
export async function openSession(path: string, mode: "read" | "write"): Promise<Session> {
  const duckdb = loadDuckdb();
  const instance = await duckdb.DuckDBInstance.create(path, {
    access_mode: mode === "read" && path !== ":memory:" ? "READ_ONLY" : "READ_WRITE",
    // A missing extension must fail at once instead of being fetched from the internet.
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    memory_limit: "1GB",
    threads: "2",
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  connection.registerScalarFunction(
    duckdb.DuckDBScalarFunction.create({
      name: "ebb_json",
      parameterTypes: [duckdb.VARCHAR],
      returnType: duckdb.VARCHAR,
      mainFunction(_info, input, output) {
        const texts = input.getColumnVector(0);
        for (let row = 0; row < input.rowCount; row++) output.setItem(row, jsonOf(texts.getItem(row)));
        output.flush();
      },
    }),
  );

  const interruptible = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const interrupt = () => connection.interrupt();
    signal.addEventListener("abort", interrupt, { once: true });
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", interrupt);
    }
  };

  return {
    connection,
    rows: (sql, values, signal) =>
      interruptible(
        signal,
        async () => (await connection.runAndReadAll(sql, [...values])).getRowObjectsJson() as readonly Row[],
      ),
    async *pages(sql, signal) {
      const result = await interruptible(signal, () => connection.stream(sql));
      for await (const page of result.yieldRowObjectJson()) {
        signal.throwIfAborted();
        yield page as readonly Row[];
      }
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

function jsonOf(text: unknown): string | null {
  return typeof text === "string" ? canonicalJson(text) : null;
}

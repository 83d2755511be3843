import { basename } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { giveBack, ident, literal, TransientError, takeInstance } from "../../src/connector/index.ts";

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
  close(): Promise<void>;
}

/** Opens a database file, or with null the engine alone. */
export async function openSession(path: string | null, mode: "read" | "write"): Promise<Session> {
  const taken = await takeInstance("duckdb", () => ({
    autoload_known_extensions: "false",
    memory_limit: "1GB",
    threads: "2",
  }));
  const { connection } = taken;
  try {
    if (path !== null) {
      const catalog = ident(catalogOf(path));
      const access = mode === "read" ? "READ_ONLY" : "READ_WRITE";
      await connection.run(`ATTACH ${literal(path)} AS ${catalog} (TYPE duckdb, ${access})`);
      await connection.run(`USE ${catalog}`);
    }
    await connection.run("SET TimeZone = 'UTC'");
  } catch (error) {
    await giveBack(taken);
    throw error;
  }

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
      // A stream that breaks in the middle ends like any other: only the number of rows tells.
      const count = await interruptible(signal, () => connection.runAndReadAll(`SELECT count(*) FROM (${sql})`));
      const expected = Number(count.value(0, 0));
      const result = await interruptible(signal, () => connection.stream(sql));
      let seen = 0;
      for await (const page of result.yieldRowObjectJson()) {
        signal.throwIfAborted();
        seen += page.length;
        yield page as readonly Row[];
      }
      signal.throwIfAborted();
      if (seen !== expected) throw new TransientError("ANSWER_INVALID", `${seen} of ${expected} rows came`);
    },
    close: () => giveBack(taken),
  };
}

/** The name DuckDB itself gives a database whose file it opens: what is kept in the file may say it. */
function catalogOf(path: string): string {
  const [stem = ""] = basename(path).split(".");
  return ["", "memory", "system", "temp"].includes(stem) ? `${stem}_file` : stem;
}

/** The one seam between Ebb and PostgreSQL, on a server (`server-client.ts`) or embedded (`embedded-client.ts`). @module */
import { ConfigError, type Context } from "../../src/connector/index.ts";
import type { PostgresOptions } from "./index.ts";

/** One row; every query casts its columns to text, so that no driver's number or date type loses anything. */
export type Row = Readonly<Record<string, string | null>>;

/** A column of a result, as the server's row description names it. */
export interface ResultColumn {
  readonly name: string;
  /** Object identifier of the type; a domain has its base type's. */
  readonly type: number;
  /** Type modifier, -1 when there is none. */
  readonly modifier: number;
}

/** A bound value: text, or an array of texts. */
export type Bound = string | null | readonly (string | null)[];

export interface Result {
  readonly rows: readonly Row[];
  /** Rows written. */
  readonly count: number;
}

/** What can be done inside a transaction. */
export interface Transaction {
  query(sql: string, values?: readonly Bound[]): Promise<Result>;
  /** Puts COPY data into a table or a list of columns: `"t" ("a", "b")`. */
  copyIn(target: string, chunks: readonly (string | Uint8Array)[], format?: "text" | "csv"): Promise<void>;
}

/** Errors come as the driver throws them; `errors.ts` says what they mean. */
export interface Client {
  /** Where it is, without secrets. */
  readonly address: string;
  query(sql: string, values: readonly Bound[], signal: AbortSignal): Promise<Result>;
  /** Columns of a query that must be one statement, without running it. */
  describe(sql: string, signal: AbortSignal): Promise<readonly ResultColumn[]>;
  /** Bytes of `COPY (…) TO STDOUT`, read in one read-only snapshot. */
  copyOut(sql: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Commits when `work` resolves, rolls back when it rejects. An error before the commit says `unsent`. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, signal: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

/** Statements every connection starts with: one way to write each value. */
export const sessionSettings = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET extra_float_digits = 3";

/** Opens the client that the options ask for; the driver is loaded here. */
export async function openClient(options: PostgresOptions, context: Context): Promise<Client> {
  const given = [options.url, options.host, options.embedded].filter((option) => option !== undefined);
  if (given.length !== 1)
    throw new ConfigError("CONFIG_INVALID", `${context.connection}: give one of url, host and embedded`);
  if (options.embedded === undefined) return (await import("./server-client.ts")).openServer(options, context);
  return (await import("./embedded-client.ts")).openEmbedded(context.path(options.embedded), context);
}

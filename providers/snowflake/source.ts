import {
  type ColumnBatch,
  ConfigError,
  type Context,
  type Extract,
  ident,
  type Query,
  type Source,
  suggest,
} from "../../src/connector/index.ts";
import type { Driver, Result, ResultColumn, StatementOptions } from "./driver.ts";
import { meaningOf } from "./errors.ts";
import { examine } from "./examine.ts";
import type { SnowflakeOptions } from "./index.ts";
import { changedQuery, recordMarks } from "./pushdown.ts";
import { columnsOf, describeSql, extractSql, textOf } from "./query.ts";
import { openSdkDriver } from "./sdk-driver.ts";
import { unload } from "./unload.ts";

/** Opens an account to read from. Rows are those of one statement, and so of one moment. */
export async function openSource(options: SnowflakeOptions, context: Context): Promise<Source> {
  const driver = translated(openSdkDriver(options, context), context.connection);

  const describe = async (query: Query, signal: AbortSignal): Promise<{ sql: string; described: Result }> => {
    const sql = textOf(query, context.connection);
    try {
      const described = await driver.execute(describeSql(sql), { label: query.label, describeOnly: true }, signal);
      return { sql, described };
    } catch (error) {
      throw await helped(error, driver, context, signal);
    }
  };

  const fetched = async (
    sql: string,
    described: readonly ResultColumn[],
    label: string | undefined,
    signal: AbortSignal,
  ): Promise<Extract> => {
    const columns = columnsOf(described, context.connection);
    const result = await driver.execute(extractSql(sql, described), { label }, signal);
    if (result.rowCount > options.largeResultRows)
      try {
        return await unload(driver, result, columns, context, label, signal);
      } catch {
        // The role may not write to its stage, or the files cannot be fetched here: the rows are there all the same.
        signal.throwIfAborted();
      }
    async function* batches(): AsyncIterable<ColumnBatch> {
      for await (const values of result.batches(signal))
        yield Object.fromEntries(columns.map(({ name }, i) => [name, values[i] ?? []]));
    }
    return { kind: "text", columns, batches: batches() };
  };

  return {
    async describe(query, signal) {
      return columnsOf((await describe(query, signal)).described.columns, context.connection);
    },
    async extract(query, signal) {
      const { sql, described } = await describe(query, signal);
      return fetched(sql, described.columns, query.label, signal);
    },
    pushdown: {
      async changes(request, signal) {
        const { sql, described } = await describe(request.query, signal);
        const names = columnsOf(described.columns, context.connection).map(({ name }) => name);
        const changed = await changedQuery(driver, sql, described.columns, names, request, signal);
        return fetched(changed.sql, changed.columns, request.query.label, signal);
      },
      record: (request, signal) => recordMarks(driver, context, request, signal),
    },
    examine: (signal) => examine(driver, options, signal),
    close: () => driver.close(),
  };
}

/** The driver with errors that say what they mean. */
function translated(driver: Driver, connection: string): Driver {
  async function* batches(result: Result, signal: AbortSignal) {
    try {
      yield* result.batches(signal);
    } catch (error) {
      signal.throwIfAborted();
      throw meaningOf(error, connection);
    }
  }
  return {
    async execute(sql: string, statement: StatementOptions, signal: AbortSignal) {
      try {
        const result = await driver.execute(sql, statement, signal);
        return { ...result, batches: (until: AbortSignal) => batches(result, until) };
      } catch (error) {
        signal.throwIfAborted();
        throw meaningOf(error, connection);
      }
    },
    close: () => driver.close(),
  };
}

/** An unknown table, with the name it may have been. */
async function helped(error: unknown, driver: Driver, context: Context, signal: AbortSignal): Promise<unknown> {
  const missing = /Object '(.+?)' does not exist or not authorized/.exec(
    error instanceof Error ? error.message : "",
  )?.[1];
  if (missing === undefined) return error;
  const parts = missing.replaceAll('"', "").split(".");
  const schema = parts.slice(0, -1).map(ident);
  const place = schema.length === 0 ? "" : ` IN SCHEMA ${schema.join(".")}`;
  const known = await driver
    .execute(`SHOW TERSE OBJECTS${place} LIMIT 1000`, {}, signal)
    .then((result) => result.rows(signal))
    .catch(() => []);
  const names = known.flatMap(({ name }) => (name ? [name.toLowerCase()] : []));
  const name = (parts.at(-1) ?? missing).toLowerCase();
  return new ConfigError(
    "SOURCE_FAILED",
    `${context.connection}: no table or view "${missing}" that the role may read: ${suggest(name, names)}`,
  );
}

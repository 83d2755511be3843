import type { Connection, RowStatement } from "snowflake-sdk";
import { ConfigError, type Context } from "../../src/connector/index.ts";
import type { Driver, Result, ResultColumn, StatementOptions } from "./driver.ts";
import { loginMeaning, sessionEnded } from "./errors.ts";
import type { SnowflakeOptions } from "./index.ts";
import { loginOptions } from "./login.ts";
import { loadSdk } from "./sdk.ts";
import { readBatches, readRows } from "./sdk-rows.ts";

/** Rows the driver holds ready; its own default of 10 is slow. */
const rowsAhead = 2_000;

/** Statements every session starts with: one way to write each value, and one to compute with dates. */
function sessionSettings({ timeoutSeconds }: SnowflakeOptions): string {
  const timeout = timeoutSeconds === undefined ? "" : ` STATEMENT_TIMEOUT_IN_SECONDS = ${timeoutSeconds}`;
  return `ALTER SESSION SET TIMEZONE = 'UTC' STRICT_JSON_OUTPUT = TRUE BINARY_OUTPUT_FORMAT = 'HEX' GEOGRAPHY_OUTPUT_FORMAT = 'GeoJSON' GEOMETRY_OUTPUT_FORMAT = 'GeoJSON'${timeout}`;
}

/** Opens one session, when it is first needed, and again when the server has ended it. */
export function openSdkDriver(options: SnowflakeOptions, context: Context): Driver {
  let opening: Promise<Connection> | undefined;

  const open = async (signal: AbortSignal): Promise<Connection> => {
    const sdk = await loadSdk();
    const { account, role, warehouse, database, schema, baseUrl } = options;
    const place = { role, warehouse, database, schema, accessUrl: baseUrl?.replace(/\/$/, "") };
    const given = Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined));
    const login = loginOptions(options, context);
    let connection: Connection;
    try {
      connection = sdk.createConnection({
        account,
        ...given,
        ...login,
        application: "Ebb",
        rowMode: "array",
        rowStreamHighWaterMark: rowsAhead,
        resultPrefetch: 2,
        sfRetryMaxLoginRetries: 3,
      });
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      throw new ConfigError("CONFIG_INVALID", `${context.connection}: ${words}`);
    }
    try {
      await aborted(signal, (done, failed) => {
        connection.connect((error) => (error ? failed(error) : done(undefined)));
      });
    } catch (error) {
      signal.throwIfAborted();
      throw loginMeaning(error, context.connection);
    }
    await run(connection, sessionSettings(options), { label: "ebb" }, signal);
    return connection;
  };
  const connected = async (signal: AbortSignal): Promise<Connection> => {
    opening ??= open(signal);
    const current = opening;
    try {
      const connection = await current;
      if (connection.isUp()) return connection;
    } catch (error) {
      // A refused login is not tried again by itself: that locks accounts.
      if (opening === current) opening = undefined;
      throw error;
    }
    if (opening === current) opening = undefined;
    return connected(signal);
  };

  return {
    async execute(sql, statement, signal) {
      signal.throwIfAborted();
      const connection = await connected(signal);
      try {
        return await run(connection, sql, statement, signal);
      } catch (error) {
        if (!sessionEnded(error)) throw error;
        // The server has forgotten the session, so the statement has not run: log in anew, once.
        opening = undefined;
        return run(await connected(signal), sql, statement, signal);
      }
    },
    async close() {
      const connection = await opening?.catch(() => undefined);
      opening = undefined;
      if (connection?.isUp()) await new Promise<void>((done) => connection.destroy(() => done()));
    },
  };
}

async function run(
  connection: Connection,
  sqlText: string,
  { label, describeOnly = false, binds }: StatementOptions,
  signal: AbortSignal,
): Promise<Result> {
  let sent: RowStatement | undefined;
  const cancel = () => sent?.cancel(() => undefined);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const statement = await aborted<RowStatement>(signal, (done, failed) => {
      sent = connection.execute({
        sqlText,
        streamResult: true,
        rowMode: "array",
        describeOnly,
        ...(binds === undefined ? {} : { binds }),
        ...(label === undefined ? {} : { parameters: { QUERY_TAG: label } }),
        complete: (error, finished) => (error ? failed(error) : done(finished)),
      });
    });
    return resultOf(statement);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function resultOf(statement: RowStatement): Result {
  const columns = (statement.getColumns() ?? []).map(
    (column): ResultColumn => ({
      name: column.getName(),
      type: column.getType().toLowerCase(),
      precision: column.getPrecision() ?? null,
      scale: column.getScale() ?? null,
    }),
  );
  return {
    queryId: statement.getQueryId(),
    columns,
    rowCount: statement.getNumRows() ?? 0,
    batches: (signal) => readBatches(statement, columns.length, signal),
    rows: (signal) => readRows(statement, columns, signal),
  };
}

/** A callback's end as a promise that an aborted signal also ends. */
function aborted<T>(
  signal: AbortSignal,
  start: (done: (value: T) => void, failed: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    const end = () => signal.removeEventListener("abort", abort);
    start(
      (value) => {
        end();
        resolve(value);
      },
      (error) => {
        end();
        reject(error);
      },
    );
  });
}

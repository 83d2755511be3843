import { type Context, type Destination, ident } from "../../src/connector/index.ts";
import { openClient } from "./client.ts";
import { tableError } from "./errors.ts";
import type { PostgresOptions } from "./index.ts";
import { loadRows } from "./load.ts";
import { csvExtract } from "./query.ts";
import { readRows } from "./read.ts";
import { columnIn, readTable, type Table } from "./table.ts";
import { writeBatch } from "./write.ts";

/** Opens a database to keep records in its tables. */
export async function openDestination(options: PostgresOptions, context: Context): Promise<Destination> {
  const client = await openClient(options, context);
  const { connection } = context;
  const tables = new Map<string, Promise<Table>>();

  const describeTable = (object: string, signal: AbortSignal) =>
    readTable(client, object, options.schema ?? "public", connection, signal);
  const tableOf = (object: string, signal: AbortSignal): Promise<Table> => {
    const reading = tables.get(object) ?? describeTable(object, signal);
    tables.set(object, reading);
    return reading.catch((error: unknown) => {
      tables.delete(object);
      throw error;
    });
  };
  const translated = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw tableError(error, connection);
    }
  };

  return {
    account: (signal) =>
      translated(async () => {
        const database = await client.query("SELECT current_database()::text AS name", [], signal);
        // A managed server may keep its identifier to itself; then its address has to do.
        const cluster = await client
          .query("SELECT system_identifier::text AS id FROM pg_control_system()", [], signal)
          .catch(() => undefined);
        return `postgres:${cluster?.rows[0]?.id ?? client.address}/${database.rows[0]?.name}`;
      }),

    describe: (object, signal) => translated(async () => (await describeTable(object, signal)).description),

    async *read(request, signal) {
      try {
        yield* readRows(client, await tableOf(request.object, signal), request, connection, signal);
      } catch (error) {
        throw tableError(error, connection);
      }
    },

    extract: (object, fields, signal) =>
      translated(async () => {
        const table = await tableOf(object, signal);
        const columns = fields.map((name) => `t.${ident(columnIn(table, name, connection).name)}`);
        const failed = (error: unknown) => tableError(error, connection);
        return await csvExtract(client, `SELECT ${columns.join(", ")} FROM ${table.sql} t`, failed, signal);
      }),

    async *write(batch, signal) {
      const outcomes = await translated(async () =>
        writeBatch(client, await tableOf(batch.object, signal), batch, connection, signal),
      );
      yield { outcomes };
    },

    load: (load, signal) =>
      translated(async () => loadRows(client, await tableOf(load.object, signal), load, connection, signal)),

    close: () => client.close(),
  };
}

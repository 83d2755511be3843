import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, type Context, type Destination } from "../../src/connector/index.ts";
import { tableError } from "./errors.ts";
import type { DuckdbOptions } from "./index.ts";
import { readRows, snapshotSql } from "./read.ts";
import { openSession, type Session } from "./session.ts";
import { readTable, type Table } from "./table.ts";
import { writeBatch } from "./write.ts";

/** Opens a database file to keep records in its tables. */
export async function openDestination({ path: given }: DuckdbOptions, context: Context): Promise<Destination> {
  if (given === undefined)
    throw new ConfigError("CONFIG_INVALID", `${context.connection}: a destination needs the path of a database file`);
  const path = context.path(given);
  if (!existsSync(path))
    throw new ConfigError("FILE_MISSING", `${context.connection}: there is no database at ${path}`, {
      next: "Create the database and its tables first, or correct the path.",
    });

  let open: { readonly mode: "read" | "write"; readonly session: Promise<Session> } | undefined;
  let folder: Promise<string> | undefined;
  let snapshots = 0;
  const tables = new Map<string, Promise<Table>>();

  const closeSession = async () => {
    const session = await open?.session.catch(() => undefined);
    open = undefined;
    await session?.close();
  };
  // A plan must not lock others out of the file, so it is opened for writing only by the first write.
  const session = async (mode: "read" | "write"): Promise<Session> => {
    if (open !== undefined && mode === "write" && open.mode === "read") await closeSession();
    open ??= { mode, session: openSession(path, mode) };
    return await open.session;
  };
  const tableOf = async (object: string, signal: AbortSignal): Promise<Table> => {
    const reading = tables.get(object) ?? readTable(await session("read"), object, context.connection, signal);
    tables.set(object, reading);
    return await reading.catch((error: unknown) => {
      tables.delete(object);
      throw error;
    });
  };
  const named = async <T>(columns: readonly string[], work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw tableError(error, context.connection, columns);
    }
  };

  return {
    account: async () => `duckdb:${path}`,

    describe: (object, signal) =>
      named([], async () => {
        tables.delete(object);
        return (await tableOf(object, signal)).description;
      }),

    async *read(request, signal) {
      const table = await named([], () => tableOf(request.object, signal));
      try {
        yield* readRows(await session("read"), table, request, context.connection, signal);
      } catch (error) {
        throw tableError(error, context.connection, []);
      }
    },

    extract: (object, fields, signal) =>
      named([], async () => {
        const table = await tableOf(object, signal);
        folder ??= context.scratch().then((scratch) => mkdtemp(join(scratch, "snapshots-")));
        const file = join(await folder, `${snapshots++}.parquet`);
        return await snapshotSql(await session("read"), table, fields, file, context.connection, signal);
      }),

    async *write(batch, signal) {
      const table = await named([], () => tableOf(batch.object, signal));
      const columns = [...table.types.keys()];
      yield {
        outcomes: await named(columns, async () =>
          writeBatch(await session("write"), table, batch, context.connection, signal),
        ),
      };
    },

    async close() {
      await closeSession();
      if (folder !== undefined) await rm(await folder, { recursive: true, force: true });
      folder = undefined;
    },
  };
}

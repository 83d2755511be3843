import { existsSync } from "node:fs";
import { join } from "node:path";
import type { PGlite, Transaction as PGliteTransaction } from "@electric-sql/pglite";
import { ConfigError, type Context } from "../../src/connector/index.ts";
import { type Bound, type Client, type Result, type Row, sessionSettings, type Transaction } from "./client.ts";

/** An embedded database has one connection, so every client of one folder in this process shares it. */
const open = new Map<string, { readonly database: Promise<PGlite>; users: number }>();

/** Opens the embedded database in a folder; it must be there. */
export async function openEmbedded(folder: string, context: Context): Promise<Client> {
  if (!existsSync(join(folder, "PG_VERSION")))
    throw new ConfigError("FILE_MISSING", `${context.connection}: there is no embedded database at ${folder}`);
  const pglite = await import("@electric-sql/pglite");
  const start = async () => {
    const database = await pglite.PGlite.create({ dataDir: folder });
    await database.exec(sessionSettings);
    return database;
  };
  const shared = open.get(folder) ?? { database: start(), users: 0 };
  shared.users++;
  open.set(folder, shared);
  const database = await shared.database.catch((error: unknown) => {
    open.delete(folder);
    throw error;
  });

  const transaction = <T>(work: (tx: PGliteTransaction) => Promise<T>, signal: AbortSignal): Promise<T> => {
    signal.throwIfAborted();
    return database.transaction(work);
  };
  return {
    address: `embedded:${folder}`,
    query: (sql, values, signal) => transaction((tx) => run(tx, sql, values), signal),
    describe: (sql) =>
      database.runExclusive(async () => {
        const { serialize } = pglite.protocol;
        try {
          await database.execProtocol(serialize.parse({ text: `SELECT * FROM (${sql}) AS q LIMIT 0` }));
          const { messages } = await database.execProtocol(serialize.describe({ type: "S" }));
          return messages.flatMap((message) => ("fields" in message ? rowDescription(message.fields) : []));
        } finally {
          await database.execProtocol(serialize.sync());
        }
      }),
    async *copyOut(sql, signal) {
      const blob = await transaction(async (tx) => {
        await tx.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
        return (await tx.query(`COPY (${sql}) TO '/dev/blob' (FORMAT csv, HEADER)`)).blob;
      }, signal);
      if (blob) yield* blob.stream();
    },
    transaction: (work, signal) =>
      transaction((tx) => {
        const seam: Transaction = {
          query: (sql, values = []) => {
            signal.throwIfAborted();
            return run(tx, sql, values);
          },
          async copyIn(target, chunks, format = "text") {
            await tx.query(`COPY ${target} FROM '/dev/blob' (FORMAT ${format})`, [], { blob: new Blob([...chunks]) });
          },
        };
        return work(seam);
      }, signal),
    async close() {
      shared.users--;
      if (shared.users > 0) return;
      open.delete(folder);
      await database.close();
    },
  };
}

function rowDescription(fields: unknown) {
  if (!Array.isArray(fields)) return [];
  return fields.map((field: { name: string; dataTypeID: number; dataTypeModifier: number }) => ({
    name: field.name,
    type: field.dataTypeID,
    modifier: field.dataTypeModifier,
  }));
}

async function run(tx: PGliteTransaction, sql: string, values: readonly Bound[]): Promise<Result> {
  const { rows, affectedRows } = await tx.query<Row>(sql, [...values]);
  return { rows, count: affectedRows ?? 0 };
}

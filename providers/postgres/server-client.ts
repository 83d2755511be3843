import type { PoolClient, QueryConfig } from "pg";
import { type Context, TransientError } from "../../src/connector/index.ts";
import { type Bound, type Client, type Result, type Row, sessionSettings, type Transaction } from "./client.ts";
import { classify } from "./errors.ts";
import type { PostgresOptions } from "./index.ts";

/** Opens a pool of connections to a server; none is made before it is needed. */
export async function openServer(options: PostgresOptions, context: Context): Promise<Client> {
  const [{ default: pg }, copy] = await Promise.all([import("pg"), import("pg-copy-streams")]);
  const { url, host, port, database, user, password } = options;
  const pool = new pg.Pool({
    ...(url === undefined ? { host, port, database, user, password } : { connectionString: url }),
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    application_name: "ebb",
    connectionTimeoutMillis: 15_000,
    max: 4,
  });
  // A connection that breaks while nobody uses it is replaced by the next query.
  pool.on("error", () => undefined);
  const prepared = new WeakMap<PoolClient, string>();

  const withConnection = async <T>(signal: AbortSignal, work: (client: PoolClient) => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const client = await pool.connect();
    // An error between two statements also comes as an event; the next statement reports it.
    const ignore = () => undefined;
    client.on("error", ignore);
    let failed = true;
    const cancel = () => {
      pool.query("SELECT pg_cancel_backend($1::int)", [prepared.get(client) ?? "0"]).catch(() => client.end());
    };
    signal.addEventListener("abort", cancel, { once: true });
    try {
      if (!prepared.has(client)) {
        await client.query(sessionSettings);
        const { rows } = await client.query("SELECT pg_backend_pid()::text AS pid");
        prepared.set(client, String(rows[0]?.pid));
      }
      const result = await work(client);
      failed = false;
      return result;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", cancel);
      client.off("error", ignore);
      client.release(failed);
    }
  };

  return {
    address: url === undefined ? `${host}:${port ?? 5432}` : addressOf(url),
    query: (sql, values, signal) => withConnection(signal, (client) => run(client, sql, values)),
    describe: (sql, signal) =>
      withConnection(signal, async (client) => {
        // Only the extended protocol refuses a text of several statements.
        const config = { text: `SELECT * FROM (${sql}) AS q LIMIT 0`, queryMode: "extended" };
        const { fields } = await client.query(config as QueryConfig);
        return fields.map((f) => ({ name: f.name, type: f.dataTypeID, modifier: f.dataTypeModifier }));
      }),
    async *copyOut(sql, signal) {
      // Hands a whole connection to the reader: it is given back when the last byte is read, or thrown away.
      const chunks = new TransformStream<Uint8Array, Uint8Array>({}, { highWaterMark: 4 });
      const writer = chunks.writable.getWriter();
      const reading = withConnection(signal, async (client) => {
        await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        for await (const chunk of client.query(copy.to(`COPY (${sql}) TO STDOUT (FORMAT csv, HEADER)`)))
          await writer.write(chunk as Uint8Array);
        await client.query("COMMIT");
      }).then(
        () => writer.close(),
        (error) => writer.abort(error),
      );
      try {
        yield* chunks.readable.values();
      } finally {
        await reading.catch(() => undefined);
      }
    },
    transaction: (work, signal) =>
      withConnection(signal, async (client) => {
        const tx: Transaction = {
          query: (sql, values = []) => run(client, sql, values),
          async copyIn(target, chunks, format = "text") {
            const stream = client.query(copy.from(`COPY ${target} FROM STDIN (FORMAT ${format})`));
            await pipeInto(stream, chunks);
          },
        };
        let result: Awaited<ReturnType<typeof work>>;
        try {
          await client.query("BEGIN");
          result = await work(tx);
        } catch (error) {
          await client.query("ROLLBACK").catch(() => undefined);
          throw beforeCommit(error, context.connection);
        }
        await client.query("COMMIT");
        return result;
      }),
    close: () => pool.end(),
  };
}

async function run(client: PoolClient, sql: string, values: readonly Bound[]): Promise<Result> {
  const { rows, rowCount } = await client.query(sql, [...values]);
  return { rows: (rows ?? []) as readonly Row[], count: rowCount ?? 0 };
}

async function pipeInto(stream: NodeJS.WritableStream, chunks: readonly (string | Uint8Array)[]): Promise<void> {
  const { Readable } = await import("node:stream");
  const { pipeline } = await import("node:stream/promises");
  await pipeline(Readable.from(chunks, { objectMode: true }), stream);
}

/** What breaks before the commit is sent has changed nothing. */
function beforeCommit(error: unknown, connection: string): unknown {
  const known = classify(error, connection);
  return known instanceof TransientError
    ? new TransientError(known.code, known.message, { next: known.next, cause: error, unsent: true })
    : error;
}

function addressOf(url: string): string {
  try {
    const { hostname, port } = new URL(url);
    return `${hostname}:${port || 5432}`;
  } catch {
    return "server";
  }
}

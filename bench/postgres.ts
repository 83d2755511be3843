/** First plan of N rows into an empty Postgres table and its apply, beside a hand-written COPY of the same rows. */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import { Client } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { serverPrograms, startServer } from "../providers/postgres/server.ts";
import type { Project } from "../src/core/decode.ts";
import { completeSync } from "../src/core/sync.ts";
import { apply } from "../src/engine/apply.ts";
import { plan } from "../src/engine/plan.ts";
import { benchWorld, inFolder, never, peakMb, silent, timed, untouched } from "./harness.ts";

const columns = `k::BIGINT AS id, 'name ' || (hash(k) % 1000000) AS name, 'user' || k || '@example.com' AS email,
  'city' || (k % 5000) AS city, (hash(k * 3) % 1000)::INT AS n, ((hash(k * 7) % 100000000) / 100)::DECIMAL(18, 2) AS amount,
  ((hash(k * 11) % 1000000) / 997.0)::DOUBLE AS score, k % 3 = 0 AS active, DATE '2020-01-01' + (k % 2000)::INT AS d,
  TIMESTAMP '2024-01-01' + to_seconds((k % 10000000)::INT) AS ts`;
const ddl = `(id bigint PRIMARY KEY, name text, email text, city text, n int, amount numeric(18, 2), score double precision, active boolean, d date, ts timestamp)`;
const names = ["name", "email", "city", "n", "amount", "score", "active", "d", "ts"];

export interface PostgresFigures {
  readonly rows: number;
  readonly copySeconds: number;
  readonly planSeconds: number;
  readonly applySeconds: number;
  readonly peakMb: number;
}

export function benchPostgres(rows: number): Promise<PostgresFigures | null> {
  return inFolder(async (directory) => {
    const programs = serverPrograms();
    if (programs === undefined) return null;
    const server = await startServer(programs);
    const client = new Client({ connectionString: server.url });
    await client.connect();
    try {
      await client.query(`CREATE TABLE by_hand ${ddl}; CREATE TABLE by_ebb ${ddl}`);
      const file = join(directory, "rows.parquet");
      await inDuckDb(
        `COPY (SELECT ${columns} FROM range(${rows}) t(k)) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`,
      );
      const copySeconds = await byHand(client, file, join(directory, "rows.csv"));
      await client.query("CHECKPOINT");

      const world = { ...benchWorld(directory), env: { DATABASE_URL: server.url } };
      const project: Project = {
        connections: {
          files: { name: "files", system: "duckdb", options: {} },
          db: { name: "db", system: "postgres", options: { url: "env:DATABASE_URL", schema: "public" } },
        },
        state: { kind: "local", directory: ".ebb" },
        syncs: [
          completeSync("bench", {
            source: { connection: "files", file: "rows.parquet" },
            key: ["id"],
            destination: { connection: "db", object: "by_ebb" },
            mode: "upsert",
            fields: Object.fromEntries(names.map((name) => [name, { column: name }])),
          }),
        ],
      };
      const planned = await timed(() => plan(world, project, { directory: join(directory, "plan") }, silent, never));
      const applied = await timed(() => apply(world, project, planned.value, silent, untouched));
      const { rows: counted } = await client.query<{ n: string }>(
        "SELECT count(*) AS n FROM (SELECT * FROM by_ebb EXCEPT SELECT * FROM by_hand) x",
      );
      if (applied.value.status !== "applied" || counted[0]?.n !== "0") throw new TypeError("the tables differ");
      return { rows, copySeconds, planSeconds: planned.seconds, applySeconds: applied.seconds, peakMb: peakMb() };
    } finally {
      await client.end();
      await server.stop();
    }
  });
}

async function byHand(client: Client, parquet: string, csv: string): Promise<number> {
  const { seconds } = await timed(async () => {
    await inDuckDb(`COPY (SELECT * FROM '${parquet}') TO '${csv}' (FORMAT csv, HEADER)`);
    await pipeline(createReadStream(csv), client.query(copyFrom("COPY by_hand FROM STDIN (FORMAT csv, HEADER)")));
  });
  return seconds;
}

async function inDuckDb(statement: string): Promise<void> {
  const db = await DuckDBInstance.create(":memory:", { memory_limit: "400MB" });
  const connection = await db.connect();
  await connection.run(statement);
  connection.closeSync();
  db.closeSync();
}

if (process.argv[2] === "--child") {
  process.stdout.write(`${JSON.stringify(await benchPostgres(Number(process.argv[3])))}\n`);
  process.exit(0);
}

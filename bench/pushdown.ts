/**
 * `npx tsx bench/pushdown.ts [rows]…`: plan of N × 6 columns with the rows compared in the warehouse, beside the same plan
 * with the rows compared here; nothing changed, and 1 %. The warehouse is a DuckDB file, so its work is in this process
 * too, and nothing crosses a network: what is saved of that comes on top. Each plan runs in a process of its own, so
 * that peak memory is that plan's; the best of three counts.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import duckdb from "../providers/duckdb/index.ts";
import { defineSystem, type Extract } from "../src/connector/index.ts";
import type { Project } from "../src/core/decode.ts";
import { completeSync } from "../src/core/sync.ts";
import { apply } from "../src/engine/apply.ts";
import { plan } from "../src/engine/plan.ts";
import { benchWorld, inFolder, never, peakMb, silent, timed, untouched } from "./harness.ts";

type Where = "warehouse" | "local";

export interface PushdownFigures {
  readonly where: Where;
  readonly seconds: number;
  /** Of all cores, with the process's start: steadier than time where others use the machine too. */
  readonly cpuSeconds: number;
  readonly peakMb: number;
  /** Rows that left the warehouse. */
  readonly crossed: number;
  readonly changes: number;
}

const names = ["name", "email", "city", "amount", "ts"];
const columns = `k::BIGINT AS id, 'name ' || (hash(k) % 1000000) AS name, 'user' || k || '@example.com' AS email,
  'city' || (k % 5000) AS city, ((hash(k * 7) % 100000000) / 100)::DECIMAL(18, 2) AS amount,
  TIMESTAMP '2024-01-01' + to_seconds((k % 10000000)::INT) AS ts`;

const project = (where: Where, rows: number, refresh: "off" | "full" = "off"): Project => ({
  connections: {
    warehouse: { name: "warehouse", system: "duckdb", options: { path: "warehouse.duckdb" } },
    crm: { name: "crm", system: "duckdb", options: { path: "crm.duckdb" } },
  },
  state: { kind: "local", directory: ".ebb" },
  syncs: [
    completeSync("bench", {
      source: { connection: "warehouse", table: "customers" },
      key: ["id"],
      destination: { connection: "crm", object: "customers" },
      mode: "mirror",
      fields: Object.fromEntries(names.map((name) => [name, { column: name }])),
      // What is measured reads nothing of the destination: only the comparison with the ledger counts.
      refresh,
      adopt: true,
      diff: where,
      guards: { maxDeletes: rows, maxDeletePercent: 100 },
    }),
  ],
});

/** The warehouse, and a destination that is as it wants: the first run only writes the ledger and the marks. */
async function make(directory: string, rows: number): Promise<void> {
  await inDatabase(directory, "warehouse.duckdb", [
    `CREATE TABLE customers AS SELECT ${columns} FROM range(${rows}) t(k)`,
  ]);
  await inDatabase(directory, "crm.duckdb", [
    "CREATE TABLE customers (id BIGINT PRIMARY KEY, name VARCHAR, email VARCHAR, city VARCHAR, amount DECIMAL(18, 2), ts TIMESTAMP)",
    `INSERT INTO customers SELECT ${columns} FROM range(${rows}) t(k)`,
  ]);
  const world = benchWorld(directory);
  const syncs = project("warehouse", rows, "full");
  const first = await plan(world, syncs, { directory: join(directory, "first") }, silent, never);
  const { status } = await apply(world, syncs, first, silent, untouched);
  if (status !== "applied") throw new TypeError(`the first run ended as ${status}`);
}

/** 1 %: half updated, a quarter new, a quarter gone. */
async function change(directory: string, rows: number): Promise<void> {
  await inDatabase(directory, "warehouse.duckdb", [
    "UPDATE customers SET amount = amount + 1 WHERE id % 200 = 7",
    "DELETE FROM customers WHERE id % 400 = 3",
    `INSERT INTO customers SELECT ${columns} FROM range(${rows}, ${rows} + ${rows} // 400) t(k)`,
  ]);
}

async function measure(directory: string, where: Where, rows: number): Promise<PushdownFigures> {
  const world = benchWorld(directory);
  const extracts: Extract[] = [];
  const systems = [noted(extracts), ...world.systems.filter(({ name }) => name !== "duckdb")];
  const target = join(directory, `plan-${process.pid}`);
  const made = await timed(() =>
    plan({ ...world, systems }, project(where, rows), { directory: target }, silent, never),
  );
  const peak = peakMb();
  const { user, system } = process.cpuUsage();
  const [one] = made.value.summary.syncs;
  if (!one?.complete || one.warnings.length > 0) throw new TypeError(one?.problem ?? one?.warnings.join() ?? "no sync");
  const { create, update, delete: gone } = one.counts;
  const [extract] = extracts;
  if (extract?.kind !== "relation") throw new TypeError("rows of a database file are a relation");
  const [row] = await inDatabase(directory, ":memory:", [
    ...extract.setup,
    `SELECT count(*) AS n FROM (${extract.sql})`,
  ]);
  const cpuSeconds = (user + system) / 1e6;
  return {
    where,
    seconds: made.seconds,
    cpuSeconds,
    peakMb: peak,
    crossed: Number(row?.n),
    changes: create + update + gone,
  };
}

/** DuckDB with what its source hands over noted. */
function noted(extracts: Extract[]) {
  const { source } = duckdb;
  if (!source) throw new TypeError("not a source");
  const note = (extract: Extract) => {
    extracts.push(extract);
    return extract;
  };
  return defineSystem({
    ...duckdb,
    source: {
      ...source,
      async open(options, context) {
        const opened = await source.open(options, context);
        const { pushdown } = opened;
        if (!pushdown) throw new TypeError("a database file compares rows itself");
        return {
          ...opened,
          extract: async (query, signal) => note(await opened.extract(query, signal)),
          pushdown: { ...pushdown, changes: async (request, signal) => note(await pushdown.changes(request, signal)) },
        };
      },
    },
  });
}

/** Runs statements and answers the rows of the last. */
async function inDatabase(
  directory: string,
  file: string,
  statements: readonly string[],
): Promise<Record<string, unknown>[]> {
  const path = file === ":memory:" ? file : join(directory, file);
  const instance = await DuckDBInstance.create(path, {
    memory_limit: "1GB",
    temp_directory: join(directory, "spill"),
  });
  const connection = await instance.connect();
  let rows: Record<string, unknown>[] = [];
  for (const statement of statements) rows = (await connection.runAndReadAll(statement)).getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

function aside(...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--import", "tsx", import.meta.filename, ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new TypeError(stderr);
  return stdout;
}

async function bench(rows: number): Promise<void> {
  await inFolder(async (directory) => {
    const { seconds } = await timed(async () => aside("--make", directory, String(rows)));
    process.stderr.write(`${rows} rows: the first run took ${seconds.toFixed(1)} s\n`);
    for (const percent of [0, 1]) {
      if (percent === 1) await change(directory, rows);
      const runs = [1, 2, 3].flatMap(() =>
        (["warehouse", "local"] as const).map(
          (where) => JSON.parse(aside("--plan", directory, where, String(rows))) as PushdownFigures,
        ),
      );
      for (const where of ["warehouse", "local"] as const) {
        const own = runs.filter((run) => run.where === where);
        const best = own.reduce((a, b) => (b.seconds < a.seconds ? b : a));
        const all = own.map((run) => run.seconds.toFixed(2)).join(", ");
        process.stdout.write(
          `| ${rows} × 6, ${percent} % changed | ${where} | ${best.crossed} rows cross | ${best.seconds.toFixed(2)} s (${all}), CPU ${best.cpuSeconds.toFixed(1)} s | peak ${best.peakMb} MB | ${best.changes} changes |\n`,
        );
      }
    }
  });
}

const [, , asked, folder = "", ...more] = process.argv;
if (asked === "--make") await make(folder, Number(more[0]));
else if (asked === "--plan")
  process.stdout.write(
    JSON.stringify(await measure(folder, more[0] === "local" ? "local" : "warehouse", Number(more[1]))),
  );
else {
  const sizes = process.argv.slice(2).map(Number);
  for (const rows of sizes.length > 0 ? sizes : [1_000_000, 5_000_000]) await bench(rows);
}

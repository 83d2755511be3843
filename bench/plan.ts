/**
 * Plan of N x 10 columns against a ledger, source in Parquet, `--refresh off`, beside a bare scan of both sides in the
 * same process. Each size runs in a process of its own, so that peak memory is that plan's.
 */

import { spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { version } from "@duckdb/node-api";
import { memoryObject, memoryStore } from "../providers/memory/store.ts";
import type { Project } from "../src/core/decode.ts";
import { completeSync } from "../src/core/sync.ts";
import type { FieldType } from "../src/core/types.ts";
import { plan } from "../src/engine/plan.ts";
import { rowHashName, rowHashSql } from "../src/engine/staging/row-hash.ts";
import { openState } from "../src/engine/state/state.ts";
import { benchWorld, inFolder, never, peakMb, silent, timed } from "./harness.ts";
import { benchMapDiff } from "./map-diff.ts";

const types: Readonly<Record<string, FieldType>> = {
  name: { kind: "text" },
  email: { kind: "text" },
  city: { kind: "text" },
  n: { kind: "integer" },
  amount: { kind: "decimal", precision: 18, scale: 2 },
  score: { kind: "float" },
  active: { kind: "boolean" },
  d: { kind: "date" },
  ts: { kind: "timestamp", digits: 6, zone: false },
};

const columns = `k::BIGINT AS id, 'name ' || (hash(k) % 1000000) AS name,
  CASE WHEN k % 10 = 0 THEN NULL ELSE 'user' || k || '@example.com' END AS email, 'city' || (k % 5000) AS city,
  (hash(k * 3) % 1000)::BIGINT AS n, ((hash(k * 7) % 100000000) / 100)::DECIMAL(18, 2) AS amount,
  ((hash(k * 11) % 1000000) / 997.0)::DOUBLE AS score, k % 3 = 0 AS active, DATE '2020-01-01' + (k % 2000)::INT AS d,
  TIMESTAMP '2024-01-01' + to_seconds((k % 10000000)::INT) AS ts`;

export interface PlanFigures {
  readonly rows: number;
  readonly changedPercent: number;
  readonly scanSeconds: number;
  readonly planSeconds: number;
  readonly peakMb: number;
  readonly changes: number;
  /** The same diff with a JavaScript Map, where it was asked for. */
  readonly mapSeconds: number | null;
}

export function benchPlan(rows: number, changedPercent: 0 | 1, map = false): Promise<PlanFigures> {
  return inFolder(async (directory) => {
    // In processes of their own: what they used would count as the plan's peak.
    const recorded = join(directory, ".ebb/ledger/base.parquet");
    aside("--make", directory, String(rows), String(changedPercent));
    const scanSeconds = Number(aside("--scan", directory));
    const world = benchWorld(directory);
    const fields = Object.entries(types).map(([name, type]) => ({ name, type }));
    memoryStore("bench").set("customers", memoryObject([{ name: "id", type: { kind: "integer" } }, ...fields]));
    const sync = completeSync("bench", {
      source: { connection: "files", file: "new.parquet" },
      key: ["id"],
      destination: { connection: "crm", object: "customers" },
      mode: "mirror",
      fields: Object.fromEntries(Object.keys(types).map((name) => [name, { column: name }])),
      refresh: "off",
      guards: { maxDeletes: rows },
    });
    const project: Project = {
      connections: {
        files: { name: "files", system: "duckdb", options: {} },
        crm: { name: "crm", system: "memory", options: { store: "bench" } },
      },
      state: { kind: "local", directory: ".ebb" },
      syncs: [sync],
    };
    await openState(world, ".ebb").write({
      version: 1,
      lineage: "bench",
      serial: 1,
      syncs: {
        bench: {
          key: ["id"],
          matchOn: ["id"],
          keyType: "BIGINT",
          account: "memory:bench",
          object: "customers",
          segments: [
            {
              file: "ledger/base.parquet",
              rows,
              hash: rowHashName(
                Object.entries(types).map(([name, type]) => ({ name, type, compared: true })),
                version(),
              ),
            },
          ],
          observedAt: null,
          types: { ...types, id: { kind: "integer" } },
        },
      },
    });
    const made = await timed(() => plan(world, project, { directory: join(directory, "plan") }, silent, never));
    const [one] = made.value.summary.syncs;
    const changes = one ? one.counts.create + one.counts.update + one.counts.delete : 0;
    const peak = peakMb();
    const byMap = map ? await benchMapDiff(recorded, join(directory, "new.parquet")) : null;
    if (byMap && byMap.changes !== changes) throw new TypeError("the two diffs disagree");
    return {
      rows,
      changedPercent,
      scanSeconds,
      planSeconds: made.seconds,
      peakMb: peak,
      changes,
      mapSeconds: byMap?.seconds ?? null,
    };
  });
}

/** Writes the ledger and the new side in a process of its own memory, and answers where the ledger is. */
async function makeData(directory: string, rows: number, changedPercent: number): Promise<string> {
  const base = join(directory, ".ebb/ledger/base.parquet");
  await mkdir(join(directory, ".ebb/ledger"), { recursive: true });
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const db = await DuckDBInstance.create(":memory:", {
    memory_limit: "400MB",
    temp_directory: join(directory, "spill"),
  });
  const c = await db.connect();
  const hashed = Object.entries(types).map(([name, type]) => ({ name, type, compared: true }));
  const named = Object.keys(types).map((name) => `${name} AS "f:${name}"`);
  await c.run(
    `COPY (SELECT id AS key, id::VARCHAR AS id, true AS owned, false AS gone, ${named.join(", ")}, id AS "f:id", ${rowHashSql(hashed, (i) => hashed[i]?.name ?? "")} AS h FROM (SELECT ${columns} FROM range(${rows}) t(k))) TO '${base}' (FORMAT parquet, COMPRESSION zstd)`,
  );
  // 1 %: half updated, a quarter new, a quarter gone.
  const changed =
    changedPercent === 0
      ? `SELECT ${columns} FROM range(${rows}) t(k)`
      : `SELECT * REPLACE (CASE WHEN id % 200 = 7 THEN amount + 1 ELSE amount END AS amount) FROM
         (SELECT ${columns} FROM range(${rows}) t(k) WHERE k % 400 <> 3 UNION ALL SELECT ${columns} FROM range(${rows}, ${rows} + ${rows} // 400) t(k))`;
  await c.run(`COPY (${changed}) TO '${join(directory, "new.parquet")}' (FORMAT parquet, COMPRESSION zstd)`);
  c.closeSync();
  db.closeSync();
  return base;
}

/** The bare engine touching every column of both sides: the best of three. */
async function scan(directory: string, recorded: string): Promise<number> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const db = await DuckDBInstance.create(":memory:", { memory_limit: "600MB" });
  const c = await db.connect();
  const names = Object.keys(types);
  const seconds: number[] = [];
  for (let run = 0; run < 3; run++) {
    const { seconds: took } = await timed(async () => {
      await c.run(`SELECT bit_xor(hash(id, ${names.join(", ")})) FROM '${join(directory, "new.parquet")}'`);
      await c.run(`SELECT bit_xor(hash(key, ${names.map((name) => `"f:${name}"`).join(", ")})) FROM '${recorded}'`);
    });
    seconds.push(took);
  }
  c.closeSync();
  db.closeSync();
  return Math.min(...seconds);
}

function aside(...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--import", "tsx", import.meta.filename, ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new TypeError(stderr);
  return stdout;
}

const [, , asked, folder = "", ...more] = process.argv;
if (asked === "--make") await makeData(folder, Number(more[0]), Number(more[1]));
if (asked === "--scan") process.stdout.write(String(await scan(folder, join(folder, ".ebb/ledger/base.parquet"))));
if (asked === "--child") {
  const figures = await benchPlan(
    Number(process.argv[3]),
    Number(process.argv[4]) === 1 ? 1 : 0,
    process.argv[5] === "map",
  );
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

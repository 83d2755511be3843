/** Two projects with one source and a destination each, that differ in where rows are compared. @module */
import { DuckDBInstance } from "@duckdb/node-api";
import { type Batch, defineSystem, type Extract, rejected, type System } from "../../src/connector/index.ts";
import { TransientError } from "../../src/core/errors.ts";
import type { PlanManifest } from "../../src/core/plan.ts";
import type { OpenPlan } from "../../src/engine/plan-file.ts";
import { type Disk, localDisk } from "../../src/engine/state/disk.ts";
import { type VirtualClock, virtualClock } from "../clock.ts";
import { type Fake, type FakeRecord, makeFake } from "../fake.ts";
import {
  plannedChanges,
  type Runner,
  runner,
  type SyncGiven,
  summaryOf,
  testProject,
  testSync,
  testWorld,
} from "../world.ts";

/** A warehouse both worlds read. */
export interface Warehouse {
  readonly system: System;
  readonly options: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs statements as its owner would. */
  execute(statements: readonly string[]): Promise<void>;
}

export class Killed extends Error {}

/** What goes wrong next in one world. */
export interface Trouble {
  /** Writing a file of this name ends the process. */
  killAt?: string | undefined;
  /** Writing marks fails: before anything is written, or after. */
  record?: "before" | "after" | undefined;
  /** Keys that the destination refuses, and a batch that it does not survive. */
  refused: readonly string[];
  killWrite?: boolean | undefined;
}

export interface PushdownWorld {
  readonly fake: Fake;
  readonly trouble: Trouble;
  readonly clock: VirtualClock;
  /** Rows that left the warehouse with each comparison there. */
  readonly returned: number[];
  runner(sync: SyncGiven): Runner;
}

export async function pushdownWorld(warehouse: Warehouse): Promise<PushdownWorld> {
  const clock = virtualClock();
  const fake = makeFake({ now: clock.now });
  fake.fields = [
    { name: "id", type: { kind: "email" } },
    { name: "name", type: { kind: "text" } },
    { name: "city", type: { kind: "text" } },
    { name: "amount", type: { kind: "decimal", precision: 18, scale: 2 } },
  ];
  const trouble: Trouble = { refused: [] };
  const returned: number[] = [];
  fake.script.write = async function* (batch: Batch) {
    const half = Math.ceil(batch.changes.length / 2);
    const send = (changes: Batch["changes"]) =>
      changes.flatMap((change) =>
        trouble.refused.includes(change.key)
          ? [rejected(change.key, "REFUSED", "not this one")]
          : fake.commit({ ...batch, changes: [change] }),
      );
    yield { outcomes: send(batch.changes.slice(0, half)) };
    if (trouble.killWrite) throw new Killed("killed");
    yield { outcomes: send(batch.changes.slice(half)) };
  };
  const disk: Disk = {
    ...localDisk,
    async replace(path, text, sure) {
      if (trouble.killAt && path.endsWith(trouble.killAt)) throw new Killed("killed");
      return localDisk.replace(path, text, sure);
    },
  };
  const world = await testWorld({
    systems: [observed(warehouse.system, trouble, returned), fake.system],
    clock,
    disk,
    env: warehouse.env ?? {},
  });
  const connections = {
    warehouse: { system: warehouse.system.name, options: warehouse.options },
    crm: { system: "fake", options: {} },
  };
  return {
    fake,
    trouble,
    clock,
    returned,
    runner: (sync) => runner(world, testProject([testSync(sync)], connections)),
  };
}

/** The system with its rows counted, and with troubles. */
function observed(system: System, trouble: Trouble, returned: number[]): System {
  const { source } = system;
  if (!source) throw new TypeError("not a source");
  return defineSystem({
    ...system,
    source: {
      ...source,
      async open(options, context) {
        const opened = await source.open(options, context);
        const { pushdown } = opened;
        if (!pushdown) return opened;
        return {
          ...opened,
          pushdown: {
            async changes(request, signal) {
              const extract = await pushdown.changes(request, signal);
              return counted(extract, returned);
            },
            async record(request, signal) {
              const lost = new TransientError("NETWORK", "the warehouse is away");
              if (trouble.record === "before") throw lost;
              const done = await pushdown.record(request, signal);
              if (trouble.record === "after") throw lost;
              return done;
            },
          },
        };
      },
    },
  });
}

async function counted(extract: Extract, returned: number[]): Promise<Extract> {
  if (extract.kind === "relation") {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    for (const statement of extract.setup) await connection.run(statement);
    const [row] = (await connection.runAndReadAll(`SELECT count(*) FROM (${extract.sql})`)).getRowsJson();
    connection.closeSync();
    instance.closeSync();
    returned.push(Number(row?.[0]));
    return extract;
  }
  if (extract.kind === "csv") {
    const chunks: Uint8Array[] = [];
    for await (const chunk of extract.bytes) chunks.push(chunk);
    // No value in these tests has a line break.
    returned.push(Buffer.concat(chunks).toString().split("\n").length - 2);
    return { ...extract, bytes: each(chunks) };
  }
  const batches = [];
  for await (const batch of extract.batches) batches.push(batch);
  returned.push(batches.reduce((sum, batch) => sum + (Object.values(batch)[0]?.length ?? 0), 0));
  return { ...extract, batches: each(batches) };
}

async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}

/** All that a plan says, but for what it was compared by. */
export async function said(open: OpenPlan): Promise<unknown> {
  const { cost: _, warnings: __, ...summary } = summaryOf(open);
  const planned: Partial<PlanManifest["syncs"][number]>[] = open.manifest.syncs.map(
    ({ sync: _sync, marks: _marks, ...rest }) => rest,
  );
  const [file] = open.manifest.syncs.map((one) => one.file);
  return {
    summary,
    planned,
    changes: await plannedChanges(open),
    confirmed: await parquet(`${open.directory}/confirmed/${file}.parquet`),
    rejected: await parquet(`${open.directory}/rejected/${file}.parquet`),
  };
}

async function parquet(path: string): Promise<unknown> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(`SELECT * FROM read_parquet('${path}')`)).getRowsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

export function records(fake: Fake): readonly (readonly [string, FakeRecord])[] {
  return [...fake.records].sort(([a], [b]) => (a < b ? -1 : 1));
}

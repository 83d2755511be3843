/** The promises every source keeps. @module */
import { describe, expect, onTestFinished, test } from "vitest";
import type { Query, System, Value } from "../../src/connector/index.ts";
import { canonicalSql, textSql } from "../../src/core/canonical.ts";
import { literal } from "../../src/core/sql.ts";
import type { Fields, FieldType } from "../../src/core/types.ts";
import { openConnections } from "../../src/engine/connect/connections.ts";
import { withStaging } from "../../src/engine/staging/scratch.ts";
import { makeFake } from "../fake.ts";
import { changesOf, neverAborts, runner, summaryOf, testProject, testSync, testWorld } from "../world.ts";
import { errorOf, plansAgree } from "./check.ts";
import { type Kind, preciousValues, type Waiver } from "./fixture.ts";

export interface SourceFixture {
  readonly system: System;
  readonly options: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** Reads the rows that were filled in; columns `id` (text) and those of `columns`. */
  readonly query: Query;
  /** One column of each kind the source has, besides `id`. */
  readonly columns: Readonly<Partial<Record<Kind, string>>>;
  fill(rows: readonly Fields[]): Promise<void>;
  /** Names a table that is not there, by one letter. */
  readonly unknownTable: Query;
  /** The name it should have been. */
  readonly known: string;
  /** What the source cannot understand; null where nothing can be misunderstood. */
  readonly nonsense: Query | null;
  /** What fails only when rows are read; null where nothing can. */
  readonly failsLater: Query | null;
  close?(): Promise<void>;
}

const types: Readonly<Partial<Record<Kind, FieldType>>> = {
  text: { kind: "text" },
  integer: { kind: "integer" },
  decimal: { kind: "decimal", precision: 18, scale: 2 },
  float: { kind: "float" },
  boolean: { kind: "boolean" },
  date: { kind: "date" },
  timestamp: { kind: "timestamp", digits: 6, zone: true },
  json: { kind: "json" },
  bytes: { kind: "bytes" },
};

/** A project from the source to a destination that takes everything. */
async function bench(fixture: SourceFixture, query = fixture.query) {
  const fake = makeFake();
  const text = { kind: "text" } as const;
  const fields = Object.entries(fixture.columns).map(([kind, name]) => ({ name, type: types[kind as Kind] ?? text }));
  fake.fields = [{ name: "id", type: text }, ...fields];
  const world = await testWorld({
    systems: [fixture.system, fake.system],
    realTime: true,
    env: fixture.env ?? {},
    ...(fixture.directory === undefined ? {} : { directory: fixture.directory }),
  });
  const { sql, table, file } = query;
  const sync = testSync({
    source: {
      connection: "warehouse",
      ...(sql === undefined ? {} : { query: sql }),
      ...(table === undefined ? {} : { table }),
      ...(file === undefined ? {} : { file }),
    },
    fields: Object.fromEntries(fields.map(({ name }) => [name, name])),
  });
  const project = testProject([sync], {
    warehouse: { system: fixture.system.name, options: fixture.system.connection.parse(fixture.options) },
    crm: { system: "fake", options: {} },
  });
  return {
    fake,
    world,
    run: runner(world, project),
    with: (next: Parameters<typeof testSync>[0]) =>
      runner(world, testProject([testSync({ source: sync.source, ...next })], project.connections)),
  };
}

interface SourceCheck {
  readonly name: string;
  readonly lacks?: (fixture: SourceFixture) => string | false;
  readonly run: (fixture: SourceFixture) => Promise<void>;
}

const checks: readonly SourceCheck[] = [
  {
    name: "a description names the columns that the rows have",
    async run(fixture) {
      await fixture.fill([{ id: "a" }]);
      const { world, run } = await bench(fixture);
      const open = openConnections(world, run.project, () => undefined);
      try {
        const { source } = await open.source("warehouse");
        const columns = await source.describe(fixture.query, neverAborts);
        const names = columns.map(({ name }) => name);
        expect(names).toEqual(expect.arrayContaining(["id", ...Object.values(fixture.columns)]));
        const extract = await source.extract(fixture.query, neverAborts);
        if (extract.kind !== "relation") expect(extract.columns).toEqual(columns);
      } finally {
        await open.close();
      }
    },
  },
  {
    name: "plans beside each other read what one alone reads",
    async run(fixture) {
      await fixture.fill(Array.from({ length: 50 }, (_, n) => ({ id: `k${n}` })));
      const { run } = await bench(fixture);
      expect(summaryOf(await plansAgree(run))).toMatchObject({ counts: { create: 50 } });
    },
  },
  {
    name: "values come without loss, and null stays apart from the empty string",
    async run(fixture) {
      const all = Object.entries(fixture.columns).flatMap(([kind, name]) =>
        (preciousValues[kind as Kind] ?? []).map((value) => ({ kind: kind as Kind, name, value })),
      );
      await fixture.fill(all.map(({ name, value }, n) => ({ id: `k${n}`, [name]: value })));
      const { run } = await bench(fixture);
      const open = await run.plan();
      expect(summaryOf(open)).toMatchObject({ rejected: [], counts: { create: all.length } });
      const found = new Map((await changesOf(open)).map((change) => [String(change.key), change]));
      for (const [n, { kind, name, value }] of all.entries()) {
        const change = found.get(`k${n}`);
        const after = change?.action === "create" ? (change.after[name] ?? null) : "no change";
        expect(after, `${name} ${JSON.stringify(value)}`).toBe(await canonicalText(value, types[kind]));
      }
    },
  },
  {
    name: "rows compared in the warehouse make the plan that rows compared here make",
    lacks: ({ system, query }) => (!system.source?.pushdown || query.file !== undefined) && "it cannot compare rows",
    async run(fixture) {
      const kinds = Object.entries(fixture.columns).map(([kind, name]) => ({
        name,
        values: preciousValues[kind as Kind] ?? [],
      }));
      const rows = Math.max(...kinds.map(({ values }) => values.length));
      const fill = (turn: number) =>
        fixture.fill(
          Array.from({ length: rows }, (_, n) => ({
            id: `k${n}`,
            ...Object.fromEntries(kinds.map(({ name, values }) => [name, values[(n + turn) % values.length] ?? null])),
          })),
        );
      const there = await bench(fixture);
      const here = await bench(fixture);
      // A fixture may have one folder, and each side needs a state of its own.
      const local = runner(here.world, { ...here.run.project, state: { kind: "local", directory: ".ebb-here" } });
      const fields = there.run.project.syncs[0]?.fields ?? {};
      const warehouse = there.with({ fields, diff: "warehouse" });
      for (const turn of [0, 1, 1, 2, 2]) {
        await fill(turn);
        const open = await warehouse.plan();
        const same = await local.plan();
        expect(await changesOf(open)).toEqual(await changesOf(same));
        expect(summaryOf(open)).toMatchObject({ unchanged: summaryOf(same).unchanged, warnings: [] });
        if (turn > 0) expect(open.manifest.syncs[0]?.marks?.token).toEqual(expect.any(String));
        await warehouse.apply(open);
        await local.apply(same);
        expect([...there.fake.records]).toEqual([...here.fake.records]);
      }
    },
  },
  {
    name: "rows without a key and rows with the same key are reported, with the key",
    async run(fixture) {
      await fixture.fill([{ id: "a" }, { id: "b" }, { id: "b" }, { id: null }, { id: "" }]);
      const { run } = await bench(fixture);
      const open = await run.plan();
      expect(summaryOf(open).rejected).toEqual([
        { code: "KEY_DUPLICATE", field: null, count: 2 },
        { code: "KEY_NULL", field: null, count: 1 },
      ]);
      expect((await changesOf(open)).map(({ key }) => key)).toEqual(["", "a"]);
      const [file] = open.manifest.syncs;
      const keys = await withStaging({}, (staging) =>
        staging.rows(
          `SELECT key, code FROM read_parquet(${literal(`${open.directory}/rejected/${file?.file}.parquet`)})`,
        ),
      );
      expect(keys).toContainEqual({ key: "b", code: "KEY_DUPLICATE" });
    },
  },
  {
    name: "the same rows give the same plan",
    async run(fixture) {
      await fixture.fill(["a", "b", "c"].map((id) => ({ id })));
      const { run } = await bench(fixture);
      const [first, second] = [await run.plan(), await run.plan()];
      expect(second.manifest.content).toBe(first.manifest.content);
      await fixture.fill(["a", "b", "d"].map((id) => ({ id })));
      expect((await run.plan()).manifest.content).not.toBe(first.manifest.content);
    },
  },
  {
    name: "an aborted signal ends the reading",
    async run(fixture) {
      await fixture.fill([{ id: "a" }]);
      const { run } = await bench(fixture);
      await expect(run.plan({}, AbortSignal.abort(new Error("interrupted")))).rejects.toThrow("interrupted");
    },
  },
  {
    name: "no rows are a complete plan without changes",
    async run(fixture) {
      await fixture.fill([]);
      const { run } = await bench(fixture);
      const open = await run.plan();
      expect(open.manifest.complete).toBe(true);
      expect(summaryOf(open).source.rows).toBe(0);
    },
  },
  {
    name: "an unknown table is one clear error that names the right one",
    async run(fixture) {
      await fixture.fill([]);
      const { run } = await bench(fixture, fixture.unknownTable);
      const error = await errorOf(run.plan());
      expect(error.code).toBe("SOURCE_FAILED");
      expect(error.message).toContain("warehouse");
      expect(error.message).toContain(fixture.known);
    },
  },
  {
    name: "an unknown column is one clear error that names the right one",
    async run(fixture) {
      await fixture.fill([{ id: "a" }]);
      const [column = ""] = Object.values(fixture.columns);
      const made = await bench(fixture);
      const error = await errorOf(made.with({ fields: { [column]: `${column}x` } }).plan());
      expect(error).toMatchObject({ code: "COLUMN_UNKNOWN", message: expect.stringContaining(`"${column}"`) });
    },
  },
  {
    name: "a query it cannot understand is one clear error",
    lacks: ({ nonsense }) => nonsense === null && "it reads tables only",
    async run(fixture) {
      await fixture.fill([]);
      const { run } = await bench(fixture, fixture.nonsense ?? {});
      expect((await errorOf(run.plan())).code).toBe("SOURCE_FAILED");
    },
  },
  {
    name: "a query that fails while its rows are read is one clear error",
    lacks: ({ failsLater }) => failsLater === null && "nothing can fail there",
    async run(fixture) {
      await fixture.fill([{ id: "secret-value" }]);
      const { run } = await bench(fixture, fixture.failsLater ?? {});
      const error = await errorOf(run.plan());
      expect(error.code).toBe("SOURCE_FAILED");
      expect(error.message).not.toContain("secret-value");
    },
  },
];

async function canonicalText(value: Value, type: FieldType = { kind: "text" }): Promise<Value> {
  const sql = textSql(canonicalSql(`CAST(${literal(value)} AS VARCHAR)`, "VARCHAR", type).sql, type);
  return withStaging({}, async (staging) => (await staging.row<{ v: Value }>(`SELECT ${sql} AS v`)).v);
}

/**
 * Runs every check of a source.
 *
 * @example testSource(memory, memoryFixture)
 */
export function testSource(system: System, setup: () => Promise<SourceFixture>, waivers: readonly Waiver[] = []): void {
  describe(`${system.title} as a source`, () => {
    test("every waiver names a check", () => {
      for (const { check } of waivers) expect(checks.map(({ name }) => name)).toContain(check);
    });
    for (const { name, lacks, run } of checks) {
      const waiver = waivers.find(({ check }) => check === name);
      if (waiver) test.skip(`${name} — waived: ${waiver.reason}`);
      else
        test(name, { timeout: 120_000 }, async (context) => {
          const fixture = await setup();
          onTestFinished(async () => fixture.close?.());
          const missing = lacks?.(fixture);
          if (missing) return context.skip(missing);
          await run(fixture);
        });
    }
  });
}

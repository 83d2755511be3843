import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { TransientError } from "../../src/connector/index.ts";
import { isEmpty } from "../../src/core/plan.ts";
import type { Action } from "../../src/core/types.ts";
import { changesOf, summaryOf } from "../world.ts";
import { type Bench, countsOf, fieldNames, key, openBench } from "./bench.ts";
import { type Check, can, converge, held, writeDirectly } from "./check.ts";
import { type DestinationFixture, preciousValues } from "./fixture.ts";

const rows = (bench: Bench, numbers: readonly number[], round = 0) => numbers.map((n) => bench.row(n, round));
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Starts with records that Ebb made itself. */
async function withRecords(bench: Bench, count: number): Promise<void> {
  await bench.fixture.reset([]);
  bench.rows = rows(bench, upTo(count));
  await converge(bench);
  bench.watched.batches.length = 0;
  bench.watched.outcomes.length = 0;
}

export const writeChecks: readonly Check[] = [
  {
    name: "the second plan is empty, whatever was created, updated and deleted",
    applies: can("create"),
    async run(fixture) {
      const bench = await openBench(fixture);
      const actions = actionsOf(fixture);
      await fixture.reset([]);
      bench.rows = rows(bench, upTo(5));
      expect((await converge(bench)).size).toBe(5);
      if (!actions.includes("update")) return;
      bench.rows = [...rows(bench, [0, 1, 2], 1), ...rows(bench, [3, 7])];
      const now = await converge(bench);
      expect([...now.keys()].sort()).toEqual(
        (actions.includes("delete") ? [0, 1, 2, 3, 7] : [0, 1, 2, 3, 4, 7]).map((n) => key(fixture, n)).sort(),
      );
    },
  },
  {
    name: "mode update changes records that are there, and makes none",
    applies: can("update"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset(rows(bench, [0, 1]));
      bench.rows = rows(bench, [1, 2], 1);
      const update = bench.with({ mode: "update" });
      const open = await update.plan();
      expect(summaryOf(open).counts).toEqual({ create: 0, update: 1, delete: 0 });
      expect(await update.apply(open)).toMatchObject({ status: "applied" });
      expect(isEmpty((await update.plan()).summary)).toBe(true);
      expect((await fixture.records()).length).toBe(2);
    },
  },
  {
    name: "an update sends only the changed fields, and leaves the others",
    applies: can("create", "update"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await withRecords(bench, 3);
      const [field = ""] = fieldNames(fixture);
      bench.rows = bench.rows.map((row, n) => (n === 1 ? { ...row, [field]: bench.row(n, 1)[field] ?? null } : row));
      const before = await held(bench, await bench.run.plan());
      const after = await converge(bench);
      expect(bench.watched.batches.map(({ action, changes }) => [action, changes.length])).toEqual([["update", 1]]);
      const [change] = bench.watched.batches[0]?.changes ?? [];
      expect(change?.action === "update" && Object.keys(change.after)).toEqual([field]);
      const untouched = (of: ReadonlyMap<string, object>) => {
        const { [field]: _, ...rest } = { ...of.get(key(fixture, 1)) } as Record<string, unknown>;
        return [of.get(key(fixture, 0)), rest];
      };
      expect(untouched(after)).toEqual(untouched(before));
    },
  },
  {
    name: "a field mapped by nobody keeps its value",
    applies: can("create", "update"),
    async run(fixture) {
      const names = fieldNames(fixture);
      const [field = "", other = ""] = names;
      if (names.length < 2) return;
      const bench = await openBench(fixture);
      await fixture.reset(rows(bench, [0]));
      const before = await held(bench, await bench.run.plan());
      bench.rows = rows(bench, [0], 1);
      const one = bench.with({ mode: "upsert" }, [field, ...Object.keys(fixture.base ?? {})]);
      expect(await one.run()).toMatchObject({ status: "applied" });
      const after = await held(bench, await bench.with({ mode: "update" }).plan());
      expect(after.get(key(fixture, 0))?.[other]).toBe(before.get(key(fixture, 0))?.[other]);
      expect(after.get(key(fixture, 0))?.[field]).not.toBe(before.get(key(fixture, 0))?.[field]);
    },
  },
  {
    name: "each change has exactly one outcome, by its key",
    applies: can("create"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await withRecords(bench, 4);
      const actions = actionsOf(fixture);
      bench.rows = actions.includes("update")
        ? [...rows(bench, [0, 1], 1), ...rows(bench, [2, 5, 6])]
        : rows(bench, [0, 1, 2, 3, 5]);
      await converge(bench);
      const asked = bench.watched.batches.flatMap(({ changes }) => changes.map((change) => change.key));
      expect(bench.watched.outcomes.map((outcome) => outcome.key).sort()).toEqual([...asked].sort());
      expect(bench.watched.outcomes.every(({ status }) => status === "applied" || status === "accepted")).toBe(true);
    },
  },
  {
    name: "a bad record fails alone, and the others land",
    applies: can("create"),
    lacks: ({ invalid }) => invalid === null && "it takes every value the plan lets through",
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset([]);
      bench.rows = rows(bench, upTo(9)).map((row, n) => (n === 4 ? { ...row, ...fixture.invalid } : row));
      const extra = Object.keys(fixture.invalid ?? {});
      const run = bench.with({}, [...new Set([...fieldNames(fixture), ...Object.keys(fixture.base ?? {}), ...extra])]);
      const result = await run.run();
      expect(countsOf(result)).toMatchObject({ applied: 8, rejected: 1, doubt: 0, waiting: 0 });
      expect(result.rejected).toHaveLength(1);
      expect(result.rejected[0]?.code).not.toBe("");
      const keys = (await fixture.records()).map((record) => String(record[fixture.matchOn]).toLowerCase()).sort();
      const landed = [0, 1, 2, 3, 5, 6, 7, 8].map((n) => fixture.key(n).toLowerCase()).sort();
      expect(keys).toEqual(landed);
    },
  },
  {
    name: "a create whose answer was lost makes no second record",
    applies: can("create"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset([]);
      bench.rows = rows(bench, upTo(5));
      let lost = 0;
      bench.watched.around = async function* (_, write) {
        if (lost++ > 0) return yield* write();
        for await (const _receipt of write());
        throw new TransientError("NETWORK", "the connection broke");
      };
      expect((await converge(bench)).size).toBe(5);
      expect(await fixture.records()).toHaveLength(5);
    },
  },
  {
    name: "an update and a delete whose answer was lost are settled",
    applies: can("create", "update", "delete"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await withRecords(bench, 6);
      const lost = new Set<Action>();
      bench.watched.around = async function* (batch, write) {
        if (lost.has(batch.action)) return yield* write();
        lost.add(batch.action);
        for await (const _receipt of write());
        throw new TransientError("NETWORK", "the connection broke");
      };
      bench.rows = rows(bench, [0, 1, 2], 1);
      const now = await converge(bench);
      expect([...now.keys()].sort()).toEqual([0, 1, 2].map((n) => key(fixture, n)).sort());
      expect([...lost].sort()).toEqual(["delete", "update"]);
    },
  },
  {
    name: "what is already gone may be deleted, and deleted again",
    applies: can("create", "delete"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await withRecords(bench, 3);
      bench.rows = rows(bench, [0]);
      const open = await bench.run.plan();
      const changes = await changesOf(open);
      await fixture.edit(fixture.key(1), null);
      expect(await bench.run.apply(open)).toMatchObject({ status: "applied" });
      const again = await writeDirectly(bench, () => changes);
      expect(again.map(({ status }) => status)).toEqual(["applied", "applied"]);
      expect(await fixture.records()).toHaveLength(1);
    },
  },
  {
    name: "a record edited since the plan is left alone",
    applies: can("create", "update"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await withRecords(bench, 3);
      const [field = ""] = fieldNames(fixture);
      bench.rows = rows(bench, upTo(3), 1);
      const open = await bench.run.plan();
      await fixture.edit(fixture.key(1), { [field]: bench.row(1, 2)[field] ?? null });
      const result = await bench.run.apply(open);
      expect(countsOf(result)).toMatchObject({ applied: 2, skipped: 1 });
      const now = await held(bench, await bench.run.plan());
      expect(now.get(key(fixture, 0))?.[field]).not.toBe(now.get(key(fixture, 1))?.[field]);
      const theirs = await changesOf(await bench.run.plan());
      expect(theirs.map((change) => change.key)).toEqual([key(fixture, 1)]);
    },
  },
  {
    name: "canonical values survive a round trip",
    applies: can("create"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset([]);
      const all = Object.entries(fixture.fields).flatMap(([kind, name]) =>
        (fixture.values?.[kind as "text"] ?? preciousValues[kind as "text"] ?? []).map((value) => ({ name, value })),
      );
      bench.rows = all.map(({ name, value }, n) => ({ ...bench.row(n), [name]: value }));
      const open = await bench.run.plan();
      expect(summaryOf(open).rejected).toEqual([]);
      const planned = new Map((await changesOf(open)).map((change) => [String(change.key), change]));
      const now = await converge(bench);
      expect(now.size).toBe(all.length);
      all.forEach(({ name, value }, n) => {
        const of = key(fixture, n);
        const change = planned.get(of) ?? planned.get(of.toLowerCase());
        const canonical = change?.action === "create" ? (change.after[name] ?? null) : null;
        expect((now.get(of) ?? now.get(of.toLowerCase()))?.[name], `${name} ${JSON.stringify(value)}`).toBe(canonical);
      });
    },
  },
  {
    name: "a field is emptied, and filled again",
    applies: can("create", "update"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await withRecords(bench, 2);
      const nullable = fieldNames(fixture).filter((name) => name !== fixture.fields.boolean);
      bench.rows = bench.rows.map((row) => ({ ...row, ...Object.fromEntries(nullable.map((name) => [name, null])) }));
      const empty = await converge(bench);
      for (const name of nullable) expect(empty.get(key(fixture, 0))?.[name], name).toBeNull();
      bench.rows = rows(bench, upTo(2), 1);
      const filled = await converge(bench);
      for (const name of nullable) expect(filled.get(key(fixture, 0))?.[name], name).not.toBeNull();
    },
  },
  {
    name: "no batch is larger than declared, at the limit and one above",
    applies: can("create"),
    async run(fixture) {
      const [route] = fixture.system.destination?.capabilities.write ?? [];
      if (!route) return;
      const bench = await openBench(fixture);
      await fixture.reset([]);
      bench.rows = rows(bench, upTo(route.records));
      await converge(bench);
      bench.rows = rows(bench, upTo(2 * route.records + 1));
      expect((await converge(bench)).size).toBe(2 * route.records + 1);
      for (const { changes } of bench.watched.batches) expect(changes.length).toBeLessThanOrEqual(route.records);
      expect(await fixture.records()).toHaveLength(2 * route.records + 1);
    },
  },
  {
    name: "no configured secret occurs in a plan, a journal, an outcome or an error",
    lacks: ({ secrets }) => secrets.length === 0 && "its connection has no secret",
    async run(fixture) {
      const bench = await openBench(fixture);
      await withRecords(bench, 3);
      bench.rows = rows(bench, upTo(3), 1).map((row, n) => (n === 1 ? { ...row, ...fixture.invalid } : row));
      await fixture.force?.({ on: "write", status: 500, body: fixture.secrets.join(" ") });
      const open = await bench.run.plan();
      await bench.run.apply(open);
      await fixture.force?.({ on: "read", status: 401, body: fixture.secrets.join(" "), times: 3 });
      await bench.run.plan().catch((error: unknown) => bench.watched.errors.push(error));
      const said = bench.watched.errors.map((error) =>
        error instanceof Error
          ? [error.message, error.stack, JSON.stringify(error), String(error.cause)].join("\n")
          : "",
      );
      const files = await filesBelow(bench.run.store.directory, open.directory);
      const output = [...said, JSON.stringify(bench.watched.outcomes), ...files].join("\n");
      for (const secret of fixture.secrets) expect(output.includes(secret)).toBe(false);
    },
  },
];

function actionsOf({ system }: DestinationFixture): readonly Action[] {
  return system.destination?.capabilities.actions ?? [];
}

async function filesBelow(...folders: readonly string[]): Promise<string[]> {
  const texts: string[] = [];
  for (const folder of folders)
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) texts.push(await readFile(join(entry.parentPath, entry.name), "latin1"));
  return texts;
}

import { expect } from "vitest";
import type { ObservedRecord, ReadRequest } from "../../src/connector/index.ts";
import { keyOf } from "../../src/core/key.ts";
import { isEmpty } from "../../src/core/plan.ts";
import { wireText } from "../../src/engine/diff/observe.ts";
import { changesOf, neverAborts } from "../world.ts";
import { type Bench, fieldNames, key, openBench } from "./bench.ts";
import { type Check, can, converge, errorOf, plansAgree } from "./check.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

async function readAll(bench: Bench, more: object, signal = neverAborts): Promise<readonly ObservedRecord[]> {
  const { fixture } = bench;
  const base = { object: fixture.object, fields: [fixture.matchOn, ...fieldNames(fixture)], match: [fixture.matchOn] };
  return bench.direct(async ({ destination }) => {
    const all: ObservedRecord[] = [];
    for await (const page of destination.read({ ...base, ...more } as unknown as ReadRequest, signal))
      all.push(...page);
    return all;
  });
}

const texts = (records: readonly ObservedRecord[]) =>
  records.map(({ id, fields }) => [id, ...Object.values(fields).map(wireText)].join(" | ")).sort();

export const readChecks: readonly Check[] = [
  {
    name: "an unknown key yields nothing, and so does no key",
    applies: ({ read }) => read.keys !== undefined,
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset([bench.row(0)]);
      expect(await readAll(bench, { by: "keys", keys: [keyOf([fixture.key(99)])] })).toEqual([]);
      expect(await readAll(bench, { by: "keys", keys: [] })).toEqual([]);
    },
  },
  {
    name: "an unknown id yields nothing",
    applies: ({ read }) => read.ids !== undefined,
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset([bench.row(0), bench.row(1)]);
      const [first, second] = await readAll(bench, { by: "scan" });
      await fixture.edit(String(second?.fields[fixture.matchOn]), null);
      const found = await readAll(bench, { by: "ids", ids: [first?.id, second?.id] });
      expect(found.filter(({ deleted }) => !deleted).map(({ id }) => id)).toEqual([first?.id]);
    },
  },
  {
    name: "plans beside each other read what one alone reads",
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset(upTo(7).map((n) => bench.row(n)));
      bench.rows = upTo(9).map((n) => bench.row(n, n % 2));
      expect(await changesOf(await plansAgree(bench.run))).not.toEqual([]);
    },
  },
  {
    name: "a scan, keyed reads and reads by id tell the same",
    applies: ({ read }) => read.keys !== undefined && read.scan !== undefined,
    async run(fixture) {
      const bench = await openBench(fixture);
      const ids = fixture.system.destination?.capabilities.read.ids;
      await fixture.reset(upTo(7).map((n) => bench.row(n)));
      const scanned = await readAll(bench, { by: "scan" });
      expect(scanned).toHaveLength(7);
      const keys = upTo(7).map((n) => key(fixture, n));
      expect(texts(await readAll(bench, { by: "keys", keys }))).toEqual(texts(scanned));
      if (ids !== undefined)
        expect(texts(await readAll(bench, { by: "ids", ids: scanned.map(({ id }) => id) }))).toEqual(texts(scanned));
    },
  },
  {
    name: "as many keys as declared can be read at once",
    applies: ({ read }) => read.keys !== undefined,
    async run(fixture) {
      const most = fixture.system.destination?.capabilities.read.keys ?? 0;
      const bench = await openBench(fixture);
      await fixture.reset(upTo(3).map((n) => bench.row(n)));
      const found = await readAll(bench, { by: "keys", keys: upTo(most).map((n) => key(fixture, n)) });
      expect(found).toHaveLength(3);
    },
  },
  {
    name: "what changed since a moment shows edits and deletes, and nothing older",
    applies: ({ read }) => read.since !== undefined,
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset(upTo(4).map((n) => bench.row(n)));
      const before = await readAll(bench, { by: "scan" });
      const [field = ""] = fieldNames(fixture);
      await fixture.settle?.();
      const since = await bench.direct(async ({ destination }) => (await destination.now?.(neverAborts)) ?? "");
      await fixture.settle?.();
      await fixture.edit(fixture.key(1), { [field]: bench.row(1, 1)[field] ?? null });
      await fixture.edit(fixture.key(2), null);
      const found = await readAll(bench, { by: "since", since });
      const id = (n: number) => before.find(({ fields }) => same(fields[fixture.matchOn], fixture.key(n)))?.id;
      expect(found.filter(({ deleted }) => !deleted).map((record) => record.id)).toEqual([id(1)]);
      expect(found.filter(({ deleted }) => deleted).map((record) => record.id)).toEqual([id(2)]);
    },
  },
  {
    name: "an unknown object is named, with those there are",
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset([]);
      const wrong = `${fixture.object}x`;
      const error = await errorOf(bench.direct(({ destination }) => destination.describe(wrong, neverAborts)));
      expect(error.code).toBe("OBJECT_UNKNOWN");
      expect(error.message).toContain(fixture.object.replace(/^.*\./, ""));
    },
  },
  {
    name: "an aborted signal stops before anything is read or written",
    applies: can("create"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset([bench.row(0)]);
      const aborted = AbortSignal.abort(new Error("interrupted"));
      await expect(readAll(bench, { by: "keys", keys: [key(fixture, 0)] }, aborted)).rejects.toThrow("interrupted");
      await bench.direct(async ({ destination }, object) => {
        const batch = bench.batch(object, [{ n: 0, key: key(fixture, 1), action: "create", after: bench.row(1) }]);
        const writing = (async () => {
          for await (const _ of destination.write(batch, aborted));
        })();
        await expect(writing).rejects.toThrow("interrupted");
      });
      expect(await fixture.records()).toHaveLength(1);
      const abort = new AbortController();
      bench.rows = [bench.row(0), bench.row(1)];
      const open = await bench.run.plan();
      abort.abort(new Error("interrupted"));
      const result = await bench.run.apply(open, { abort: abort.signal, stop: abort.signal }).catch(() => null);
      expect(result?.status ?? "stopped").toBe("stopped");
      expect(await fixture.records()).toHaveLength(1);
    },
  },
  {
    name: "a plan without changes writes nothing",
    applies: can("create"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset([]);
      bench.rows = upTo(2).map((n) => bench.row(n));
      await converge(bench);
      const before = bench.watched.batches.length;
      expect(await bench.run.run()).toMatchObject({ status: "applied" });
      expect(bench.watched.batches).toHaveLength(before);
    },
  },
  {
    name: "a plan writes nothing",
    applies: can("create"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset([bench.row(0)]);
      bench.rows = upTo(3).map((n) => bench.row(n, 1));
      expect(isEmpty((await bench.run.plan()).summary)).toBe(false);
      expect(bench.watched.batches).toEqual([]);
      expect(await fixture.records()).toHaveLength(1);
    },
  },
  {
    name: "an action it does not declare is refused by the plan",
    async run(fixture) {
      const missing = (action: string) =>
        openBench(fixture, (own) => ({ ...own, actions: own.actions.filter((one) => one !== action) }));
      const own = fixture.system.destination?.capabilities.actions ?? [];
      const needed = { create: "create", update: "update", delete: "mirror" } as const;
      for (const action of ["create", "update", "delete"] as const) {
        const bench = await missing(action);
        const run = bench.with({ mode: needed[action] });
        expect((await errorOf(run.plan())).code, action).toBe("MODE_UNSUPPORTED");
        expect(bench.watched.batches).toEqual([]);
      }
      expect(own.length).toBeGreaterThan(0);
    },
  },
  {
    name: "capabilities and the description stay the same",
    applies: can("create"),
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset([]);
      const capabilities = JSON.stringify(fixture.system.destination?.capabilities);
      const describe = () => bench.direct(async (_, { fields }) => fields);
      const first = await describe();
      bench.rows = upTo(3).map((n) => bench.row(n));
      await converge(bench);
      expect(await describe()).toEqual(first);
      expect(JSON.stringify(fixture.system.destination?.capabilities)).toBe(capabilities);
      expect(await changesOf(await bench.run.plan())).toEqual([]);
    },
  },
];

function same(found: unknown, wanted: string): boolean {
  return String(found).toLowerCase() === wanted.toLowerCase();
}

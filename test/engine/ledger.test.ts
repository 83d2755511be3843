import { describe, expect, test } from "vitest";
import { isEmpty } from "../../src/core/plan.ts";
import type { RecordKey } from "../../src/core/types.ts";
import { type FakeOptions, people, writes } from "../fake.ts";
import { changesOf, plannedChanges, summaryOf, testProject, testSync } from "../world.ts";
import { byKey, fakeProject } from "./setup.ts";

/** What changed since is the only cheap way to read. */
const since: FakeOptions = { capabilities: { read: { since: { days: 30 }, scan: 0, keys: 5, ids: 5 } } };
const plain: FakeOptions = {};
const HOUR = 3_600_000;
const idIsKey: FakeOptions = { capabilities: { idIsKey: true, read: { ids: 0 } } };

describe("the ledger", () => {
  test("is the same however many segments it has", async () => {
    const { fake, run } = await fakeProject({ mode: "mirror" });
    fake.rows = people(40);
    await run.run();
    const counts: number[] = [];
    for (let i = 0; i < 12; i++) {
      // One change a run, so that a segment stays small beside the base.
      fake.rows = fake.rows.map((row, n) => (n === i ? { ...row, name: `edit ${i}` } : row));
      if (i === 5) fake.rows = fake.rows.slice(0, -1);
      await run.run();
      counts.push((await run.store.read()).syncs.people?.segments.length ?? 0);
      expect(await changesOf(await run.plan({ refresh: "off" })), `run ${i}`).toEqual([]);
    }
    expect(Math.max(...counts)).toBeGreaterThan(4);
    expect(Math.max(...counts)).toBeLessThanOrEqual(8);
    expect(Math.min(...counts)).toBe(1);
    expect(byKey(fake.records.values())).toEqual(byKey(fake.rows));
    expect(isEmpty((await run.plan()).summary)).toBe(true);
  });

  test("does not claim to have recorded a field that was mapped later", async () => {
    const two = testSync({ fields: { name: "name", city: "city" }, onDrift: "keep", refresh: "changed" });
    const { fake, run } = await fakeProject({ fields: { name: "name" }, onDrift: "keep", refresh: "changed" });
    fake.rows = people(10).map((row) => ({ ...row, city: null }));
    await run.run();
    for (const id of fake.records.keys()) fake.edit(id, { city: "theirs" });
    const later = run.with(testProject([two], run.project.connections));
    // Large enough a change that the segments are merged.
    fake.rows = fake.rows.map((row, i) => (i < 5 ? { ...row, name: "edited" } : row));
    await later.run();
    expect((await run.store.read()).syncs.people?.segments).toHaveLength(1);
    fake.rows = fake.rows.map((row) => ({ ...row, city: "Lyon" }));
    const changes = await plannedChanges(await later.plan());
    expect(changes.filter(({ change }) => change.key >= "k05").map(({ reason }) => reason)).toEqual(
      Array.from({ length: 5 }, () => "warehouse"),
    );
  });

  test("a mapping that is taken back and given again is not taken for drift", async () => {
    const { fake, run } = await fakeProject({ mode: "upsert", fields: { name: "name", city: "city" } });
    fake.rows = people(4);
    await run.run();
    const without = run.with(testProject([testSync({ fields: { name: "name" } })], run.project.connections));
    await without.run();
    fake.edit("f1", { city: "theirs" });
    fake.rows = people(4, "new");
    await without.run();
    const changes = await plannedChanges(await run.plan());
    expect(changes.map(({ change }) => change.key)).toEqual(["k00"]);
  });
});

describe("refresh levels", () => {
  test.each([
    ["by keys and ids", { capabilities: { read: { scan: 0 } } } as FakeOptions],
    ["by scan", plain],
    ["by what changed since", since],
    ["by keys that are ids", idIsKey],
  ])("agree after an apply, and see the same warehouse changes: read %s", async (_, options) => {
    const { fake, run, clock } = await fakeProject({ mode: "mirror" }, options);
    fake.rows = people(12);
    await run.run();
    for (const refresh of ["full", "changed", "off"] as const)
      expect(await changesOf(await run.plan({ refresh })), refresh).toEqual([]);
    clock.advance(60_000);
    fake.rows = [...people(10, "new").slice(3), ...people(4).slice(3), { id: "z", name: "z", city: null }];
    fake.rows.splice(7, 1);
    const plans = await Promise.all(
      (["full", "changed", "off"] as const).map(async (refresh) => changesOf(await run.plan({ refresh }))),
    );
    expect(plans[0]?.length).toBeGreaterThan(5);
    expect(plans[1]).toEqual(plans[0]);
    expect(plans[2]).toEqual(plans[0]);
  });

  test("full sees drift, changed only beside a change, off never", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(4);
    await run.run();
    fake.edit("f1", { city: "Rome" });
    fake.edit("f2", { city: "Rome" });
    fake.rows = fake.rows.map((row) => (row.id === "k01" ? { ...row, name: "new" } : row));
    const seen = async (refresh: "full" | "changed" | "off") =>
      (await plannedChanges(await run.plan({ refresh }))).map(({ change, reason, drifted }) => [
        change.key,
        reason,
        drifted,
      ]);
    expect(await seen("full")).toEqual([
      ["k00", "drift", ["city"]],
      ["k01", "conflict", ["city"]],
    ]);
    expect(await seen("changed")).toEqual([["k01", "conflict", ["city"]]]);
    expect(await seen("off")).toEqual([["k01", "warehouse", []]]);
    expect(summaryOf(await run.plan({ refresh: "off" })).basis).toEqual({
      refresh: "off",
      read: "ledger",
      recordsRead: 0,
    });
  });

  test("a plan that read only what changed does not hide an edit from the next full one", async () => {
    const { fake, run, clock } = await fakeProject({}, since);
    fake.rows = people(60);
    await run.run();
    clock.advance(HOUR);
    fake.edit("f1", { city: "Rome" });
    clock.advance(HOUR);
    fake.rows = fake.rows.map((row) => (row.id === "k09" ? { ...row, name: "new" } : row));
    await run.run({ refresh: "changed" });
    clock.advance(HOUR);
    const open = await run.plan({ refresh: "full" });
    expect(summaryOf(open).basis.read).toBe("since");
    expect((await changesOf(open)).map(({ key }) => key)).toEqual(["k00"]);
  });

  test("an edit that could not be overwritten is seen until it is", async () => {
    const { fake, run, clock } = await fakeProject({}, since);
    fake.rows = people(60);
    await run.run();
    clock.advance(HOUR);
    fake.edit("f1", { city: "Rome" });
    clock.advance(HOUR);
    fake.script.write = async function* (batch) {
      yield {
        outcomes: batch.changes.map(({ key }) => ({ key, status: "rejected" as const, code: "NO", message: "no" })),
      };
    };
    await run.run();
    fake.script.write = undefined;
    clock.advance(HOUR);
    const open = await run.plan();
    expect(summaryOf(open).basis.read).toBe("since");
    expect((await changesOf(open)).map(({ key }) => key)).toEqual(["k00"]);
  });
});

test("what is in the warehouse twice, or without a key, is rejected by name and never picked", async () => {
  const { fake, run } = await fakeProject({ mode: "mirror" });
  fake.rows = people(4);
  await run.run();
  fake.rows = [
    ...people(2, "new"),
    { id: "k01", name: "again", city: null },
    { id: null, name: "x", city: "x" },
    { id: null, name: "y", city: "y" },
    { id: "k03", name: "n3", city: "Lyon" },
    { id: "k03", name: "n3", city: "Lyon" },
  ];
  const open = await run.plan();
  expect(summaryOf(open).rejected).toEqual([
    { code: "KEY_DUPLICATE", field: null, count: 4 },
    { code: "KEY_NULL", field: null, count: 2 },
  ]);
  // k01 and k03 are in the source, though nobody can say with which values: they are not deleted.
  expect((await changesOf(open)).map(({ key, action }) => [key, action])).toEqual([
    ["k00", "update"],
    ["k02", "delete"],
  ]);
  const off = await changesOf(await run.plan({ refresh: "off" }));
  expect(off.map(({ key }) => key)).toEqual(["k00" as RecordKey, "k02" as RecordKey]);
  expect(writes(fake)).toHaveLength(1);
});

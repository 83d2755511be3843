import { describe, expect, test } from "vitest";
import { isEmpty } from "../../src/core/plan.ts";
import { type FakeOptions, people } from "../fake.ts";
import { changesOf, plannedChanges, summaryOf, testProject, testSync } from "../world.ts";
import { byKey, fakeProject } from "./setup.ts";

/** What changed since is the only cheap way to read. */
const since: FakeOptions = { capabilities: { read: { since: { days: 30 }, scan: 0, keys: 5, ids: 5 } } };
const plain: FakeOptions = {};
const _HOUR = 3_600_000;
const idIsKey: FakeOptions = { capabilities: { idIsKey: true, read: { ids: 0 } } };
const checks = { capabilities: { checksBefore: true } };

describe("a record that moved between plan and apply is skipped, not overwritten", () => {
  test.each([
    ["by ids", plain],
    ["by what changed since", since],
    ["by keys", idIsKey],
  ])("seen %s", async (_, options) => {
    const { fake, run, clock } = await fakeProject({ mode: "mirror" }, options);
    fake.rows = people(8);
    await run.run();
    clock.advance(5_000);
    fake.rows = [...people(8, "new").slice(0, 4), { id: "x1", name: "x", city: null }];
    const open = await run.plan();
    expect(summaryOf(open).counts).toEqual({ create: 1, update: 4, delete: 4 });
    clock.advance(5_000);
    const id = (key: string) => [...fake.records].find(([, record]) => record.id === key)?.[0] ?? "";
    const edited = id("k00");
    fake.edit(edited, { name: "theirs" });
    fake.edit(id("k01"), null);
    fake.edit(id("k02"), { name: "new2" });
    fake.edit(id("k04"), { city: "Rome" });
    fake.edit(id("k05"), null);
    fake.edit(options === idIsKey ? "x1" : "other", { id: "x1", name: "theirs", city: null });

    const result = await run.apply(open);
    // k00 and k01 moved, k04 moved, x1 was made by somebody else; k02 and k05 are already as wanted.
    expect(result.syncs.people).toMatchObject({ applied: 5, skipped: 4 });
    expect(result.status).toBe("partial");
    const now = byKey(fake.records.values());
    expect(now.get("k00")?.name).toBe("theirs");
    expect(now.has("k01")).toBe(false);
    expect(now.get("k02")?.name).toBe("new2");
    expect(now.get("k03")?.name).toBe("new3");
    expect(now.get("k04")?.city).toBe("Rome");
    expect(now.get("x1")?.name).toBe("theirs");
    expect([...now.keys()].sort()).toEqual(["k00", "k02", "k03", "k04", "x1"]);
    // The next plan sees them as what they are.
    const next = await plannedChanges(await run.plan());
    expect(next.map(({ change, reason }) => [change.key, change.action, reason])).toEqual([
      ["k01", "create", "drift"],
      ["k00", "update", "conflict"],
      ["x1", "update", "warehouse"],
      ["k04", "delete", "conflict"],
    ]);
  });

  test("a sync that trusts a young plan looks at nothing again; with an old plan it looks", async () => {
    const { fake, run, clock } = await fakeProject({ recheckAfterMinutes: 15 });
    fake.rows = people(2);
    await run.run();
    const reads = () => fake.calls.filter(({ kind }) => kind === "read").length;
    for (const [age, looks] of [
      [14 * 60_000, 0],
      [16 * 60_000, 1],
    ] as const) {
      fake.rows = people(2, `after${age}`);
      const open = await run.plan();
      const before = reads();
      clock.advance(age);
      expect(await run.apply(open)).toMatchObject({ status: "applied" });
      expect(reads() - before).toBe(looks);
    }
  });

  test("a record made since the plan is not overwritten by a create that could be sent twice", async () => {
    const { fake, run } = await fakeProject({ mode: "create" }, { capabilities: { createIsIdempotent: "key" } });
    fake.rows = people(2);
    const open = await run.plan();
    fake.edit("other", { id: "k00", name: "theirs", city: null });
    expect((await run.apply(open)).syncs.people).toMatchObject({ applied: 1, skipped: 1 });
    expect(fake.records.get("other")).toMatchObject({ name: "theirs" });
    expect([...fake.records.values()].filter((record) => record.id === "k00")).toHaveLength(1);
  });

  test("two fields that differ only in case are refused by name", async () => {
    const { fake, run } = await fakeProject({ fields: { name: "name", Name: "city" } });
    fake.fields = [...fake.fields, { name: "Name", type: { kind: "text" } }];
    fake.rows = people(1);
    await expect(run.plan()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining('"name" and "Name" differ only in case'),
    });
  });

  test("where the write itself compares, nothing is read first", async () => {
    const { fake, run } = await fakeProject({}, checks);
    fake.rows = people(3);
    await run.run();
    fake.rows = people(3, "new");
    const open = await run.plan();
    const reads = fake.calls.filter(({ kind }) => kind === "read").length;
    fake.script.write = async function* (batch) {
      const [first, ...rest] = batch.changes;
      yield {
        outcomes: [
          ...(first ? [{ key: first.key, status: "skipped" as const, reason: "drifted" as const }] : []),
          ...fake.commit({ ...batch, changes: rest }),
        ],
      };
    };
    expect((await run.apply(open)).syncs.people).toMatchObject({ applied: 2, skipped: 1 });
    expect(fake.calls.filter(({ kind }) => kind === "read")).toHaveLength(reads);
    expect((await changesOf(await run.plan())).map(({ key }) => key)).toEqual(["k00"]);
  });
});

describe("guards", () => {
  const planned = async (guards: Parameters<typeof testSync>[0]["guards"], rows: number, more = {}) => {
    const { fake, run } = await fakeProject({ mode: "mirror", guards: { ...guards }, ...more });
    const permissive = testSync({
      fields: { name: "name", city: "city" },
      mode: "mirror",
      guards: { maxDeletes: 1e6 },
    });
    fake.rows = people(20);
    await run.with(testProject([permissive], run.project.connections)).run();
    fake.rows = people(rows, rows > 20 ? "new" : "n");
    return { open: await run.plan(), run, fake };
  };

  test.each([
    ["MAX_DELETES", { maxDeletes: 2 }, 17, {}],
    ["MAX_DELETE_PERCENT", { maxDeletePercent: 14 }, 17, {}],
    ["MAX_CHANGES", { maxChanges: 22 }, 23, {}],
    ["EMPTY_SOURCE", { allowEmptySource: false }, 0, {}],
  ] as const)("%s stops the plan, and apply refuses it", async (code, guards, rows, more) => {
    const { open, run, fake } = await planned(guards, rows, more);
    expect(summaryOf(open).guards.map((guard) => guard.code)).toEqual([code]);
    expect(open.manifest).toMatchObject({ stopped: true, complete: true });
    const before = fake.records.size;
    await expect(run.apply(open)).rejects.toMatchObject({ code: "GUARD_STOPPED" });
    expect(fake.records.size).toBe(before);
    expect(await run.resume()).toBeNull();
  });

  test.each([
    [{ maxDeletes: 3 }, 17],
    [{ maxDeletePercent: 15 }, 17],
    [{ maxChanges: 23 }, 23],
    [{ maxDeletes: 20, allowEmptySource: true }, 0],
  ])("a number that is just enough lets it through: %o", async (guards, rows) => {
    const { open, run } = await planned(guards, rows);
    expect(summaryOf(open).guards).toEqual([]);
    expect(await run.apply(open)).toMatchObject({ status: "applied" });
  });

  test("the share of deletes is counted among the records Ebb owns", async () => {
    const { fake, run } = await fakeProject({ mode: "mirror", guards: { maxDeletePercent: 50 } });
    const theirs = people(40).slice(4);
    theirs.forEach((record, i) => {
      fake.records.set(`t${i}`, record);
    });
    fake.rows = people(40);
    await run.run();
    // Four of the forty are Ebb's own; all four are to go.
    fake.rows = theirs;
    expect(summaryOf(await run.plan())).toMatchObject({
      counts: { delete: 4 },
      guards: [{ code: "MAX_DELETE_PERCENT", message: expect.stringContaining("of 4 owned") }],
    });
  });

  test("onDrift fail and failOnRejected stop as well", async () => {
    const { fake, run } = await fakeProject({ onDrift: "fail" });
    fake.rows = people(3);
    await run.run();
    fake.edit("f1", { city: "Rome" });
    expect(summaryOf(await run.plan()).guards.map(({ code }) => code)).toEqual(["DRIFT"]);

    const strict = await fakeProject({ failOnRejected: true });
    strict.fake.rows = [...people(3), { id: null, name: "x", city: "y" }];
    expect(summaryOf(await strict.run.plan()).guards.map(({ code }) => code)).toEqual(["REJECTED"]);
  });
});

describe("ownership", () => {
  test("mirror never deletes what it did not create", async () => {
    const { fake, run } = await fakeProject({ mode: "mirror" });
    fake.records.set("a", { id: "k00", name: "n0", city: "Lyon" });
    fake.records.set("b", { id: "k01", name: "old", city: "Lyon" });
    fake.records.set("c", { id: "stranger", name: "s", city: "s" });
    fake.rows = people(3);
    const first = await run.plan();
    expect(summaryOf(first)).toMatchObject({ counts: { create: 1, update: 1, delete: 0 }, confirmed: 1 });
    await run.apply(first);
    fake.rows = [];
    const open = await run.plan();
    expect((await changesOf(open)).map(({ key, action }) => [key, action])).toEqual([["k02", "delete"]]);
    await run.apply(open);
    expect([...fake.records.keys()].sort()).toEqual(["a", "b", "c"]);
    expect(isEmpty((await run.plan()).summary)).toBe(true);
  });

  test.each([
    ["scan", {}],
    ["keys", { scan: 0, keys: 5, ids: 5 }],
  ])("a record that somebody else made anew under the same key is theirs: read by %s", async (_, read) => {
    const { fake, run } = await fakeProject({ mode: "mirror" }, { capabilities: { read } });
    fake.rows = people(3);
    await run.run();
    fake.edit("f1", null);
    fake.edit("theirs", { id: "k00", name: "theirs", city: null });
    expect(await changesOf(await run.plan())).toMatchObject([{ action: "update", id: "theirs" }]);
    fake.rows = people(3).slice(1);
    expect(await changesOf(await run.plan())).toEqual([]);

    // Written to, it is still theirs.
    fake.rows = people(3);
    await run.run();
    fake.rows = people(3).slice(1);
    expect(await changesOf(await run.plan())).toEqual([]);
  });

  test("adopt makes those its own that match a row, and no others", async () => {
    const { fake, run } = await fakeProject({ mode: "mirror", adopt: true });
    fake.records.set("a", { id: "k00", name: "n0", city: "Lyon" });
    fake.records.set("b", { id: "k01", name: "old", city: "Lyon" });
    fake.records.set("c", { id: "stranger", name: "s", city: "s" });
    fake.rows = people(3);
    await run.run();
    fake.rows = [];
    await run.run();
    expect([...fake.records.keys()]).toEqual(["c"]);
  });

  test("a key that matches two records is rejected by name, and the one in the ledger wins over others", async () => {
    const { fake, run } = await fakeProject({ mode: "mirror" });
    fake.records.set("a", { id: "k00", name: "one", city: null });
    fake.records.set("b", { id: "k00", name: "two", city: null });
    fake.rows = people(2);
    const open = await run.plan();
    expect(summaryOf(open)).toMatchObject({
      counts: { create: 1, update: 0 },
      rejected: [{ code: "AMBIGUOUS", count: 1 }],
    });
    await run.apply(open);

    // Somebody makes a second k01: Ebb knows which one is its own.
    fake.edit("z", { id: "k01", name: "theirs", city: null });
    fake.rows = people(2, "new");
    const next = await run.plan();
    const changes = await changesOf(next);
    expect(changes).toMatchObject([{ action: "update", key: "k01", id: "f1" }]);
    expect(summaryOf(next).rejected).toMatchObject([{ code: "AMBIGUOUS" }]);
  });

  test("a record whose matched field was edited is still found by its id", async () => {
    const { fake, run } = await fakeProject({ mode: "mirror" });
    fake.rows = people(2);
    await run.run();
    fake.edit("f1", { id: "renamed" });
    fake.rows = people(2, "new");
    expect(await changesOf(await run.plan())).toMatchObject([
      { action: "update", key: "k00", id: "f1" },
      { action: "update", key: "k01", id: "f2" },
    ]);
  });
});

describe("lookups", () => {
  const text = { kind: "text" } as const;

  test("a field is filled with the id of another record; one that is not there, or twice, rejects its row", async () => {
    const { fake, run } = await fakeProject({
      fields: { name: "name", city: { lookup: { object: "cities", matchOn: "key", column: "city" } } },
    });
    fake.objects.set("cities", {
      fields: [{ name: "key", type: text }],
      records: new Map([
        ["c1", { key: "Lyon" }],
        ["c2", { key: "Rome" }],
        ["c3", { key: "Bern" }],
        ["c4", { key: "Bern" }],
      ]),
    });
    fake.rows = ["Lyon", "Rome", "Lyon", "Oslo", "Bern", null].map((city, i) => ({ id: `k${i}`, name: "n", city }));
    const open = await run.plan();
    expect((await changesOf(open)).map((change) => [change.key, "after" in change ? change.after.city : ""])).toEqual([
      ["k0", "c1"],
      ["k1", "c2"],
      ["k2", "c1"],
      ["k5", undefined],
    ]);
    expect(summaryOf(open).rejected).toEqual([{ code: "LOOKUP_MISSING", field: "city", count: 2 }]);
    await run.apply(open);
    expect(isEmpty((await run.plan()).summary)).toBe(true);
  });

  test("an unknown field of the looked-up object is named", async () => {
    const { fake, run } = await fakeProject({
      fields: { city: { lookup: { object: "cities", matchOn: "nmae", column: "city" } } },
    });
    fake.objects.set("cities", { fields: [{ name: "name", type: text }], records: new Map() });
    await expect(run.plan()).rejects.toMatchObject({ code: "FIELD_UNKNOWN", message: expect.stringContaining("name") });
  });
});

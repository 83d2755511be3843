import { describe, expect, test } from "vitest";
import { applied, type Batch, type Receipt, RecordError, rejected, TransientError } from "../../src/connector/index.ts";
import { isEmpty } from "../../src/core/plan.ts";
import { type Fake, people, writes } from "../fake.ts";
import { byKey, fakeProject } from "./setup.ts";

const once = <A extends unknown[]>(
  first: (...args: A) => AsyncIterable<Receipt>,
  then: (...args: A) => AsyncIterable<Receipt>,
) => {
  let calls = 0;
  return (...args: A) => (calls++ === 0 ? first(...args) : then(...args));
};

async function* behave(batch: Batch, fake: Fake): AsyncIterable<Receipt> {
  yield { outcomes: fake.commit(batch) };
}

const broken = () => new TransientError("NETWORK", "the connection broke");

describe("what a destination may do wrong while it writes", () => {
  test.each([2, 16, 100])("one poisoned record of %i fails alone, within 2·log2(n) further calls", async (n) => {
    const { fake, run } = await fakeProject(
      {},
      { capabilities: { write: [{ name: "batch", above: 0, records: n, concurrency: 1, calls: 1 }] } },
    );
    fake.rows = people(n);
    const poisoned = `k${String(Math.floor(n / 3)).padStart(2, "0")}`;
    fake.script.write = async function* (batch) {
      if (batch.changes.some(({ key }) => key === poisoned)) throw new RecordError("BAD_CITY", "no", { field: "city" });
      yield { outcomes: fake.commit(batch) };
    };
    const result = await run.run();
    expect(result.status).toBe("partial");
    expect(result.syncs.people).toMatchObject({ applied: n - 1, rejected: 1, doubt: 0, waiting: 0 });
    expect(result.rejected).toEqual([{ sync: "people", code: "BAD_CITY", field: "city", count: 1 }]);
    expect(fake.records.size).toBe(n - 1);
    expect([...fake.creates.values()].every((times) => times === 1)).toBe(true);
    expect(writes(fake).length - 1).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(n)));

    fake.script.write = undefined;
    expect((await run.run()).syncs.people).toMatchObject({ applied: 1 });
    expect(byKey(fake.records.values())).toEqual(byKey(fake.rows));
  });

  test("a rejection that may pass shortly is tried again, the others are not", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(4);
    let locked = 2;
    fake.script.write = async function* (batch) {
      const busy = batch.changes.filter(({ key }) => key === "k01" && locked-- > 0);
      const rest = { ...batch, changes: batch.changes.filter((change) => !busy.includes(change)) };
      yield {
        outcomes: [
          ...fake.commit(rest),
          ...busy.map(({ key }) => rejected(key, "ROW_LOCKED", "busy", { retry: true })),
        ],
      };
    };
    const result = await run.run();
    expect(result.status).toBe("applied");
    expect(writes(fake).map(({ changes }) => changes.length)).toEqual([4, 1, 1]);
    expect(fake.creates).toEqual(new Map(fake.rows.map(({ id }) => [id, 1])));
  });

  test("a rejection that never passes ends as a rejection, after a few attempts", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(1);
    fake.script.write = async function* (batch) {
      yield { outcomes: batch.changes.map(({ key }) => rejected(key, "ROW_LOCKED", "busy", { retry: true })) };
    };
    const result = await run.run();
    expect(result.syncs.people).toMatchObject({ rejected: 1 });
    expect(writes(fake).length).toBeLessThan(10);
  });

  test("outcomes that are missing are settled by reading back; strange ones say nothing", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(6);
    fake.script.write = once<[Batch, Fake]>(async function* (batch) {
      const [first, second, third, ...others] = fake.commit({ ...batch, changes: batch.changes.slice(0, 4) });
      if (!first || !second || !third) return;
      // k02 and k03 were written but not answered, k04 and k05 were lost.
      yield { outcomes: [first, { ...first, status: "applied", id: "another" }, second] };
      yield { outcomes: [applied("stranger" as typeof first.key, "x")] };
      expect(others).toHaveLength(1);
    }, behave);
    const result = await run.run();
    expect(result.status).toBe("applied");
    expect(fake.creates).toEqual(new Map(fake.rows.map(({ id }) => [id, 1])));
    expect(writes(fake).map(({ changes }) => changes.map(({ key }) => key))).toEqual([
      ["k00", "k01", "k02", "k03", "k04", "k05"],
      ["k04", "k05"],
    ]);
    expect(isEmpty((await run.plan()).summary)).toBe(true);
  });

  test.each(["before", "after"] as const)(
    "a connection that breaks %s the commit leaves no duplicate and no gap",
    async (when) => {
      const { fake, run } = await fakeProject({ mode: "mirror" });
      fake.rows = people(20);
      await run.run();
      fake.rows = [...people(10, "new"), { id: "x1", name: "x", city: null }, { id: "x2", name: "x", city: "" }];
      fake.creates.clear();
      const failed = new Set<string>();
      fake.script.write = async function* (batch) {
        if (!failed.has(batch.action)) {
          failed.add(batch.action);
          if (when === "after") fake.commit(batch);
          throw broken();
        }
        yield { outcomes: fake.commit(batch) };
      };
      const result = await run.run();
      expect(result.status).toBe("applied");
      expect([...failed].sort()).toEqual(["create", "delete", "update"]);
      expect(byKey(fake.records.values())).toEqual(byKey(fake.rows));
      expect([...fake.creates.values()]).toEqual([1, 1]);
      expect(isEmpty((await run.plan()).summary)).toBe(true);
    },
  );

  test("where a record cannot be read back, a create is left in doubt, and the next plan finds out", async () => {
    const { fake, run } = await fakeProject({ mode: "upsert" }, { capabilities: { read: { keys: 0, ids: 0 } } });
    fake.rows = people(3);
    fake.script.write = async function* (batch) {
      yield* [];
      fake.commit(batch);
      throw broken();
    };
    const result = await run.run();
    expect(result).toMatchObject({ status: "partial", syncs: { people: { doubt: 3, applied: 0 } } });
    expect(writes(fake)).toHaveLength(1);

    fake.script.write = undefined;
    const open = await run.plan();
    expect(isEmpty(open.summary)).toBe(true);
    await run.apply(open);
    expect(fake.creates).toEqual(new Map(fake.rows.map(({ id }) => [id, 1])));
  });

  test("createSafety atLeastOnce sends such a create again", async () => {
    const { fake, run } = await fakeProject(
      { createSafety: "atLeastOnce" },
      { capabilities: { read: { keys: 0, ids: 0 } } },
    );
    fake.rows = people(2);
    fake.script.write = once<[Batch, Fake]>(async function* () {
      yield* [];
      throw broken();
    }, behave);
    expect(await run.run()).toMatchObject({ status: "applied" });
    expect(fake.records.size).toBe(2);
  });

  test("the settling read waits until a write is surely visible", async () => {
    const { fake, run, clock } = await fakeProject({}, { capabilities: { read: { lagSeconds: 45 } } });
    fake.rows = people(2);
    let committed = 0;
    let settling = false;
    fake.script.write = once<[Batch, Fake]>(async function* (batch) {
      committed = clock.now();
      settling = true;
      fake.commit(batch);
      yield* [];
      throw broken();
    }, behave);
    fake.script.read = () => {
      if (settling) expect(clock.now() - committed).toBeGreaterThanOrEqual(45_000);
    };
    expect(await run.run()).toMatchObject({ status: "applied" });
    expect([...fake.creates.values()]).toEqual([1, 1]);
  });

  test("what surely was not sent is sent again without reading back", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(3);
    let reads = 0;
    fake.script.write = once<[Batch, Fake]>(async function* () {
      yield* [];
      reads = fake.calls.filter(({ kind }) => kind === "read").length;
      throw new TransientError("NETWORK", "refused", { unsent: true });
    }, behave);
    expect(await run.run()).toMatchObject({ status: "applied" });
    expect(fake.calls.filter(({ kind }) => kind === "read")).toHaveLength(reads);
    expect(writes(fake)).toHaveLength(2);
    expect(writes(fake)[0]?.id).toBe(writes(fake)[1]?.id);
  });

  test("a destination that stays away stops the run, which a later apply finishes", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(40);
    let left = 1;
    fake.script.write = async function* (batch) {
      if (left-- <= 0) throw new TransientError("UNAVAILABLE", "down", { unsent: true });
      yield { outcomes: fake.commit(batch) };
    };
    const stopped = await run.run();
    expect(stopped).toMatchObject({ status: "stopped", ended: null });
    expect(stopped.problem).toContain("UNAVAILABLE");
    expect(stopped.syncs.people).toMatchObject({ applied: 16, waiting: 24 });
    await expect(run.apply(await run.plan())).rejects.toMatchObject({ code: "RUN_UNFINISHED" });

    fake.script.write = undefined;
    expect(await run.resume()).toMatchObject({ run: stopped.run, status: "applied" });
    expect(fake.creates).toEqual(new Map(fake.rows.map(({ id }) => [id, 1])));
    expect(await run.resume()).toBeNull();
  });
});

describe("where a create that is sent twice is refused", () => {
  const conflict = { capabilities: { createIsIdempotent: "conflict" as const } };

  test("nothing is read before creates, and a refusal is looked into", async () => {
    const { fake, run } = await fakeProject({}, conflict);
    fake.rows = people(4);
    const open = await run.plan();
    // Since the plan somebody made one of them differently, and one just as wanted.
    fake.records.set("x0", { id: "k00", name: "theirs", city: null });
    fake.records.set("x1", { id: "k01", name: "n1", city: "Lyon" });
    fake.script.write = async function* (batch) {
      const there = new Set([...fake.records.values()].map(({ id }) => id));
      const bad = (key: string) => there.has(key) || key === "k02";
      yield {
        outcomes: [
          ...fake.commit({ ...batch, changes: batch.changes.filter(({ key }) => !bad(key)) }),
          ...batch.changes.filter(({ key }) => bad(key)).map(({ key }) => rejected(key, "CONFLICT", "refused")),
        ],
      };
    };
    fake.calls.length = 0;
    const result = await run.apply(open);
    expect(result.syncs.people).toMatchObject({ applied: 2, skipped: 1, rejected: 1 });
    const order = fake.calls.flatMap(({ kind }) => (kind === "read" || kind === "write" ? [kind] : []));
    expect(order).toEqual(["write", "read"]);
    expect(byKey(fake.records.values()).get("k00")?.name).toBe("theirs");
  });

  test("an update is still looked at before it is written", async () => {
    const { fake, run } = await fakeProject({ mode: "update" }, conflict);
    fake.rows = people(1, "new");
    fake.records.set("x0", { id: "k00", name: "old", city: "Lyon" });
    const open = await run.plan();
    fake.edit("x0", { name: "theirs" });
    expect((await run.apply(open)).syncs.people).toMatchObject({ applied: 0, skipped: 1 });
  });
});

test("nobody waits for hours with the lock held: the run stops and can be resumed", async () => {
  const { fake, run, clock } = await fakeProject();
  fake.rows = people(2);
  const begun = clock.now();
  fake.script.write = once(async function* (): AsyncIterable<Receipt> {
    yield { outcomes: [] };
    throw new TransientError("UNAVAILABLE", "the account is being moved", { retryAfterMs: 7_200_000, unsent: true });
  }, behave);
  expect((await run.run()).status).toBe("stopped");
  expect(clock.now() - begun).toBeLessThan(60_000);
  expect((await run.resume())?.status).toBe("applied");
  expect(byKey(fake.records.values())).toEqual(byKey(fake.rows));
});

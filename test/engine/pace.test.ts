import { describe, expect, test } from "vitest";
import { AuthError, type Batch, type Receipt, TransientError } from "../../src/connector/index.ts";
import { people, writes } from "../fake.ts";
import { byKey, fakeProject } from "./setup.ts";

const broken = () => new TransientError("NETWORK", "the connection broke");

describe("a destination that asks to slow down", () => {
  test("429 pauses every call of the account for as long as it says", async () => {
    const { fake, run, clock } = await fakeProject(
      {},
      {
        http: true,
        capabilities: {
          rates: [{ bucket: "calls", limit: 100, perMs: 1_000 }],
          write: [{ name: "batch", above: 0, records: 4, concurrency: 3, calls: 1 }],
        },
      },
    );
    fake.rows = people(40);
    const open = await run.plan();
    const sent: number[] = [];
    let pausedUntil = 0;
    fake.script.answer = () => {
      expect(clock.now()).toBeGreaterThanOrEqual(pausedUntil);
      sent.push(clock.now());
      if (sent.length !== 5) return { status: 200 };
      pausedUntil = clock.now() + 20_000;
      return { status: 429, headers: { "retry-after": "20" } };
    };
    const result = await run.apply(open);
    // A read that is refused stops the run for later; a write is repeated.
    const final = result.status === "stopped" ? await run.resume() : result;
    expect(final?.status).toBe("applied");
    expect(pausedUntil).toBeGreaterThan(0);
    expect(fake.creates).toEqual(new Map(fake.rows.map(({ id }) => [id, 1])));
  });

  test("429 without Retry-After backs off further each time", async () => {
    const { fake, run, clock } = await fakeProject({}, { http: true });
    fake.rows = people(1);
    const open = await run.plan();
    const writesAt: number[] = [];
    fake.script.answer = (path) => {
      if (path !== "/write") return { status: 200 };
      writesAt.push(clock.now());
      return { status: writesAt.length < 5 ? 429 : 200 };
    };
    expect(await run.apply(open)).toMatchObject({ status: "applied" });
    const gaps = writesAt.slice(1).map((at, i) => at - (writesAt[i] ?? 0));
    expect(gaps).toEqual([...gaps].sort((a, b) => a - b));
    expect(gaps[gaps.length - 1]).toBeGreaterThan(gaps[0] ?? 0);
  });

  test("a quota that is used up stops the run, and resuming finishes it", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(40);
    let quota = 2;
    fake.script.write = async function* (batch) {
      if (quota-- <= 0) throw new TransientError("QUOTA_EXHAUSTED", "1000 of 1000 calls used", { unsent: true });
      yield { outcomes: fake.commit(batch) };
    };
    const stopped = await run.run();
    expect(stopped.status).toBe("stopped");
    expect(stopped.problem).toContain("QUOTA_EXHAUSTED");
    expect(stopped.syncs.people).toMatchObject({ applied: 32, waiting: 8 });
    // It is not tried again and again: the quota does not come back in a minute.
    expect(writes(fake)).toHaveLength(3);
    quota = 100;
    expect(await run.resume()).toMatchObject({ status: "applied", syncs: { people: { applied: 40 } } });
    expect(fake.creates).toEqual(new Map(fake.rows.map(({ id }) => [id, 1])));
  });
});

describe("work the destination goes on with by itself", () => {
  const later = async function* (batch: Batch): AsyncIterable<Receipt> {
    yield { ticket: `job-${batch.id}` };
    throw broken();
  };

  test("a job that was begun is followed to its end, never begun again", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(5);
    fake.script.write = later;
    const resumed: string[] = [];
    fake.script.resume = async function* (ticket, batch) {
      resumed.push(ticket);
      if (resumed.length === 1) throw broken();
      yield { outcomes: fake.commit(batch) };
    };
    expect(await run.run()).toMatchObject({ status: "applied" });
    expect(writes(fake)).toHaveLength(1);
    expect(new Set(resumed).size).toBe(1);
    expect([...fake.creates.values()]).toEqual([1, 1, 1, 1, 1]);
  });

  test("a refused login leaves the job to the resumed run", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(5);
    fake.script.write = later;
    fake.script.resume = async function* () {
      yield* [];
      throw new AuthError("AUTH_REFUSED", "the session has ended");
    };
    expect((await run.run()).status).toBe("stopped");
    fake.script.resume = async function* (_, batch) {
      yield { outcomes: fake.commit(batch) };
    };
    expect(await run.resume()).toMatchObject({ status: "applied" });
    expect(writes(fake)).toHaveLength(1);
    expect([...fake.creates.values()]).toEqual([1, 1, 1, 1, 1]);
  });
});

describe("order and size of batches", () => {
  test("creates, updates and deletes follow each other, each batch of one action and no larger than declared", async () => {
    const { fake, run } = await fakeProject(
      { mode: "mirror" },
      { capabilities: { write: [{ name: "batch", above: 0, records: 7, bytes: 900, concurrency: 3, calls: 1 }] } },
    );
    fake.rows = people(50);
    await run.run();
    fake.calls.length = 0;
    fake.rows = [...people(30, "b".repeat(120)), ...people(70).slice(50)];
    expect(await run.run()).toMatchObject({ status: "applied" });
    const order = writes(fake).map(({ action }) => action);
    expect(order).toEqual([...order].sort((a, b) => rank.indexOf(a) - rank.indexOf(b)));
    for (const batch of writes(fake)) {
      expect(batch.changes.length).toBeLessThanOrEqual(7);
      expect(new Set(batch.changes.map(({ action }) => action))).toEqual(new Set([batch.action]));
      const bytes = batch.changes.map((one) => JSON.stringify("after" in one ? one.after : {}).length);
      expect(bytes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(900);
    }
    expect(byKey(fake.records.values())).toEqual(byKey(fake.rows));
  });

  test("the route with the highest threshold below the number of changes is taken", async () => {
    const route = (name: string, above: number) => ({ name, above, records: 100, concurrency: 1, calls: 1 });
    const { fake, run } = await fakeProject(
      { mode: "mirror" },
      { capabilities: { write: [route("single", 0), route("bulk", 20)] } },
    );
    fake.rows = people(20);
    await run.run();
    fake.rows = people(41);
    await run.run();
    expect(writes(fake).map(({ route: name, changes }) => [name, changes.length])).toEqual([
      ["single", 20],
      ["bulk", 21],
    ]);
  });
});

const rank = ["create", "update", "delete"];

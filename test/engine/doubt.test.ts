import { describe, expect, test } from "vitest";
import { applied, type Batch, type Outcome, rejected, TransientError } from "../../src/connector/index.ts";
import { takeLock } from "../../src/engine/state/lock.ts";
import { type Fake, people, writes } from "../fake.ts";
import { summaryOf } from "../world.ts";
import { fakeProject } from "./setup.ts";

const broken = () => new TransientError("NETWORK", "the connection broke");

/** Does its work and loses the answer, the first time. */
function losesFirstAnswer(fake: Fake, later: (batch: Batch) => void = () => undefined) {
  let calls = 0;
  return async function* (batch: Batch) {
    if (calls++ === 0) {
      fake.commit(batch);
      throw broken();
    }
    later(batch);
    yield { outcomes: fake.commit(batch) };
  };
}

const keyed = { createIsIdempotent: "header", read: { keys: 0, ids: 0 } } as const;

/** Each key does the work of each change once; what was refused for now is no work, and is tried again. */
function keptByKey(fake: Fake) {
  const kept = new Map<string, Map<string, Outcome>>();
  return (batch: Batch, busy: (key: string) => boolean = () => false): readonly Outcome[] => {
    const known = kept.get(batch.id) ?? new Map<string, Outcome>();
    kept.set(batch.id, known);
    for (const change of batch.changes)
      if (!known.has(change.key) && !busy(change.key))
        for (const outcome of fake.commit({ ...batch, changes: [change] })) known.set(change.key, outcome);
    return batch.changes.map(({ key }) => known.get(key) ?? rejected(key, "ROW_LOCKED", "busy", { retry: true }));
  };
}

describe("a create in doubt", () => {
  test("under an idempotency key is sent again as the very same batch, where nobody can look", async () => {
    const { fake, run } = await fakeProject(
      {},
      { capabilities: { createIsIdempotent: "header", read: { keys: 0, ids: 0 } } },
    );
    fake.rows = people(3);
    const seen = new Map<string, Batch>();
    fake.script.write = async function* (batch) {
      const known = seen.get(batch.id);
      seen.set(batch.id, batch);
      if (known) {
        // The vendor answers as it would have the first time.
        expect(batch.changes).toEqual(known.changes);
        yield { outcomes: batch.changes.map(({ key }, i) => applied(key, `f${i + 1}`)) };
        return;
      }
      const [first] = fake.commit(batch);
      if (first) yield { outcomes: [first] };
      throw broken();
    };
    expect(await run.run()).toMatchObject({ status: "applied", syncs: { people: { applied: 3 } } });
    expect(writes(fake)).toHaveLength(2);
    expect([...fake.creates.values()]).toEqual([1, 1, 1]);
  });

  test("under an idempotency key stays in doubt while the run is stopped, and is sent as the same batch again", async () => {
    const { fake, run } = await fakeProject(
      {},
      {
        capabilities: {
          createIsIdempotent: "header",
          read: { keys: 0, ids: 0 },
          write: [{ name: "batch", above: 0, records: 2, concurrency: 1, calls: 1 }],
        },
      },
    );
    fake.rows = people(3);
    const done = new Map<string, Batch>();
    let away = true;
    fake.script.write = async function* (batch) {
      // Each key does its work once; the answers are lost while the connection is bad.
      if (!done.has(batch.id)) fake.commit(batch);
      done.set(batch.id, batch);
      if (!away) yield { outcomes: batch.changes.map(({ key }) => applied(key, `id-${key}`)) };
    };
    expect(await run.run()).toMatchObject({ status: "stopped", syncs: { people: { sent: 2, waiting: 1 } } });
    away = false;
    expect(await run.resume()).toMatchObject({ status: "applied", syncs: { people: { applied: 3 } } });
    expect([...fake.creates.values()]).toEqual([1, 1, 1]);
    expect(done.size).toBe(2);
  });

  test("under an idempotency key takes along what was refused for now, since the same batch does that work as well", async () => {
    const { fake, run } = await fakeProject({}, { capabilities: keyed });
    fake.rows = people(3);
    const vendor = keptByKey(fake);
    let calls = 0;
    fake.script.write = async function* (batch) {
      // The first answer says nothing of the second record.
      const outcomes = vendor(batch, (key) => calls === 0 && key === "k00");
      yield { outcomes: calls++ === 0 ? outcomes.filter((_, i) => i !== 1) : outcomes };
    };
    expect(await run.run()).toMatchObject({ status: "applied", syncs: { people: { applied: 3 } } });
    expect(writes(fake)).toHaveLength(2);
    expect([...fake.creates.values()]).toEqual([1, 1, 1]);
  });

  test("under an idempotency key stays in doubt although a later call surely did nothing", async () => {
    const { fake, run } = await fakeProject(
      {},
      { capabilities: { ...keyed, write: [{ name: "batch", above: 0, records: 2, concurrency: 1, calls: 1 }] } },
    );
    fake.rows = people(3);
    const vendor = keptByKey(fake);
    let calls = 0;
    let away = true;
    fake.script.write = async function* (batch) {
      if (++calls > 1 && away) throw new TransientError("RATE_LIMITED", "too many calls", { unsent: true });
      const outcomes = vendor(batch);
      yield { outcomes: away ? outcomes.slice(0, 1) : outcomes };
    };
    expect(await run.run()).toMatchObject({
      status: "stopped",
      syncs: { people: { applied: 1, sent: 1, waiting: 1 } },
    });
    away = false;
    expect(await run.resume()).toMatchObject({ status: "applied", syncs: { people: { applied: 3 } } });
    expect([...fake.creates.values()]).toEqual([1, 1, 1]);
  });

  test("under a key that may be forgotten by now is left in doubt", async () => {
    const { fake, run, clock } = await fakeProject(
      {},
      { capabilities: { createIsIdempotent: "header", read: { keys: 0, ids: 0 } } },
    );
    fake.rows = people(1);
    const stop = new AbortController();
    fake.script.write = async function* (batch) {
      fake.commit(batch);
      stop.abort();
      yield* [];
      throw new Error("killed");
    };
    const open = await run.plan();
    await run.apply(open, { abort: stop.signal });
    clock.advance(21 * 3_600_000);
    fake.script.write = undefined;
    expect(await run.resume()).toMatchObject({ syncs: { people: { doubt: 1 } } });
    expect(fake.creates.get("k00")).toBe(1);
  });

  test("is not looked for before the vendor has surely ended the call, nor sent twice when that ends late", async () => {
    const { fake, run, clock } = await fakeProject({}, { capabilities: { callSeconds: 20 } });
    fake.rows = people(2);
    let sentAt = 0;
    let late: Batch | undefined;
    fake.script.write = async function* (batch) {
      if (sentAt === 0) {
        sentAt = clock.now();
        late = batch;
        throw broken();
      }
      yield { outcomes: fake.commit(batch) };
    };
    fake.script.read = () => {
      if (sentAt === 0) return;
      expect(clock.now() - sentAt).toBeGreaterThanOrEqual(20_000);
      // It landed long after the connection broke.
      if (late) fake.commit(late);
      late = undefined;
    };
    expect(await run.run()).toMatchObject({ status: "applied" });
    expect([...fake.creates.values()]).toEqual([1, 1]);
  });

  test("a destination that shows it only after a long while is not waited for: the next plan sees, and nothing is made twice", async () => {
    const { fake, run, clock } = await fakeProject({}, { capabilities: { read: { lagSeconds: 900 } } });
    fake.rows = people(2);
    fake.script.write = losesFirstAnswer(fake);
    const begun = clock.now();
    expect(await run.run()).toMatchObject({ syncs: { people: { doubt: 2 } } });
    expect(clock.now() - begun).toBeLessThan(60_000);
    fake.script.write = undefined;
    expect(summaryOf(await run.plan())).toMatchObject({ complete: false });
    clock.advance(900_000);
    expect(summaryOf(await run.plan())).toMatchObject({ complete: true, counts: { create: 0 }, confirmed: 2 });
    expect([...fake.creates.values()]).toEqual([1, 1]);
  });

  test("where plans read nothing either, it is not created again until somebody says so", async () => {
    const { fake, run } = await fakeProject({ refresh: "off" }, { capabilities: { read: { keys: 0, ids: 0 } } });
    fake.rows = people(1);
    fake.script.write = losesFirstAnswer(fake);
    expect(await run.run()).toMatchObject({ syncs: { people: { doubt: 1 } } });
    for (let again = 0; again < 2; again++) {
      const open = await run.plan();
      expect(summaryOf(open).rejected).toEqual([{ code: "IN_DOUBT", field: null, count: 1 }]);
      await run.apply(open);
    }
    expect(fake.creates.get("k00")).toBe(1);
    expect(summaryOf(await run.plan({ refresh: "full" })).counts.create).toBe(0);
  });

  test("of a job under an idempotency key is sent again as the very same batch, whoever takes the job up", async () => {
    const { fake, run } = await fakeProject({}, { capabilities: keyed });
    fake.rows = people(3);
    const vendor = keptByKey(fake);
    const stop = new AbortController();
    fake.script.write = async function* (batch) {
      const [first] = vendor(batch);
      yield { ticket: "job" };
      if (first) yield { outcomes: [first] };
      stop.abort();
      throw new Error("killed");
    };
    await run.apply(await run.plan(), { abort: stop.signal });
    fake.script.write = async function* (batch) {
      yield { outcomes: vendor(batch) };
    };
    // The job is gone, and nobody can look.
    fake.script.resume = async function* () {
      yield* [];
    };
    expect(await run.resume()).toMatchObject({ status: "applied", syncs: { people: { applied: 3 } } });
    expect([...fake.creates.values()]).toEqual([1, 1, 1]);
  });

  test("of a job that is not known any more is looked for, never sent record by record", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(4);
    fake.script.write = async function* (batch) {
      fake.commit(batch);
      yield { ticket: "job" };
      throw broken();
    };
    fake.script.resume = async function* () {
      yield* [];
      const { RecordError } = await import("../../src/connector/index.ts");
      throw new RecordError("HTTP_404", "no such job");
    };
    expect(await run.run()).toMatchObject({ status: "applied" });
    expect([...fake.creates.values()]).toEqual([1, 1, 1, 1]);
    expect(writes(fake)).toHaveLength(1);
  });
});

test("a plan right after a run waits until the destination shows what the run wrote", async () => {
  const { fake, run, clock } = await fakeProject({}, { capabilities: { read: { lagSeconds: 30 } } });
  fake.rows = people(2);
  await run.run();
  const written = clock.now();
  fake.script.read = () => expect(clock.now() - written).toBeGreaterThanOrEqual(30_000);
  expect(summaryOf(await run.plan()).counts).toMatchObject({ create: 0 });
  expect(clock.now() - written).toBeLessThan(60_000);
});

test("whoever finds the state locked is told by whom: user, host, process and the CI job", async () => {
  const { run } = await fakeProject();
  const env = { GITHUB_RUN_ID: "77", GITHUB_SERVER_URL: "https://git.example.com", GITHUB_REPOSITORY: "acme/crm" };
  const lock = await takeLock({ ...run.world, env }, run.store);
  await expect(takeLock(run.world, run.store)).rejects.toMatchObject({
    code: "STATE_LOCKED",
    message: expect.stringMatching(
      new RegExp(`held by .+@.+, process ${process.pid}, .*https://git.example.com/acme/crm/actions/runs/77`),
    ),
  });
  await lock.release();
});

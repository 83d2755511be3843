import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AuthError, TransientError } from "../../src/connector/index.ts";
import { isEmpty } from "../../src/core/plan.ts";
import { savePlan, unpackPlan } from "../../src/engine/plan-file.ts";
import { makeFake, people, writes } from "../fake.ts";
import { runner, summaryOf, temporaryFolder, testProject, testSync } from "../world.ts";
import { fakeProject } from "./setup.ts";

const flip = async (file: string) => {
  const bytes = await readFile(file);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
};

async function saved() {
  const { fake, run } = await fakeProject();
  fake.rows = people(3);
  const open = await run.plan();
  const file = join(await temporaryFolder(), "plan.ebb");
  await savePlan(open, file);
  return { run, open, file };
}

describe("a plan that does not fit the world any more is refused before any write", () => {
  test("expired", async () => {
    const { fake, run, clock } = await fakeProject();
    fake.rows = people(2);
    const open = await run.plan({ expiresMs: 60_000 });
    clock.advance(60_001);
    await expect(run.apply(open)).rejects.toMatchObject({ code: "PLAN_EXPIRED", effect: "conflict" });
    expect(writes(fake)).toEqual([]);
  });

  test.each([0, 2])("stale, at serial %i", async (rows) => {
    const { fake, run } = await fakeProject();
    fake.rows = people(rows);
    if (rows > 0) await run.run();
    fake.rows = people(5);
    const [first, second] = [await run.plan(), await run.plan()];
    await run.apply(first);
    const before = writes(fake).length;
    await expect(run.apply(second)).rejects.toMatchObject({ code: "PLAN_STALE" });
    expect(writes(fake)).toHaveLength(before);
  });

  test("foreign: another state, another account, another configuration", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(2);
    await run.run();
    fake.rows = people(3);
    const open = await run.plan();

    const elsewhere = await fakeProject();
    elsewhere.fake.rows = people(2);
    await elsewhere.run.run();
    await expect(elsewhere.run.apply(open)).rejects.toMatchObject({ code: "PLAN_FOREIGN" });

    fake.account = "fake:2";
    await expect(run.apply(open)).rejects.toMatchObject({ code: "PLAN_FOREIGN" });
    fake.account = "fake:1";

    const edited = testSync({ fields: { name: "name", city: { column: "city", trim: true } } });
    const other = run.with(testProject([edited], run.project.connections));
    await expect(other.apply(open)).rejects.toMatchObject({ code: "PLAN_FOREIGN" });
    expect(writes(fake)).toHaveLength(1);
    // Nothing of the refused runs is left to finish.
    expect(await run.apply(open)).toMatchObject({ status: "applied" });
  });

  test("planning for another account than the recorded one is refused as well", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(2);
    await run.run();
    fake.account = "fake:2";
    await expect(run.plan()).rejects.toMatchObject({ code: "PLAN_FOREIGN" });
  });

  test("altered: any bit of any file", async () => {
    const { run, open, file } = await saved();
    const whole = await unpackPlan(run.world, file, await temporaryFolder());
    expect(whole.manifest).toEqual(open.manifest);
    expect(whole.summary).toEqual(open.summary);

    const size = (await readFile(file)).length;
    for (const at of [0.01, 0.2, 0.4, 0.6, 0.8, 0.99].map((share) => Math.floor(share * size))) {
      const bytes = await readFile(file);
      bytes[at] = (bytes[at] ?? 0) ^ 4;
      const bad = join(await temporaryFolder(), "bad.ebb");
      await writeFile(bad, bytes);
      const outcome = await unpackPlan(run.world, bad, await temporaryFolder()).then(
        // Bits that say nothing (a time stamp) may differ, but never what the plan is.
        ({ manifest, summary }) => ({ manifest, summary }),
        (error: { code?: string }) => error.code,
      );
      if (typeof outcome === "string") expect(outcome).toMatch(/^PLAN_(ALTERED|UNREADABLE|VERSION)$/);
      else expect(outcome).toEqual({ manifest: open.manifest, summary: open.summary });
    }
    await writeFile(file, (await readFile(file)).subarray(0, size - 40));
    await expect(unpackPlan(run.world, file, await temporaryFolder())).rejects.toMatchObject({
      code: "PLAN_UNREADABLE",
    });
  });

  test("no room to unpack it is no fault of the plan", async () => {
    const { run, open, file } = await saved();
    const folder = await temporaryFolder();
    const [changes = ""] = Object.keys(open.manifest.files).filter((name) => name.startsWith("changes/"));
    // As root nothing is refused for want of a right, so something is in the way.
    await mkdir(join(folder, changes), { recursive: true });
    await expect(unpackPlan(run.world, file, folder)).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
  });

  test("a plan that cannot be read whole is not saved, and nothing stays behind", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(3);
    const open = await run.plan();
    const folder = await temporaryFolder();
    await rm(join(open.directory, "summary.json"));
    await expect(savePlan(open, join(folder, "plan.ebb"))).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    expect(await readdir(folder)).toEqual([]);
  });

  test("an altered copy inside the state is not resumed", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(3);
    fake.script.write = async function* () {
      yield* [];
      throw new TransientError("QUOTA_EXHAUSTED", "used up", { unsent: true });
    };
    const { run: id } = await run.run();
    fake.script.write = undefined;
    await flip(run.store.path(`runs/${id}/plan/changes/people.parquet`));
    await expect(run.resume()).rejects.toMatchObject({ code: "PLAN_ALTERED" });
    expect(fake.records.size).toBe(0);
  });

  test("credentials that are refused before the first write leave no run behind", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(3);
    const open = await run.plan();
    fake.script.write = async function* () {
      yield* [];
      throw new AuthError("AUTH_REFUSED", "no");
    };
    await expect(run.apply(open)).rejects.toMatchObject({ code: "AUTH_REFUSED" });
    fake.script.write = undefined;
    expect(await run.resume()).toBeNull();
    expect(await run.apply(open)).toMatchObject({ status: "applied" });
  });
});

describe("unknown is never zero", () => {
  const away = () => {
    throw new TransientError("UNAVAILABLE", "down");
  };

  test.each(["source", "describe", "read"] as const)(
    "the %s fails: the plan is incomplete, changes nothing and is refused",
    async (what) => {
      const { fake, run } = await fakeProject({ mode: "mirror" });
      fake.rows = people(4);
      await run.run();
      fake.rows = people(2);
      fake.script[what] = away;
      const open = await run.plan();
      expect(open.manifest).toMatchObject({ complete: false, syncs: [] });
      expect(summaryOf(open)).toMatchObject({ complete: false, counts: { create: 0, update: 0, delete: 0 } });
      expect(summaryOf(open).problem).toContain("UNAVAILABLE");
      await expect(run.apply(open)).rejects.toMatchObject({ code: "PLAN_INCOMPLETE" });
      expect(fake.records.size).toBe(4);
    },
  );

  test("a read that breaks between its pages is not a shorter list", async () => {
    const { fake, run } = await fakeProject(
      { mode: "mirror" },
      { capabilities: { read: { keys: 2, ids: 2, scan: 0 } } },
    );
    fake.rows = people(10);
    await run.run();
    let pages = 0;
    fake.script.read = () => {
      if (++pages === 3) away();
    };
    expect((await run.plan()).manifest.complete).toBe(false);
    fake.script.read = undefined;
    expect(isEmpty((await run.plan()).summary)).toBe(true);
  });

  test("one sync that cannot be read blocks the plan, and the others are still shown", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(3);
    const broken = makeFake({ name: "broken" });
    broken.script.source = away;
    const world = { ...run.world, systems: [fake.system, broken.system] };
    const bad = testSync({
      name: "bad",
      source: { connection: "lake", table: "rows" },
      destination: { connection: "crm", object: "people" },
      fields: { city: "city" },
    });
    const project = testProject([...run.project.syncs, bad], {
      ...run.project.connections,
      lake: { system: "broken", options: {} },
    });
    const both = runner(world, project);
    const open = await both.plan();
    expect(open.manifest.complete).toBe(false);
    expect(summaryOf(open, "people").counts.create).toBe(3);
    await expect(both.apply(open)).rejects.toMatchObject({
      code: "PLAN_INCOMPLETE",
      message: expect.stringContaining('"bad"'),
    });
    const target = await both.plan({ targets: ["people"] });
    expect(await both.apply(target)).toMatchObject({ status: "applied" });
  });

  test("what is wrong in the project stops the plan and names what would be right", async () => {
    const { run } = await fakeProject({ fields: { nam: "name" } });
    await expect(run.plan()).rejects.toMatchObject({
      code: "FIELD_UNKNOWN",
      message: expect.stringContaining('"name"'),
    });
    const columns = await fakeProject({ fields: { name: "nmae" } });
    await expect(columns.run.plan()).rejects.toMatchObject({
      code: "COLUMN_UNKNOWN",
      message: expect.stringContaining('did you mean "name"'),
    });
    const { run: known } = await fakeProject();
    await expect(known.plan({ targets: ["peopl"] })).rejects.toMatchObject({
      code: "SYNC_UNKNOWN",
      message: expect.stringContaining('"people"'),
    });
    const { run: mode } = await fakeProject({ mode: "mirror" }, { capabilities: { actions: ["create", "update"] } });
    await expect(mode.plan()).rejects.toMatchObject({ code: "MODE_UNSUPPORTED" });
  });

  test("another key for recorded records is refused", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(2);
    await run.run();
    const sync = testSync({
      key: ["name"],
      destination: { connection: "crm", object: "people", matchOn: ["name"] },
      fields: { city: "city" },
    });
    const other = run.with(testProject([sync], run.project.connections));
    await expect(other.plan()).rejects.toMatchObject({ code: "KEY_CHANGED" });
  });
});

describe("one run at a time", () => {
  test("of two applies at once, one is told who holds the state", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(30);
    const open = await run.plan();
    let second: Promise<unknown> | undefined;
    fake.script.write = async function* (batch) {
      second ??= run.apply(open).catch((error: unknown) => error);
      expect(await second).toMatchObject({ code: "STATE_LOCKED", effect: "lock", message: /held by .+ process \d+/ });
      yield { outcomes: fake.commit(batch) };
    };
    expect(await run.apply(open)).toMatchObject({ status: "applied" });
    expect(second).toBeDefined();
    expect(Math.max(...fake.creates.values())).toBe(1);
  });

  test("a plan may be made while a run is on", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(20);
    const open = await run.plan();
    let planned: unknown;
    fake.script.write = async function* (batch) {
      planned ??= await run.plan();
      yield { outcomes: fake.commit(batch) };
    };
    await run.apply(open);
    expect(planned).toMatchObject({ manifest: { complete: true } });
  });
});

describe("signals", () => {
  test("a stop finishes the batch in flight, and the rest is left to the next apply", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(40);
    const stop = new AbortController();
    fake.script.write = async function* (batch) {
      stop.abort();
      yield { outcomes: fake.commit(batch) };
    };
    const stopped = await run.apply(await run.plan(), { stop: stop.signal });
    expect(stopped).toMatchObject({ status: "stopped", syncs: { people: { applied: 16, waiting: 24, sent: 0 } } });
    expect(await run.resume()).toMatchObject({ status: "applied", syncs: { people: { applied: 40 } } });
    expect(Math.max(...fake.creates.values())).toBe(1);
  });

  test("an abort leaves what was in flight in doubt, and resuming settles it", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(40);
    const abort = new AbortController();
    let calls = 0;
    fake.script.write = async function* (batch, _, signal) {
      const outcomes = fake.commit(batch);
      if (++calls === 2) {
        abort.abort(new Error("interrupted"));
        signal.throwIfAborted();
      }
      yield { outcomes };
    };
    const stopped = await run.apply(await run.plan(), { abort: abort.signal, stop: abort.signal });
    expect(stopped).toMatchObject({ status: "stopped", syncs: { people: { applied: 16, sent: 16, waiting: 8 } } });
    fake.script.write = undefined;
    expect(await run.resume()).toMatchObject({ status: "applied", syncs: { people: { applied: 40 } } });
    expect(fake.records.size).toBe(40);
    expect(Math.max(...fake.creates.values())).toBe(1);
  });

  test("an aborted plan makes no plan", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(4);
    fake.records.set("f1", { id: "k00", name: null, city: null });
    const abort = new AbortController();
    fake.script.read = () => {
      abort.abort(new Error("interrupted"));
      abort.signal.throwIfAborted();
    };
    await expect(run.plan({}, abort.signal)).rejects.toThrow("interrupted");
  });
});

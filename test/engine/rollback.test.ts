import { describe, expect, test } from "vitest";
import { isEmpty } from "../../src/core/plan.ts";
import { apply } from "../../src/engine/apply.ts";
import { rollback } from "../../src/engine/rollback.ts";
import { people, writes } from "../fake.ts";
import { changesOf, goOn, neverAborts, summaryOf, temporaryFolder } from "../world.ts";
import { byKey, type FakeProject, fakeProject } from "./setup.ts";

async function undo({ run }: FakeProject, name: string) {
  const listen = () => undefined;
  const directory = await temporaryFolder();
  return rollback(run.world, run.project, name, { directory }, listen, neverAborts);
}

/** A run that created, updated and deleted. */
async function changed(sync: Parameters<typeof fakeProject>[0] = {}, options: Parameters<typeof fakeProject>[1] = {}) {
  const made = await fakeProject({ mode: "mirror", ...sync }, options);
  made.fake.rows = people(6);
  await made.run.run();
  const before = byKey(made.fake.records.values());
  made.fake.rows = [...people(4, "new").slice(2), ...people(6).slice(4), ...people(9).slice(6)];
  const result = await made.run.run();
  return { ...made, before, run2: result.run };
}

describe("a rollback", () => {
  test("puts back what a run changed, deleted and created, as a plan like any other", async () => {
    const made = await changed();
    const plan = await undo(made, made.run2);
    expect(summaryOf(plan).counts).toEqual({ create: 2, update: 2, delete: 3 });
    expect(plan.summary).toMatchObject({ rollback: made.run2, complete: true });
    expect(summaryOf(plan).guards).toEqual([]);
    expect(summaryOf(plan).warnings.join()).toContain("2 records the run deleted can only be made anew");
    expect(await apply(made.run.world, made.run.project, plan, () => undefined, goOn)).toMatchObject({
      status: "applied",
    });
    expect(byKey(made.fake.records.values())).toEqual(made.before);
    // The warehouse still wants it: the next plan says so, and nothing else.
    expect(summaryOf(await made.run.plan()).counts).toEqual({ create: 3, update: 2, delete: 2 });
    made.fake.rows = people(6);
    expect(isEmpty((await made.run.plan()).summary)).toBe(true);
    expect(isEmpty((await made.run.plan({ refresh: "off" })).summary)).toBe(true);
  });

  test("leaves what somebody else changed, deleted or made since, and says so", async () => {
    const made = await changed();
    const idOf = (key: string) => [...made.fake.records].find(([, { id }]) => id === key)?.[0] ?? "";
    made.fake.edit(idOf("k02"), { name: "theirs" });
    made.fake.edit(idOf("k03"), null);
    made.fake.edit(idOf("k06"), { city: "Oslo" });
    made.fake.records.set("other", { id: "k00", name: "another", city: null });
    const plan = await undo(made, made.run2);
    const keys = (await changesOf(plan)).map(({ action, key }) => `${action} ${key}`);
    expect(keys).toEqual(["create k01", "delete k07", "delete k08"]);
    expect(summaryOf(plan).driftKept).toBeGreaterThanOrEqual(2);
    await apply(made.run.world, made.run.project, plan, () => undefined, goOn);
    expect(byKey(made.fake.records.values()).get("k02")?.name).toBe("theirs");
    expect(byKey(made.fake.records.values()).get("k06")?.city).toBe("Oslo");
    expect(byKey(made.fake.records.values()).get("k00")?.name).toBe("another");
  });

  test("leaves a field that a later run set anew, and puts back the others", async () => {
    const made = await fakeProject();
    made.fake.rows = [{ id: "a", name: "one", city: "Lyon" }];
    await made.run.run();
    made.fake.rows = [{ id: "a", name: "two", city: "Oslo" }];
    const { run } = await made.run.run();
    made.fake.rows = [{ id: "a", name: "three", city: "Oslo" }];
    await made.run.run();
    const [change, ...more] = await changesOf(await undo(made, run));
    expect(more).toEqual([]);
    expect(change).toMatchObject({ action: "update", before: { city: "Oslo" }, after: { city: "Lyon" } });
    expect(Object.keys(change?.action === "update" ? change.after : {})).toEqual(["city"]);
  });

  test("of a sync that only updates never creates; where nothing can be deleted it says so", async () => {
    const updates = await fakeProject({ mode: "update" });
    updates.fake.records.set("x", { id: "a", name: "was", city: "Lyon" });
    updates.fake.rows = [{ id: "a", name: "is", city: "Lyon" }];
    const { run } = await updates.run.run();
    expect(await changesOf(await undo(updates, run))).toMatchObject([{ action: "update", after: { name: "was" } }]);
    updates.fake.edit("x", null);
    expect(await changesOf(await undo(updates, run))).toEqual([]);

    const keeps = await fakeProject({ mode: "upsert" }, { capabilities: { actions: ["create", "update"] } });
    keeps.fake.rows = people(2);
    const first = await keeps.run.run();
    const plan = await undo(keeps, first.run);
    expect(isEmpty(plan.summary)).toBe(true);
    expect(summaryOf(plan).warnings).toEqual(["2 records the run created cannot be deleted there"]);
  });

  test("is itself a run that can be rolled back", async () => {
    const made = await changed();
    const after = byKey(made.fake.records.values());
    const back = await apply(made.run.world, made.run.project, await undo(made, made.run2), () => undefined, goOn);
    await apply(made.run.world, made.run.project, await undo(made, back.run), () => undefined, goOn);
    expect(byKey(made.fake.records.values())).toEqual(after);
  });

  test("a rollback that was killed is finished like any run", async () => {
    const made = await changed();
    const plan = await undo(made, made.run2);
    const stop = new AbortController();
    made.fake.script.write = async function* (batch) {
      stop.abort();
      yield { outcomes: made.fake.commit(batch) };
    };
    const stopped = await apply(made.run.world, made.run.project, plan, () => undefined, {
      ...goOn,
      stop: stop.signal,
    });
    expect(stopped.status).toBe("stopped");
    made.fake.script.write = undefined;
    expect(await made.run.resume()).toMatchObject({ status: "applied" });
    expect(byKey(made.fake.records.values())).toEqual(made.before);
  });

  test("of an unknown run, an unfinished one, or one whose sync is gone is refused", async () => {
    const made = await changed();
    await expect(undo(made, "20200101T000000-aaaaaa")).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
    const gone = { ...made, run: made.run.with({ ...made.run.project, syncs: [] }) };
    await expect(undo(gone, made.run2)).rejects.toMatchObject({ code: "SYNC_UNKNOWN" });
    expect(writes(made.fake).length).toBeGreaterThan(0);
    made.fake.rows = people(12);
    const stop = new AbortController();
    made.fake.script.write = async function* (batch) {
      stop.abort();
      yield { outcomes: made.fake.commit({ ...batch, changes: batch.changes.slice(0, 1) }) };
      throw new Error("gone");
    };
    const unfinished = await made.run.apply(await made.run.plan(), { abort: stop.signal });
    expect(unfinished.status).toBe("stopped");
    await expect(undo(made, unfinished.run)).rejects.toMatchObject({ code: "RUN_UNFINISHED" });
  });
});

/** What policies, owners and past runs do to a plan. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { judgedAgain } from "../../src/cli/judging.ts";
import { isStopped, type PlanShape, type PolicyResult } from "../../src/core/plan.ts";
import type { PolicyInput } from "../../src/core/policy.ts";
import { savePlan, unpackPlan } from "../../src/engine/plan-file.ts";
import { rollback } from "../../src/engine/rollback.ts";
import type { LedgerState } from "../../src/engine/state/state.ts";
import { fakeConnections, people } from "../fake.ts";
import { neverAborts, type Runner, runner, summaryOf, temporaryFolder, testProject, testSync } from "../world.ts";
import { fakeProject } from "./setup.ts";

const result = (level: PolicyResult["level"]): PolicyResult => ({ code: "OURS", level, sync: "people", message: "m" });

describe("policies judge a plan before it is signed", () => {
  test("one that denies holds it back for good: saved, it is refused", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(2);
    const seen: PolicyInput[] = [];
    const judge = async (input: PolicyInput) => {
      seen.push(input);
      return [result("deny"), result("warn")];
    };
    const open = await run.plan({ judge });
    expect(seen).toMatchObject([
      { plan: { complete: true, syncs: [{ name: "people", counts: { create: 2 } }] }, syncs: [{ name: "people" }] },
    ]);
    expect(open.summary.policies).toEqual([result("deny"), result("warn")]);
    expect([isStopped(open.summary), open.manifest.stopped]).toEqual([true, true]);
    const file = join(await temporaryFolder(), "p.ebb");
    await savePlan(open, file);
    const saved = await unpackPlan(run.world, file, await temporaryFolder());
    expect(saved.summary.policies).toEqual(open.summary.policies);
    await expect(run.apply(saved)).rejects.toMatchObject({ code: "POLICY_DENIED", message: "OURS: m" });
    expect(fake.calls.filter(({ kind }) => kind === "write")).toEqual([]);
    // What it says is signed too.
    const summary = join(open.directory, "summary.json");
    await writeFile(summary, (await readFile(summary, "utf8")).replace('"deny"', '"pass"'));
    await expect(unpackPlan(run.world, file, await temporaryFolder())).resolves.toBeDefined();
    await savePlan(open, file);
    await expect(unpackPlan(run.world, file, await temporaryFolder())).rejects.toMatchObject({ code: "PLAN_ALTERED" });
  });

  test("one that warns lets it through, and one that fails leaves nothing behind", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(2);
    const directory = await temporaryFolder();
    const judge = () => Promise.reject(new RangeError("broken"));
    await expect(run.plan({ judge, directory })).rejects.toThrow("broken");
    await expect(readFile(join(directory, "manifest.json"))).rejects.toThrow("ENOENT");
    const open = await run.plan({ judge: async () => [result("warn")] });
    expect(await run.apply(open)).toMatchObject({ status: "applied" });
  });

  test("without policies the plan says nothing of them", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(1);
    expect("policies" in (await run.plan()).summary).toBe(false);
  });

  test("the newer word of a policy counts", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(1);
    const other = { ...result("warn"), code: "OTHER" };
    const open = await run.plan({ judge: async () => [result("deny"), other] });
    const file = join(await temporaryFolder(), "again.mjs");
    await writeFile(file, 'export default [{ code: "OURS", level: "deny", check: () => [] }];');
    const again = await judgedAgain(open, [file], run.world.now(), neverAborts);
    expect(again.summary.policies).toEqual([other, { code: "OURS", level: "pass", sync: null, message: "" }]);
  });
});

describe("a field of an object belongs to one sync", () => {
  test("also where two connections turn out to reach one account", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(1);
    const second = testSync({
      name: "second",
      fields: { name: "name" },
      destination: { connection: "again", object: "people" },
    });
    const connections = { ...fakeConnections, again: fakeConnections.crm };
    const both = run.with(testProject([...run.project.syncs, second], connections));
    await expect(both.plan()).rejects.toMatchObject({
      code: "SYNC_OVERLAP",
      message: `sync "second": fields.name: sync "people" writes this field of again people too`,
    });
  });

  test("who is not the owner writes it when it creates the record, and leaves it alone afterwards", async () => {
    const { fake, run } = await fakeProject();
    const mapping = { column: "name", owner: "owner" };
    const owning = testSync({ name: "owner", mode: "update", fields: { name: mapping } });
    const other = testSync({ name: "other", fields: { name: mapping, city: "city" } });
    const only = (...syncs: Parameters<typeof testProject>[0]) =>
      runner(run.world, testProject(syncs, fakeConnections));
    fake.rows = people(1, "first");
    await only(other, owning).run({ targets: ["other"] });
    expect([...fake.records.values()][0]?.name).toBe("first0");
    fake.rows = people(1, "later");
    await only(other, owning).run({ targets: ["other"] });
    expect([...fake.records.values()][0]?.name).toBe("first0");
    await only(other, owning).run({ targets: ["owner"] });
    expect([...fake.records.values()][0]?.name).toBe("later0");
    expect(summaryOf(await only(other, owning).plan({ targets: ["other"] })).counts.update).toBe(0);
  });
});

describe("a plan that is unlike the last runs", () => {
  const usual: PlanShape = { create: 0, update: 1, delete: 0, rejected: 0, rows: 99 };

  /** A project that has applied 99 records, whose last runs were so many of the usual kind; all records then change. */
  async function settled(runs: number, unusual?: "warn" | "stop" | "off") {
    const project = await fakeProject({ guards: { ...(unusual && { unusual }) } });
    const { fake, run } = project;
    fake.rows = people(99);
    await run.run();
    await remember(
      run,
      Array.from({ length: runs }, () => usual),
    );
    fake.rows = people(99, "new");
    return project;
  }
  async function remember({ store }: Runner, history: readonly PlanShape[] | undefined) {
    const state = await store.read();
    const { history: _, ...recorded } = state.syncs.people as LedgerState;
    const next = history ? { ...recorded, history } : recorded;
    await store.write({ ...state, serial: state.serial + 1, syncs: { people: next } });
  }
  const said = async (run: Runner) => {
    const { warnings, guards } = summaryOf(await run.plan());
    return { warnings, guards: guards.map(({ code, message }) => `${code}: ${message}`) };
  };
  const text = "updates: 99; the last 5 runs had 1";

  test("is a warning, or a stop, or nothing", async () => {
    expect(await said((await settled(4)).run)).toEqual({ warnings: [], guards: [] });
    expect(await said((await settled(5)).run)).toEqual({ warnings: [`unusual: ${text}`], guards: [] });
    const { run } = await settled(5, "stop");
    expect(await said(run)).toEqual({ warnings: [], guards: [`UNUSUAL: ${text} (guards.unusual is stop)`] });
    await expect(run.run()).rejects.toMatchObject({ code: "GUARD_STOPPED" });
    expect(await said((await settled(5, "off")).run)).toEqual({ warnings: [], guards: [] });
  });

  test("the state remembers twenty runs, and no rollback", async () => {
    const { run } = await settled(20);
    const history = async () => (await run.store.read()).syncs.people?.history ?? [];
    const { run: name } = await run.run();
    const before = await history();
    expect(before).toHaveLength(20);
    expect(before.slice(-2)).toEqual([usual, { create: 0, update: 99, delete: 0, rejected: 0, rows: 99 }]);
    const options = { directory: await temporaryFolder() };
    const back = await rollback(run.world, run.project, name, options, () => undefined, neverAborts);
    expect(summaryOf(back)).toMatchObject({ counts: { update: 99 }, warnings: [], guards: [] });
    await run.apply(back);
    expect(await history()).toEqual(before);
  });

  test("a state that was written before there was a history is read and goes on", async () => {
    const { run } = await settled(5);
    await remember(run, undefined);
    expect(await said(run)).toEqual({ warnings: [], guards: [] });
    await run.run();
    expect((await run.store.read()).syncs.people?.history).toHaveLength(1);
  });
});

test("guards.maxChangePercent is a share of the records there are, and lets the first plan be", async () => {
  const { fake, run } = await fakeProject({ mode: "mirror", guards: { maxChangePercent: 20 } });
  fake.rows = people(10);
  fake.edit("other", { id: "k00", name: "was there", city: null });
  await run.run();
  fake.rows = [...people(10, "new").slice(0, 2), ...people(10).slice(2), { id: "x", name: "x", city: null }];
  expect(summaryOf(await run.plan())).toMatchObject({ counts: { create: 1, update: 2 }, guards: [] });
  fake.rows = [...people(10, "new").slice(0, 2), ...people(10).slice(3)];
  expect(summaryOf(await run.plan()).guards).toEqual([
    {
      code: "MAX_CHANGE_PERCENT",
      message: "updates and deletes: 3 of 10 records (30.0 %), guards.maxChangePercent allows 20",
    },
  ]);
});

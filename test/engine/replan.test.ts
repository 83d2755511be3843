import { describe, expect, test } from "vitest";
import { TransientError } from "../../src/connector/index.ts";
import { isContained } from "../../src/engine/contained.ts";
import type { OpenPlan } from "../../src/engine/plan-file.ts";
import { movedError, replan } from "../../src/engine/replan.ts";
import { rollback } from "../../src/engine/rollback.ts";
import { people, writes } from "../fake.ts";
import { changesOf, neverAborts, type Runner, temporaryFolder, testProject, testSync } from "../world.ts";
import { type FakeProject, fakeProject } from "./setup.ts";

const HOUR = 3_600_000;
const silent = () => undefined;

const again = async ({ world, project }: Runner, reviewed: OpenPlan, withinMs = 48 * HOUR) =>
  replan(world, project, reviewed, { withinMs, directory: await temporaryFolder() }, silent, neverAborts);

/** Six records of which two are to be updated and two deleted, and two more to be created: reviewed a day and an hour ago. */
async function reviewed(options: Parameters<typeof fakeProject>[1] = {}): Promise<FakeProject & { plan: OpenPlan }> {
  const made = await fakeProject({ mode: "mirror" }, options);
  made.fake.rows = people(6);
  await made.run.run();
  made.fake.rows = [...people(2, "new"), ...people(8).slice(2, 4), ...people(8).slice(6)];
  const plan = await made.run.plan();
  expect((await changesOf(plan)).map(({ action, key }) => `${action} ${key}`)).toEqual([
    "create k06",
    "create k07",
    "update k00",
    "update k01",
    "delete k04",
    "delete k05",
  ]);
  made.clock.advance(25 * HOUR);
  return { ...made, plan };
}

const row = ({ fake }: FakeProject, key: string) => fake.rows.findIndex(({ id }) => id === key);
const idOf = ({ fake }: FakeProject, key: string) => [...fake.records].find(([, { id }]) => id === key)?.[0] ?? "";

describe("planning again within a reviewed plan", () => {
  test("a world that stood still: the plan has expired, and all of it is applied", async () => {
    const made = await reviewed();
    await expect(made.run.apply(made.plan)).rejects.toMatchObject({ code: "PLAN_EXPIRED" });
    const { plan, containment, resumes } = await again(made.run, made.plan);
    expect({ resumes, ...containment }).toMatchObject({
      resumes: false,
      changes: 6,
      reviewed: 6,
      unreviewed: 0,
      different: 0,
    });
    expect(plan.manifest.digest).not.toBe(made.plan.manifest.digest);
    expect(await made.run.apply(plan)).toMatchObject({ status: "applied" });
  });

  test("what is done already, or no longer wanted, is left out; the state may have moved on", async () => {
    const made = await reviewed();
    const { fake, run } = made;
    // Somebody gave k00 the reviewed name by hand, and k07 and k04 are as the warehouse wants them again.
    fake.edit(idOf(made, "k00"), { name: "new0" });
    fake.rows = [...fake.rows.filter(({ id }) => id !== "k07"), ...people(5).slice(4)];
    const between = await run.plan();
    expect(await changesOf(between)).toHaveLength(3);
    const { plan, containment } = await again(run, made.plan);
    expect(isContained(containment)).toBe(true);
    expect(containment).toMatchObject({ changes: 3, reviewed: 6 });
    await run.apply(plan);
    await expect(run.apply(between)).rejects.toMatchObject({ code: "PLAN_STALE" });
    const rest = await again(run, made.plan);
    expect(rest.containment).toMatchObject({ changes: 0, reviewed: 6, examples: [] });
    expect(await run.apply(rest.plan)).toMatchObject({ status: "applied" });
  });

  test.each<[string, (made: FakeProject) => void, { unreviewed: number; different: number; key: string }]>([
    [
      "one more record",
      ({ fake }) => void fake.rows.push(...people(9).slice(8)),
      { unreviewed: 1, different: 0, key: "k08" },
    ],
    [
      "one more delete",
      (made) => void made.fake.rows.splice(row(made, "k02"), 1),
      { unreviewed: 1, different: 0, key: "k02" },
    ],
    [
      "another value in an update",
      (made) => void Object.assign(made.fake.rows[row(made, "k01")] ?? {}, { name: "newer" }),
      { unreviewed: 0, different: 1, key: "k01" },
    ],
    [
      "another value in a create",
      (made) => void Object.assign(made.fake.rows[row(made, "k06")] ?? {}, { city: "Oslo" }),
      { unreviewed: 0, different: 1, key: "k06" },
    ],
    [
      "a value less in a create",
      (made) => void Object.assign(made.fake.rows[row(made, "k06")] ?? {}, { city: null }),
      { unreviewed: 0, different: 1, key: "k06" },
    ],
    [
      "another field",
      (made) => void Object.assign(made.fake.rows[row(made, "k01")] ?? {}, { city: "Oslo" }),
      { unreviewed: 0, different: 1, key: "k01" },
    ],
    [
      "another value before",
      (made) => made.fake.edit(idOf(made, "k01"), { name: "theirs" }),
      { unreviewed: 0, different: 1, key: "k01" },
    ],
    ["another action", (made) => made.fake.edit(idOf(made, "k01"), null), { unreviewed: 0, different: 1, key: "k01" }],
    [
      "another record behind the key",
      (made) => {
        made.fake.edit(idOf(made, "k01"), null);
        made.fake.edit("other", { id: "k01", name: "n1", city: "Lyon" });
      },
      { unreviewed: 0, different: 1, key: "k01" },
    ],
  ])("is refused with %s", async (_, move, { key, ...counts }) => {
    const made = await reviewed();
    move(made);
    const sent = writes(made.fake).length;
    const { containment } = await again(made.run, made.plan);
    expect(containment).toMatchObject({ ...counts, examples: [{ sync: "people", key }] });
    expect(isContained(containment)).toBe(false);
    const error = movedError(containment);
    expect(error).toMatchObject({ code: "PLAN_MOVED", effect: "conflict" });
    expect(error.message).not.toContain(key);
    expect(writes(made.fake)).toHaveLength(sent);
  });

  test("some fields of a reviewed update are a part of it", async () => {
    const made = await fakeProject();
    made.fake.rows = people(2);
    await made.run.run();
    made.fake.rows = people(2).map((one) => ({ ...one, name: "both", city: "Oslo" }));
    const plan = await made.run.plan();
    made.fake.edit(idOf(made, "k00"), { city: "Oslo" });
    const { containment, plan: now } = await again(made.run, plan);
    expect(containment).toMatchObject({ changes: 2, reviewed: 2, unreviewed: 0, different: 0 });
    const [first] = await changesOf(now);
    expect(first).toMatchObject({ action: "update", after: { name: "both" } });
  });

  test("the destination is read as it was for the review", async () => {
    const { fake, run } = await fakeProject();
    fake.rows = people(3);
    await run.run();
    fake.rows = people(3, "new");
    for (const refresh of ["off", "full"] as const) {
      const { plan, containment } = await again(run, await run.plan({ refresh }));
      expect(plan.summary.syncs[0]?.basis.refresh).toBe(refresh);
      expect(isContained(containment)).toBe(true);
    }
  });

  test("a plan that is too old is refused before anything is read", async () => {
    const made = await reviewed();
    const calls = made.fake.calls.length;
    await expect(again(made.run, made.plan, 24 * HOUR)).rejects.toMatchObject({ code: "PLAN_EXPIRED" });
    expect(made.fake.calls).toHaveLength(calls);
    expect((await again(made.run, made.plan, 26 * HOUR)).containment.changes).toBe(6);
  });

  test("another configuration, account or state is refused", async () => {
    const made = await reviewed();
    const edited = testSync({ mode: "mirror", fields: { name: "name", city: { column: "city", trim: true } } });
    const other = made.run.with(testProject([edited], made.run.project.connections));
    await expect(again(other, made.plan)).rejects.toMatchObject({ code: "PLAN_FOREIGN" });
    const elsewhere = await fakeProject({ mode: "mirror" });
    elsewhere.fake.rows = people(2);
    await elsewhere.run.run();
    await expect(again(elsewhere.run, made.plan)).rejects.toMatchObject({ code: "PLAN_FOREIGN" });

    // Nothing is recorded yet, so only the plans know of the account.
    const first = await fakeProject();
    first.fake.rows = people(2);
    const plan = await first.run.plan();
    first.fake.account = "fake:2";
    await expect(again(first.run, plan)).rejects.toMatchObject({ code: "PLAN_FOREIGN" });
  });

  test("what cannot be read, and what a guard stops, is refused, then and now", async () => {
    const made = await reviewed();
    made.fake.script.read = () => {
      throw new TransientError("UNAVAILABLE", "down");
    };
    await expect(again(made.run, made.plan)).rejects.toMatchObject({ code: "PLAN_INCOMPLETE" });
    const partial = await made.run.plan();
    made.fake.script.read = undefined;
    await expect(again(made.run, partial)).rejects.toMatchObject({ code: "PLAN_INCOMPLETE" });
    const guarded = testSync({ fields: { name: "name", city: "city" }, mode: "mirror", guards: { maxChanges: 1 } });
    const stopped = made.run.with(testProject([guarded], made.run.project.connections));
    await expect(again(stopped, await stopped.plan())).rejects.toMatchObject({ code: "GUARD_STOPPED" });
  });

  test("a field that was not reviewed is not made", async () => {
    const made = await fakeProject(
      { missingFields: "create", fields: { name: "name", city: "city", runs: "runs" } },
      { capabilities: { createsFields: true } },
    );
    const { fake, run } = made;
    fake.columns = [...fake.columns, { name: "runs", type: { kind: "integer" } }];
    fake.rows = people(2).map((one) => ({ ...one, runs: "1" }));
    const plan = await run.plan();
    const same = await again(run, plan);
    expect(isContained(same.containment)).toBe(true);
    fake.fields = fake.fields.filter(({ name }) => name !== "city");
    const { containment } = await again(run, plan);
    expect(containment.newFields).toEqual(["people.city"]);
    expect(isContained(containment)).toBe(false);
    expect(movedError(containment).message).toContain("people.city");
  });

  test("a rollback is planned again as one", async () => {
    const made = await fakeProject({ mode: "mirror" });
    made.fake.rows = people(3);
    const { run: name } = await made.run.run();
    const { world, project } = made.run;
    const plan = await rollback(world, project, name, { directory: await temporaryFolder() }, silent, neverAborts);
    made.clock.advance(30 * HOUR);
    made.fake.edit(idOf(made, "k00"), { name: "theirs" });
    const { containment, plan: now } = await again(made.run, plan);
    expect(now.summary.rollback).toBe(name);
    expect(containment).toMatchObject({ changes: 2, reviewed: 3, unreviewed: 0, different: 0 });
    await made.run.apply(now);
    expect([...made.fake.records.values()].map(({ id }) => id)).toEqual(["k00"]);
  });
});

describe("a run that stopped before its end", () => {
  /** Applies until some batches are through, and stops. */
  async function stopped(made: FakeProject, plan: OpenPlan): Promise<string> {
    let batches = 0;
    made.fake.script.write = async function* (batch, fake) {
      if (++batches > 2) throw new TransientError("QUOTA_EXHAUSTED", "used up", { unsent: true });
      yield { outcomes: fake.commit(batch) };
    };
    const { run, status } = await made.run.apply(plan);
    expect(status).toBe("stopped");
    made.fake.script.write = undefined;
    return run;
  }
  const small = {
    capabilities: { write: [{ name: "batch", above: 0, records: 2, concurrency: 1, calls: 1 }] },
  } as const;

  test("of the reviewed plan is finished, however old that is by now", async () => {
    const made = await fakeProject({ mode: "mirror" }, small);
    made.fake.rows = people(8);
    const plan = await made.run.plan();
    const run = await stopped(made, plan);
    made.clock.advance(72 * HOUR);
    const { plan: begun, resumes } = await again(made.run, plan);
    expect(resumes).toBe(true);
    expect(await made.run.apply(begun)).toMatchObject({ run, status: "applied" });
    expect(made.fake.records.size).toBe(8);
  });

  test("of a plan made within it is finished as well: a job that was killed is started anew", async () => {
    const made = await reviewed(small);
    const { plan } = await again(made.run, made.plan);
    const run = await stopped(made, plan);
    const next = await again(made.run, made.plan);
    expect(next).toMatchObject({ resumes: true, plan: { manifest: { digest: plan.manifest.digest } } });
    expect(await made.run.apply(next.plan)).toMatchObject({ run, status: "applied" });
    expect((await again(made.run, made.plan)).containment.changes).toBe(0);
  });

  test("of a plan that does more is left to whoever began it", async () => {
    const made = await reviewed(small);
    made.fake.rows.push(...people(9).slice(8));
    await stopped(made, await made.run.plan());
    await expect(again(made.run, made.plan)).rejects.toMatchObject({ code: "RUN_UNFINISHED" });
  });
});

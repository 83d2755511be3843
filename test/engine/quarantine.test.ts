import { describe, expect, test } from "vitest";
import { rejected } from "../../src/connector/index.ts";
import { readQuarantine } from "../../src/engine/inspect.ts";
import { releaseSync } from "../../src/engine/state/state-edit.ts";
import { people, writes } from "../fake.ts";
import { summaryOf } from "../world.ts";
import { byKey, type FakeProject, fakeProject } from "./setup.ts";

/** Refuses every record of these keys. */
function refuse({ fake }: FakeProject, keys: readonly string[]): void {
  fake.script.write = async function* (batch) {
    const bad = batch.changes.filter(({ key }) => keys.includes(key));
    const good = batch.changes.filter(({ key }) => !keys.includes(key));
    yield { outcomes: bad.map(({ key }) => rejected(key, "BAD_NAME", `${key} is bad`, { field: "name" })) };
    yield { outcomes: fake.commit({ ...batch, changes: good }) };
  };
}

const heldOf = async ({ run }: FakeProject) =>
  (await readQuarantine(run.store, await run.store.read(), "people", 100)).map(
    ({ key, action, code, field, attempts }) => [key, action, code, field, attempts],
  );

describe("quarantine", () => {
  test("keeps what was rejected with its reason, tries it again, and gives it up after some attempts", async () => {
    const made = await fakeProject({ giveUpAfter: 3 });
    made.fake.rows = people(5);
    refuse(made, ["k01", "k03"]);
    for (let attempt = 1; attempt <= 3; attempt++) {
      const result = await made.run.run();
      expect(result).toMatchObject({ status: "partial", syncs: { people: { rejected: 2 } } });
      expect(await heldOf(made)).toEqual([
        ["k01", "create", "BAD_NAME", "name", attempt],
        ["k03", "create", "BAD_NAME", "name", attempt],
      ]);
    }
    const sent = writes(made.fake).length;
    const plan = await made.run.plan();
    expect(summaryOf(plan).rejected).toEqual([{ code: "GIVEN_UP", field: null, count: 2 }]);
    expect(summaryOf(plan).warnings.join()).toContain("ebb state release people");
    expect(summaryOf(plan).counts.create).toBe(0);
    await made.run.apply(plan);
    expect(writes(made.fake)).toHaveLength(sent);
    expect(await heldOf(made)).toHaveLength(2);
    expect((await made.run.store.read()).syncs.people?.quarantine).toMatchObject({ rows: 2, givenUp: 2 });
  });

  test("nothing given up blocks the others; a row that changes, or a release, is tried again", async () => {
    const made = await fakeProject({ giveUpAfter: 1 });
    made.fake.rows = people(4);
    refuse(made, ["k01", "k03"]);
    await made.run.run();
    made.fake.rows = [...people(4), ...people(6).slice(4)].map((row) =>
      row.id === "k01" ? { ...row, name: "another" } : row,
    );
    expect(summaryOf(await made.run.plan()).counts).toMatchObject({ create: 3 });
    refuse(made, ["k03"]);
    expect(await made.run.run()).toMatchObject({ status: "applied" });
    expect(await heldOf(made)).toEqual([["k03", "create", "BAD_NAME", "name", 1]]);

    await releaseSync(made.run.world, made.run.store, "people");
    made.fake.script.write = undefined;
    expect(await made.run.run()).toMatchObject({ status: "applied" });
    expect(await heldOf(made)).toEqual([]);
    expect(byKey(made.fake.records.values())).toEqual(byKey(made.fake.rows));
    await expect(releaseSync(made.run.world, made.run.store, "people")).rejects.toMatchObject({ code: "SYNC_UNKNOWN" });
  });

  test("updates and deletes are counted by themselves, and 0 never gives up", async () => {
    const made = await fakeProject({ mode: "mirror", giveUpAfter: 0 });
    made.fake.rows = people(3);
    await made.run.run();
    refuse(made, ["k01", "k02"]);
    made.fake.rows = [...people(1), { id: "k01", name: "new", city: "Lyon" }];
    for (let attempt = 1; attempt <= 7; attempt++) {
      await made.run.run();
      expect(await heldOf(made)).toEqual([
        ["k01", "update", "BAD_NAME", "name", attempt],
        ["k02", "delete", "BAD_NAME", "name", attempt],
      ]);
    }
    expect((await made.run.store.read()).syncs.people?.quarantine?.givenUp).toBe(0);
  });

  test("what is not wanted any more leaves it; folding the same run twice counts once", async () => {
    const made = await fakeProject({ mode: "mirror" });
    made.fake.rows = people(4);
    refuse(made, ["k01", "k02"]);
    const { run } = await made.run.run();
    // The process died after the state was written and before the result was.
    await made.run.world.disk.remove(`${made.run.store.directory}/runs/${run}/result.json`);
    await made.run.resume();
    expect(await heldOf(made)).toMatchObject([["k01", "create", "BAD_NAME", "name", 1], {}]);
    made.fake.rows = people(4).filter(({ id }) => id !== "k01");
    await made.run.run();
    expect((await heldOf(made)).map(([key]) => key)).toEqual(["k02"]);
  });
});

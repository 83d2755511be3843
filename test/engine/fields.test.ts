import { describe, expect, test } from "vitest";
import { isEmpty } from "../../src/core/plan.ts";
import type { FieldType } from "../../src/core/types.ts";
import { people } from "../fake.ts";
import { plannedChanges, summaryOf } from "../world.ts";
import { byKey, fakeProject } from "./setup.ts";

const text: FieldType = { kind: "text" };

describe("a field the object lacks", () => {
  const sync = { missingFields: "create", fields: { name: "name", city: "city", runs: "runs" } } as const;
  const columns = ["id", "name", "city"].map((name) => ({ name, type: text }));
  const project = async (given: Parameters<typeof fakeProject>[0] = sync) => {
    const made = await fakeProject(given, { capabilities: { createsFields: true } });
    made.fake.columns = [...columns, { name: "runs", type: { kind: "integer" } }];
    made.fake.rows = people(2).map((row, i) => ({ ...row, runs: String(i) }));
    return made;
  };

  test("is made by apply, once, and before records are written", async () => {
    const { fake, run } = await project();
    const open = await run.plan();
    expect(summaryOf(open).newFields).toEqual([{ name: "runs", type: { kind: "integer" } }]);
    expect(fake.calls.filter(({ kind }) => kind === "field")).toEqual([]);
    expect(await run.apply(open)).toMatchObject({ status: "applied" });
    const order = fake.calls.flatMap(({ kind }) => (kind === "field" || kind === "write" ? [kind] : []));
    expect(order).toEqual(["field", "write"]);
    expect(byKey(fake.records.values()).get("k01")?.runs).toBe("1");
    const next = await run.plan();
    expect(isEmpty(next.summary)).toBe(true);
    expect(summaryOf(next).newFields).toEqual([]);
  });

  test("is a change by itself, also where no record changes", async () => {
    const { fake, run } = await project({ ...sync, mode: "update" });
    const open = await run.plan();
    expect(summaryOf(open).counts).toEqual({ create: 0, update: 0, delete: 0 });
    expect(isEmpty(open.summary)).toBe(false);
    await run.apply(open);
    expect(fake.fields.map(({ name }) => name)).toContain("runs");
    expect(isEmpty((await run.plan()).summary)).toBe(true);
  });

  test("has the type the mapping gives it", async () => {
    const { run } = await project({
      ...sync,
      fields: {
        name: "name",
        a: { column: "runs", cast: "text" },
        b: { constant: "x" },
        c: { column: "runs", round: 2 },
      },
    });
    const made = summaryOf(await run.plan()).newFields.map(({ name, type }) => [name, type.kind]);
    expect(made).toEqual([
      ["a", "text"],
      ["b", "text"],
      ["c", "decimal"],
    ]);
  });

  test("is refused unless the sync asks for it", async () => {
    const { run } = await project({ ...sync, missingFields: "refuse" });
    await expect(run.plan()).rejects.toMatchObject({ code: "FIELD_UNKNOWN" });
  });

  test("is never one that records are matched by", async () => {
    const { run } = await project({ ...sync, destination: { connection: "crm", object: "people", matchOn: ["runs"] } });
    await expect(run.plan()).rejects.toMatchObject({ code: "FIELD_UNKNOWN" });
  });
});

test("a field that only goes forward refuses the way back, and lets it be emptied", async () => {
  const { fake, run } = await fakeProject({ mode: "update" });
  fake.fields = fake.fields.map((field) =>
    field.name === "city" ? { ...field, options: ["lead", "trial", "customer"], forwardOnly: true } : field,
  );
  const stage = (id: string, city: string | null) => ({ id, name: "n", city });
  fake.records.set("f1", stage("a", "trial"));
  fake.records.set("f2", stage("b", "trial"));
  fake.records.set("f3", stage("c", "trial"));
  fake.rows = [stage("a", "customer"), stage("b", "lead"), stage("c", null)];
  const open = await run.plan();
  expect((await plannedChanges(open)).map(({ change }) => change.key)).toEqual(["a", "c"]);
  expect(summaryOf(open).rejected).toEqual([{ code: "NOT_FORWARD", field: "city", count: 1 }]);
});

test("what a column's own type cannot hold is not lost on the way", async () => {
  const { fake, run } = await fakeProject();
  fake.columns = [
    { name: "id", type: text },
    { name: "name", type: { kind: "float" } },
    { name: "city", type: { kind: "integer" } },
  ];
  fake.rows = [
    { id: "a", name: "NaN", city: "1" },
    { id: "b", name: "inf", city: "99999999999999999999" },
    { id: "c", name: "0.1", city: null },
  ];
  await run.run();
  expect([...byKey(fake.records.values()).values()]).toEqual([
    { id: "a", name: "nan", city: "1" },
    { id: "b", name: "inf", city: "99999999999999999999" },
    { id: "c", name: "0.1", city: null },
  ]);
});

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { withStaging } from "../../src/engine/staging/scratch.ts";
import { pushdownWorld, said } from "../properties/pushdown-world.ts";
import {
  duckdbWarehouse,
  type OpenWarehouse,
  postgresWarehouse,
  snowflakeWarehouse,
} from "../properties/warehouses.ts";
import { changesOf, type SyncGiven, summaryOf } from "../world.ts";

const sync: SyncGiven = {
  source: { connection: "warehouse", query: "SELECT * FROM people" },
  fields: { name: "name", city: "city" },
  mode: "mirror",
  guards: { maxDeletes: 10_000 },
  diff: "warehouse",
};

async function setUp(open: () => Promise<OpenWarehouse>, given: Partial<SyncGiven> = {}) {
  const warehouse = await open();
  const [from, n] = warehouse.thousand;
  await warehouse.execute([
    `CREATE TABLE people AS SELECT 'p' || ${n} || '@x' AS id, 'name ' || ${n} AS name, 'city' AS city, 0 AS unused FROM ${from}`,
  ]);
  const world = await pushdownWorld(warehouse);
  const tables = async () => {
    const found = await warehouse.rows(
      `SELECT table_name FROM information_schema.tables WHERE lower(table_schema) = 'ebb' ORDER BY 1`,
    );
    return found.map(([name]) => `${warehouse.schema}.${name}`);
  };
  return { warehouse, tables, ...world, run: world.runner({ ...sync, ...given }) };
}

describe.each([
  ["DuckDB", duckdbWarehouse],
  ["Postgres", postgresWarehouse],
  ["Snowflake", snowflakeWarehouse],
])("in %s", (_, open) => {
  test("only what has changed leaves the warehouse", async () => {
    const { warehouse, run, returned } = await setUp(open);
    await run.run();
    expect(returned).toEqual([1000]);
    expect(await changesOf(await run.plan())).toEqual([]);
    // The token's own mark.
    expect(returned.at(-1)).toBe(1);
    await warehouse.execute([
      "UPDATE people SET unused = unused + 1",
      "UPDATE people SET name = 'changed' WHERE id IN ('p1@x', 'p2@x')",
      "DELETE FROM people WHERE id = 'p3@x'",
      "INSERT INTO people VALUES ('new@x', 'n', 'c', NULL)",
    ]);
    const plan = await run.plan();
    expect(returned.at(-1)).toBe(1 + 2 + 1 + 1);
    expect(summaryOf(plan)).toMatchObject({
      counts: { create: 1, update: 2, delete: 1 },
      unchanged: 997,
      source: { rows: 1000 },
      warnings: [],
    });
    await run.apply(plan);
    await run.plan({ refresh: "changed" });
    expect(returned.at(-1)).toBe(1);
  });

  test("marks that were tampered with, or dropped, are made anew", async () => {
    const { warehouse, tables, run, returned } = await setUp(open);
    await run.run();
    const [table] = await tables();
    for (const harm of [
      `UPDATE ${table} SET hash = 'another' WHERE key = ''`,
      `DELETE FROM ${table} WHERE key = ''`,
      `DROP TABLE ${table}`,
    ]) {
      await warehouse.execute([harm, "UPDATE people SET name = 'again ' || name WHERE id = 'p1@x'"]);
      const plan = await run.plan();
      expect(returned.at(-1)).toBeGreaterThanOrEqual(1000);
      expect(summaryOf(plan)).toMatchObject({ counts: { update: 1 }, unchanged: 999, source: { rows: 1000 } });
      expect(summaryOf(plan).warnings).toHaveLength(1);
      await run.apply(plan);
      expect(summaryOf(await run.plan())).toMatchObject({ counts: { update: 0 }, unchanged: 1000, warnings: [] });
      expect(returned.at(-1)).toBe(1);
    }
    expect(await tables()).toEqual([table]);
  });

  test("a plan writes nothing there", async () => {
    const { warehouse, tables, run } = await setUp(open);
    await run.plan();
    expect(await tables()).toEqual([]);
    await run.run();
    await warehouse.execute(["UPDATE people SET city = 'Rome' WHERE id < 'p5'", "DELETE FROM people WHERE id > 'p9'"]);
    const [table] = await tables();
    const marks = () => warehouse.rows(`SELECT key, hash FROM ${table} ORDER BY key`);
    const before = await marks();
    expect(before).toHaveLength(1001);
    await run.plan();
    await run.plan({ refresh: "off" });
    expect(await marks()).toEqual(before);
    expect(await tables()).toEqual([table]);
  });

  test("two syncs of one state, and two states, do not share marks", async () => {
    const warehouse = await open();
    await warehouse.execute(["CREATE TABLE people AS SELECT 'a@x' AS id, 'n' AS name, 'c' AS city"]);
    const [one, other] = [await pushdownWorld(warehouse), await pushdownWorld(warehouse)];
    await one.runner({ ...sync, name: "a-b" }).run();
    await one.runner({ ...sync, name: "a_b" }).run();
    await other.runner({ ...sync, name: "a-b" }).run();
    for (const run of [one.runner({ ...sync, name: "a-b" }), other.runner({ ...sync, name: "a-b" })])
      expect(summaryOf(await run.plan()).warnings).toEqual([]);
  });
});

test("a run whose marks are not written is done all the same, and says so", async () => {
  const { run, trouble, fake, returned } = await setUp(duckdbWarehouse);
  for (const moment of ["before", "after"] as const) {
    trouble.record = moment;
    const result = await run.run();
    expect(result).toMatchObject({ status: "applied", warnings: [expect.stringContaining("NETWORK")] });
    expect(fake.records.size).toBe(1000);
    trouble.record = undefined;
    await run.plan();
    expect(returned.at(-1)).toBe(1000);
  }
  await run.run();
  await run.plan();
  expect(returned.at(-1)).toBe(1);
});

test("a row that does not become as recorded is returned by each plan, alone", async () => {
  const { warehouse, run, trouble, returned, fake } = await setUp(duckdbWarehouse);
  trouble.refused = ["p7@x"];
  await warehouse.execute([
    "INSERT INTO people SELECT 'p1@x', 'twice', 'c', 0",
    "INSERT INTO people SELECT NULL, 'nobody', 'c', 0",
  ]);
  await run.run();
  // Refused, two of one key, and one without; an edit over there changes nothing about that.
  fake.edit("f9", { name: "edited" });
  for (const refresh of ["full", "full", "changed"] as const) {
    await run.run({ refresh });
    expect(returned.at(-1)).toBe(1 + 1 + 2 + 1);
  }
  trouble.refused = [];
  await warehouse.execute(["DELETE FROM people WHERE name IN ('twice', 'nobody')"]);
  await run.run();
  expect(returned.at(-1)).toBe(1 + 1 + 1);
  await run.plan();
  expect(returned.at(-1)).toBe(1);
});

test("a mark goes with the values it was made for", async () => {
  const fields = { name: { column: "name", whenNull: "keep" as const }, city: "city" };
  const { warehouse, run, returned, fake } = await setUp(duckdbWarehouse, { fields });
  await warehouse.execute(["UPDATE people SET name = NULL WHERE id = 'p1@x'"]);
  await run.run();
  const [at] = [...fake.records].find(([, { id }]) => id === "p1@x") ?? [];
  if (at) fake.edit(at, { name: "theirs" });
  // What is kept is recorded from now on, and the row wants none of it.
  await run.run();
  expect(returned.at(-1)).toBe(1);
  expect(await changesOf(await run.plan())).toEqual([]);
  expect(returned.at(-1)).toBe(2);
});

test("a field that is written at creation only is not forgotten", async () => {
  const fields = { name: { column: "name", createOnly: true }, city: "city" };
  const { warehouse, run, fake } = await setUp(duckdbWarehouse, { fields });
  await run.run();
  await warehouse.execute(["UPDATE people SET name = 'later' WHERE id = 'p1@x'"]);
  await run.run();
  const [at] = [...fake.records].find(([, { id }]) => id === "p1@x") ?? [];
  if (at) fake.edit(at, null);
  expect(await changesOf(await run.plan())).toMatchObject([{ action: "create", after: { name: "later" } }]);
});

test("another mapping is another diff", async () => {
  const { run, runner } = await setUp(duckdbWarehouse);
  await run.run();
  const fields = { name: { column: "name", changeCase: "upper" as const }, city: "city" };
  expect(summaryOf(await runner({ ...sync, fields }).plan()).counts.update).toBe(1000);
});

test("a row that is as marked again, after a run that stopped had changed its record, is not as recorded", async () => {
  const { warehouse, run, runner, trouble } = await setUp(duckdbWarehouse);
  await run.run();
  await warehouse.execute(["UPDATE people SET name = 'new' WHERE id IN ('p1@x', 'p2@x')"]);
  const plan = await run.plan();
  trouble.killWrite = true;
  await expect(run.apply(plan)).rejects.toThrow("killed");
  trouble.killWrite = false;
  await warehouse.execute(["UPDATE people SET name = 'name ' || substr(id, 2, 1) WHERE id IN ('p1@x', 'p2@x')"]);
  for (const refresh of ["full", "changed", "off"] as const) {
    const open = await run.plan({ refresh });
    expect(summaryOf(open).counts).toEqual({ create: 0, update: 1, delete: 0 });
    expect(await said(open)).toEqual(await said(await runner({ ...sync, diff: "local" }).plan({ refresh })));
  }
  await run.resume();
  await run.run();
  expect(await changesOf(await run.plan())).toEqual([]);
});

test("the plan carries the hashes it saw, and its digest covers them", async () => {
  const { warehouse, run, returned } = await setUp(duckdbWarehouse);
  const plan = await run.plan();
  expect(Object.keys(plan.manifest.files)).toContain("marks/people.parquet");
  // What the warehouse says by the time of the apply is not what the records were given.
  await warehouse.execute(["UPDATE people SET name = 'later' WHERE id = 'p1@x'"]);
  await run.apply(plan);
  expect(summaryOf(await run.plan()).counts).toEqual({ create: 0, update: 1, delete: 0 });
  expect(returned.at(-1)).toBe(2);
  const digest = createHash("sha256").update(await readFile(join(plan.directory, "marks/people.parquet")));
  expect(plan.manifest.files["marks/people.parquet"]).toBe(digest.digest("hex"));
  const columns = await withStaging({}, (staging) =>
    staging.describe(`SELECT * FROM read_parquet('${join(plan.directory, "marks/people.parquet")}')`),
  );
  expect(columns.map(({ name }) => name)).toEqual(["raw", "hash", "key", "whole"]);
});

test("back to local is a word in the configuration", async () => {
  const { run, warehouse, runner, returned } = await setUp(duckdbWarehouse);
  const local = runner({ ...sync, diff: "local" });
  await run.run();
  await warehouse.execute(["UPDATE people SET name = 'x' WHERE id = 'p1@x'"]);
  const asked = returned.length;
  expect(await said(await local.plan())).toEqual(await said(await run.plan()));
  expect(returned).toHaveLength(asked + 1);
  await local.run();
  await warehouse.execute(["UPDATE people SET name = 'name 1' WHERE id = 'p1@x'"]);
  expect(summaryOf(await run.plan()).counts.update).toBe(1);
});

test("a project of data files has no place for marks", async () => {
  const warehouse = await duckdbWarehouse();
  const { runner } = await pushdownWorld({ ...warehouse, options: {} });
  const query = "SELECT 'a@x' AS id, 'n' AS name, 'c' AS city";
  const run = runner({ ...sync, source: { connection: "warehouse", query } });
  await expect(run.plan()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});

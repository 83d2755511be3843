import { expect, test } from "vitest";
import * as z from "zod";
import { type Declared, syncProblems } from "./sync-rules.ts";

const shape = (pushdown: boolean) => ({
  name: pushdown ? "warehouse" : "lake",
  connection: z.strictObject({}),
  source: { reads: ["sql", "table", "file"] as const, pushdown },
});
const declared: Declared = new Map([
  ["dwh", shape(true)],
  ["lake", shape(false)],
]);

const problems = (source: object, fields: object = { Name: { column: "name" } }) =>
  syncProblems({ source, key: ["id"], mode: "upsert", diff: "warehouse", fields }, "sync", declared);

test("a diff in the warehouse needs a system that does it, rows of a query or a table, and no lookup", () => {
  expect(problems({ connection: "dwh", query: "select 1" })).toEqual([]);
  expect(problems({ connection: "dwh", table: "t" })).toEqual([]);
  expect(problems({ connection: "lake", table: "t" })).toMatchObject([{ code: "SYSTEM_ROLE", path: ["diff"] }]);
  expect(problems({ connection: "dwh", file: "x.csv" })).toMatchObject([{ code: "CONFIG_INVALID", path: ["diff"] }]);
  const lookup = { object: "Account", matchOn: "Name", column: "account" };
  expect(problems({ connection: "dwh", table: "t" }, { AccountId: { lookup } })).toMatchObject([
    { code: "CONFIG_INVALID", path: ["fields", "AccountId", "lookup"] },
  ]);
});

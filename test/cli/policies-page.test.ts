/** The examples of docs/policies.md are run as they stand there. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ebb, root, scratch, sql } from "./run.ts";

const folder = scratch();
const cwd = folder.directory;
afterAll(() => folder.clear());
const page = readFileSync(join(root, "docs/policies.md"), "utf8");

/** The block that begins with a text. */
function block(begin: string): string {
  const found = [...page.matchAll(/```\w+\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
  const one = found.find((text) => text.startsWith(begin));
  if (one === undefined) throw new TypeError(`no block of the page begins with ${begin}`);
  return one;
}

beforeAll(async () => {
  mkdirSync(join(cwd, "node_modules"));
  symlinkSync(root, join(cwd, "node_modules", "ebb"), "dir");
  for (const [name, begin] of [
    ["main.ts", "// main.ts"],
    ["policies.ts", "// policies.ts"],
    ["cdktf.json", "{"],
  ] as const)
    writeFileSync(join(cwd, name), block(begin));
  await sql(join(cwd, "warehouse.duckdb"), [
    "CREATE TABLE person AS SELECT 'p' || i AS id, 'Name ' || i AS name, 'p' || i || '@example.com' AS email FROM range(5) t(i)",
  ]);
  await sql(join(cwd, "crm.duckdb"), ["CREATE TABLE contact(id VARCHAR PRIMARY KEY, name VARCHAR, email VARCHAR)"]);
});

it("a plan passes all policies of the page", { timeout: 120_000 }, async () => {
  const { code, out, err } = await ebb(["plan", "--json"], { cwd });
  expect(code, err).toBe(0);
  const { policies } = JSON.parse(out);
  expect(policies.map(({ code: name }: { code: string }) => name)).toEqual([
    "MAX_DELETES",
    "MAX_CHANGE_RATIO",
    "MAX_REJECTED_RATIO",
    "NO_DRIFT_OVERWRITE",
    "MAX_APPLY_MINUTES",
    "FREEZE",
    "CHANGE_WINDOW",
    "NO_NEW_FIELDS",
  ]);
  expect(policies.filter(({ level }: { level: string }) => level === "deny")).toEqual([]);
});

it("a declaration that breaks a rule of the page is refused", { timeout: 120_000 }, async () => {
  const wrong = block("// main.ts").replace(".pii().hash()", ".pii()").replace('"upsert"', '"mirror"');
  writeFileSync(join(cwd, "main.ts"), wrong);
  const { code, err } = await ebb(["validate"], { cwd });
  expect(code).toBe(3);
  expect(err).toContain("acme/contacts: REQUIRE_MASKING: fields.email is pii and goes out as it is");
  expect(err).toContain("acme/contacts: FORBID_DELETES: mode mirror deletes records");
});

it("every policy that is exported stands on the page", async () => {
  const policies = {
    ...(await import("../../src/constructs/policies/index.ts")),
    ...(await import("../../src/core/plan-policies.ts")),
  };
  const named = Object.keys(policies).filter((name) => name !== "maskingSteps");
  expect(named.filter((name) => !page.includes(`\`${name}\``) && !page.includes(`${name}({`))).toEqual([]);
});

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { sql } from "../cli/run.ts";
import { clear, folder, initialised, missing, terraform } from "./terraform.ts";

afterAll(clear);
beforeEach((context) => {
  if (missing) context.skip(missing);
});

const provider = `
terraform {
  required_providers {
    ebb = { source = "ebb/ebb" }
  }
}
provider "ebb" {
  connections = {
    warehouse = { duckdb = { path = "warehouse.duckdb" } }
    crm       = { duckdb = { path = "crm.duckdb" } }
  }
}
`;
const sync = (name: string, more = "") => `
resource "ebb_sync" "${name}" {
  name        = "${name}"
  source      = { connection = "warehouse", table = "${name}" }
  key         = ["email"]
  destination = { connection = "crm", object = "${name}" }
  mode        = "mirror"
  fields      = { name = { column = "name" } }
  ${more || "guards = { max_delete_percent = 33.3 }"}
}
`;

const rows = (table: string) =>
  `CREATE TABLE ${table} AS SELECT 'user' || i || '@x.org' AS email, 'Name ' || i AS name FROM range(6) t(i)`;
const records = (table: string) => `CREATE TABLE ${table}(email VARCHAR PRIMARY KEY, name VARCHAR)`;

async function project(stack = sync("customer"), tables = ["customer"]): Promise<string> {
  const directory = folder({ "main.tf": provider + stack });
  await sql(join(directory, "warehouse.duckdb"), tables.map(rows));
  await sql(join(directory, "crm.duckdb"), tables.map(records));
  return initialised(directory);
}

const plan = (directory: string) => terraform(directory, "plan", "-detailed-exitcode", "-out", "p.tfplan");
const apply = (directory: string) => terraform(directory, "apply", "p.tfplan");
const inWarehouse = (directory: string, ...statements: string[]) =>
  sql(join(directory, "warehouse.duckdb"), statements);
const written = async (directory: string, table = "customer") =>
  (await sql(join(directory, "crm.duckdb"), [`SELECT name FROM ${table} ORDER BY email`])).map(({ name }) => name);

interface Shown {
  readonly resource_changes: readonly {
    readonly change: { readonly actions: string[]; readonly after: Record<string, unknown> };
  }[];
}
async function changes(directory: string) {
  const shown = JSON.parse((await terraform(directory, "show", "-json", "p.tfplan")).out) as Shown;
  return shown.resource_changes.map(({ change }) => ({ actions: change.actions, changes: change.after.changes }));
}

describe("a sync under Terraform", { timeout: 120_000 }, () => {
  it("is planned with its numbers, applied exactly, and then has nothing to do", async () => {
    const directory = await project();
    const first = await plan(directory);
    expect(first).toMatchObject({ code: 2, err: "" });
    expect(first.out).toContain('Warning: sync "customer": 6 to create, 0 to update, 0 to delete');
    expect(first.out).toMatch(/apply takes \d+ calls/);
    expect(await changes(directory)).toEqual([{ actions: ["create"], changes: { create: 6, update: 0, delete: 0 } }]);
    expect(await written(directory)).toEqual([]);
    expect(await apply(directory)).toMatchObject({ code: 0 });
    expect(await written(directory)).toHaveLength(6);
    expect(await plan(directory)).toMatchObject({ code: 0, out: expect.stringContaining("No changes.") });

    await inWarehouse(
      directory,
      "UPDATE customer SET name = 'New' WHERE email = 'user0@x.org'",
      "DELETE FROM customer WHERE email = 'user5@x.org'",
    );
    await sql(join(directory, "crm.duckdb"), ["UPDATE customer SET name = 'Edited' WHERE email = 'user1@x.org'"]);
    const second = await plan(directory);
    expect(second.out).toContain("edited by others: 1");
    expect(await changes(directory)).toEqual([{ actions: ["update"], changes: { create: 0, update: 2, delete: 1 } }]);
    expect(await apply(directory)).toMatchObject({ code: 0 });
    expect(await written(directory)).toEqual(["New", "Name 1", "Name 2", "Name 3", "Name 4"]);
    expect(await plan(directory)).toMatchObject({ code: 0 });
    expect(readFileSync(join(directory, "terraform.tfstate"), "utf8") + first.out + second.out).not.toMatch(
      /x\.org|Name \d|Edited/,
    );
  });

  it("does what the plan showed, or nothing", async () => {
    const directory = await project();
    await plan(directory);
    await inWarehouse(directory, "UPDATE customer SET name = 'Moved' WHERE email = 'user0@x.org'");
    // Terraform before 1.16 gives a provider nothing of the plan of a new resource, but compares the two plans itself.
    expect(await apply(directory)).toMatchObject({ code: 1, err: expect.stringContaining(".digest: was") });
    expect(await written(directory)).toEqual([]);
    await plan(directory);
    expect(await apply(directory)).toMatchObject({ code: 0 });

    await inWarehouse(directory, "UPDATE customer SET name = 'Shown' WHERE email = 'user0@x.org'");
    await plan(directory);
    await inWarehouse(directory, "UPDATE customer SET name = 'Later' WHERE email = 'user0@x.org'");
    const stale = await apply(directory);
    expect(stale.code).toBe(1);
    expect(stale.err.match(/Error: /g)).toHaveLength(1);
    expect(stale.err).toContain("PLAN_STALE: Nothing of it was written. Plan again");
    expect((await written(directory))[0]).toBe("Moved");
    await plan(directory);
    expect(await apply(directory)).toMatchObject({ code: 0 });
    expect((await written(directory))[0]).toBe("Later");
  });

  it("can be one of many that Terraform applies at the same time", async () => {
    const tables = ["a", "b", "c", "d"];
    const directory = await project(tables.map((name) => sync(name)).join(""), tables);
    expect(await plan(directory)).toMatchObject({ code: 2 });
    expect(await apply(directory)).toMatchObject({ code: 0, err: "" });
    for (const table of tables) expect(await written(directory, table)).toHaveLength(6);
    expect(await plan(directory)).toMatchObject({ code: 0 });
  });

  it("is stopped by a guard, and by a source that cannot be read", async () => {
    const directory = await project();
    await plan(directory);
    await apply(directory);
    await inWarehouse(directory, "DELETE FROM customer WHERE name > 'Name 2'");
    const stopped = await plan(directory);
    expect(stopped).toMatchObject({ code: 1, err: expect.stringContaining("GUARD_STOPPED") });
    await inWarehouse(directory, "DROP TABLE customer");
    expect(await plan(directory)).toMatchObject({ code: 1 });
    expect(await written(directory)).toHaveLength(6);
  });

  it("is applied although the plan could not see it whole", async () => {
    const late = `
resource "terraform_data" "late" {}
${sync("customer").replace('object = "customer"', 'object = terraform_data.late.id == "" ? "" : "customer"')}`;
    const directory = await project(late);
    const planned = await plan(directory);
    expect(planned.out).toContain('sync "customer": cannot be previewed');
    expect(await apply(directory)).toMatchObject({ code: 0, err: "" });
    expect(await written(directory)).toHaveLength(6);
    expect(await plan(directory)).toMatchObject({ code: 0 });
  });

  it("can be taken over, renamed and given up; its records stay", async () => {
    const directory = await project();
    await plan(directory);
    await apply(directory);
    await terraform(directory, "state", "rm", "ebb_sync.customer");
    expect(await terraform(directory, "import", "ebb_sync.customer", "customer")).toMatchObject({ code: 0 });
    await plan(directory);
    expect(await changes(directory)).toMatchObject([{ actions: ["update"] }]);
    expect(await apply(directory)).toMatchObject({ code: 0 });
    writeFileSync(
      join(directory, "main.tf"),
      provider + sync("customer").replace('name        = "customer"', 'name = "renamed"'),
    );
    await plan(directory);
    expect(await changes(directory)).toMatchObject([{ actions: ["delete", "create"] }]);
    const destroyed = await terraform(directory, "destroy", "-auto-approve");
    expect(destroyed).toMatchObject({ code: 0, out: expect.stringContaining("its records stay where they are") });
    expect(await written(directory)).toHaveLength(6);
  });
});

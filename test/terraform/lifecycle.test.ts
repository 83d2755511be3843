import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { clear } from "./attached.ts";
import { change, project, provider, sync } from "./project.ts";
import { missing } from "./terraform.ts";

afterAll(clear);
beforeEach((context) => {
  if (missing) context.skip(missing);
});

describe("a sync under Terraform", { timeout: 120_000 }, () => {
  it("is planned with its numbers, applied exactly, and then has nothing to do", async () => {
    const outputs = `
output "created" { value = ebb_sync.customer.changes.create }
output "numbers" { value = ebb_sync.customer }
`;
    const customers = await project(sync("customer") + outputs);
    const first = await customers.plan();
    expect(first).toMatchObject({ code: 2, err: "" });
    expect(first.out).toContain('Warning: sync "customer": 6 to create, 0 to update, 0 to delete');
    expect(first.out).toMatch(/apply takes 1 call\n/);
    const created = await change(customers);
    expect(created).toMatchObject({ actions: ["create"], changes: { create: 6, update: 0, delete: 0 } });
    expect(created.after).toMatchObject({ field_changes: {}, unchanged: 0, rejected: 0, cost: { calls: 1 } });
    expect(await customers.written()).toEqual([]);
    const applied = await customers.apply();
    expect(applied).toMatchObject({ code: 0 });
    // What the plan showed is not told again.
    expect(applied.out).not.toContain("Warning");
    expect(await customers.written()).toHaveLength(6);
    expect(await customers.plan()).toMatchObject({ code: 0, out: expect.stringContaining("No changes.") });

    await customers.warehouse(
      "UPDATE customer SET name = 'New' WHERE email = 'user0@x.org'",
      "DELETE FROM customer WHERE email = 'user5@x.org'",
    );
    await customers.crm("UPDATE customer SET name = 'Edited' WHERE email = 'user1@x.org'");
    const second = await customers.plan();
    expect(second.out).toContain("edited by others: 1");
    expect(second.out).toMatch(/updates\n +~ \S+•••\w{4}\n +name +\S.*•••\w{4} -> .*•••\w{4}/);
    const { actions, changes, after } = await change(customers);
    expect({ actions, changes }).toEqual({ actions: ["update"], changes: { create: 0, update: 2, delete: 1 } });
    expect(after).toMatchObject({ field_changes: { name: 2 }, unchanged: 3 });
    expect(await customers.apply()).toMatchObject({ code: 0 });
    expect(await customers.written()).toEqual(["New", "Name 1", "Name 2", "Name 3", "Name 4"]);
    expect(await customers.plan()).toMatchObject({ code: 0 });
    const state = readFileSync(join(customers.directory, "terraform.tfstate"), "utf8");
    expect(state + first.out + second.out).not.toMatch(/x\.org|Name \d|Edited/);
    expect(JSON.parse(state).outputs.numbers.value.last_run).toMatchObject({ applied: 3, rejected: 0, drifted: 0 });
  });

  it("has something to do exactly when records would change, however often the same happens", async () => {
    const customers = await project();
    await customers.deploy();
    for (const _ of ["once", "again"]) {
      await customers.crm("UPDATE customer SET name = 'Edited' WHERE email = 'user1@x.org'");
      expect(await customers.plan()).toMatchObject({ code: 2 });
      expect(await customers.apply()).toMatchObject({ code: 0 });
      expect(await customers.plan()).toMatchObject({ code: 0 });
    }
    // A row that cannot be written is told, but there is nothing to apply.
    await customers.warehouse("INSERT INTO customer VALUES (NULL, 'nobody')");
    expect(await customers.plan()).toMatchObject({ code: 0, out: expect.stringContaining("rejected: 1") });
  });

  it("shows the values of records where they are asked for", async () => {
    const customers = await project(sync("customer", "records = true\n  guards = { max_delete_percent = 34 }"));
    await customers.plan();
    expect((await change(customers)).after).toMatchObject({ images: { "user0@x.org": { name: "Name 0" } } });
    await customers.apply();
    expect(await customers.plan()).toMatchObject({ code: 0 });
    await customers.warehouse(
      "UPDATE customer SET name = 'New' WHERE email = 'user0@x.org'",
      "DELETE FROM customer WHERE email = 'user5@x.org'",
    );
    const { out } = await customers.plan();
    expect(out).toMatch(/~ "user0@x.org" = \{\n +~ name += "Name 0" -> "New"/);
    expect(out).toMatch(/- "user5@x.org" = \{/);
    expect(await customers.apply()).toMatchObject({ code: 0 });
    expect(await customers.plan()).toMatchObject({ code: 0 });
    writeFileSync(join(customers.directory, "main.tf"), provider + sync("customer"));
    await customers.warehouse("UPDATE customer SET name = 'Newer' WHERE email = 'user0@x.org'");
    await customers.deploy();
    expect(readFileSync(join(customers.directory, "terraform.tfstate"), "utf8")).not.toContain("x.org");
  });

  it("can be one of many that Terraform applies at the same time", async () => {
    const tables = ["a", "b"];
    const many = await project(tables.map((name) => sync(name)).join(""), tables);
    expect(await many.plan("-parallelism=4")).toMatchObject({ code: 2 });
    expect(await many.apply()).toMatchObject({ code: 0, err: "" });
    for (const table of tables) expect(await many.written(table)).toHaveLength(6);
    expect(await many.plan()).toMatchObject({ code: 0 });
  });

  it("is stopped by a guard, and by a source that cannot be read", async () => {
    const customers = await project();
    await customers.deploy();
    await customers.warehouse("DELETE FROM customer WHERE name > 'Name 2'");
    expect(await customers.plan()).toMatchObject({ code: 1, err: expect.stringContaining("GUARD_STOPPED") });
    await customers.warehouse("DROP TABLE customer");
    expect(await customers.plan()).toMatchObject({ code: 1 });
    expect(await customers.written()).toHaveLength(6);
  });

  it("is applied although the plan could not see it whole", async () => {
    const late = `
resource "terraform_data" "late" {}
${sync("customer").replace('object = "customer"', 'object = terraform_data.late.id == "" ? "" : "customer"')}`;
    const customers = await project(late);
    expect((await customers.plan()).out).toContain('sync "customer": cannot be previewed');
    expect(await customers.apply()).toMatchObject({ code: 0, err: "" });
    expect(await customers.written()).toHaveLength(6);
    expect(await customers.plan()).toMatchObject({ code: 0 });
  });

  it("can be taken over, renamed and given up; its records stay", async () => {
    const customers = await project();
    await customers.deploy();
    await customers.terraform("state", "rm", "ebb_sync.customer");
    expect(await customers.terraform("import", "ebb_sync.customer", "customer")).toMatchObject({ code: 0 });
    await customers.plan();
    expect(await change(customers)).toMatchObject({ actions: ["update"] });
    expect(await customers.apply()).toMatchObject({ code: 0 });
    expect(await customers.plan()).toMatchObject({ code: 0 });
    const renamed = sync("customer").replace('name        = "customer"', 'name = "renamed"');
    writeFileSync(join(customers.directory, "main.tf"), provider + renamed);
    await customers.plan();
    expect(await change(customers)).toMatchObject({ actions: ["delete", "create"] });
    const destroyed = await customers.terraform("destroy", "-auto-approve");
    expect(destroyed).toMatchObject({ code: 0, out: expect.stringContaining("its records stay where they are") });
    expect(await customers.written()).toHaveLength(6);
  });
});

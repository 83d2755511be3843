import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { clear } from "./attached.ts";
import { project, provider, sync } from "./project.ts";
import { missing } from "./terraform.ts";

afterAll(clear);
beforeEach((context) => {
  if (missing) context.skip(missing);
});

const guards = "guards = { max_delete_percent = 100 }";
const noDeletes = `${guards}
  lifecycle {
    postcondition {
      condition     = self.changes.delete == 0
      error_message = "No record may be deleted."
    }
  }`;

describe("what Terraform offers around a sync", { timeout: 120_000 }, () => {
  it("a postcondition on the planned numbers stops a plan", async () => {
    const customers = await project(sync("customer", noDeletes));
    expect(await customers.deploy()).toMatchObject({ code: 0 });
    expect(await customers.plan()).toMatchObject({ code: 0 });
    await customers.warehouse("DELETE FROM customer WHERE email = 'user5@x.org'");
    expect(await customers.plan()).toMatchObject({
      code: 1,
      err: expect.stringContaining("No record may be deleted."),
    });
    expect(await customers.written()).toHaveLength(6);
    await customers.warehouse("INSERT INTO customer VALUES ('user5@x.org', 'Name 5')");
    expect(await customers.plan()).toMatchObject({ code: 0 });
  });

  it("a sync waits for those it depends on, and does not begin when one fails", async () => {
    const after = sync("a", `${guards}\n  depends_on = [ebb_sync.b]`);
    const two = await project(after + sync("b"), ["a", "b"]);
    expect(await two.deploy()).toMatchObject({ code: 0 });
    const folders = join(two.directory, ".ebb", "runs");
    const runs = readdirSync(folders).map((run) => {
      const { started, syncs } = JSON.parse(readFileSync(join(folders, run, "result.json"), "utf8")) as {
        readonly started: string;
        readonly syncs: object;
      };
      return { started, syncs: Object.keys(syncs) };
    });
    const inOrder = runs.toSorted((x, y) => (x.started < y.started ? -1 : 1));
    expect(inOrder.flatMap(({ syncs }) => syncs)).toEqual(["b", "a"]);

    await two.warehouse("UPDATE a SET name = 'New'", "UPDATE b SET name = 'New' WHERE email = 'user0@x.org'");
    await two.plan();
    await two.warehouse("UPDATE b SET name = 'Moved' WHERE email = 'user0@x.org'");
    expect(await two.apply()).toMatchObject({ code: 1, err: expect.stringContaining('sync "b": the plan is stale') });
    expect(await two.written("a")).not.toContain("New");
  });

  it("-target leaves the others alone, and -refresh-only writes no record", async () => {
    const two = await project(sync("a") + sync("b"), ["a", "b"]);
    expect(await two.plan("-target=ebb_sync.a")).toMatchObject({ code: 2 });
    expect(await two.apply()).toMatchObject({ code: 0 });
    expect(await two.written("b")).toEqual([]);
    expect(await two.deploy()).toMatchObject({ code: 0 });

    expect((await two.plan("-refresh-only")).out).toContain("found no differences");
    await two.warehouse("UPDATE a SET name = 'New' WHERE email = 'user0@x.org'");
    expect(await two.terraform("apply", "-refresh-only", "-auto-approve")).toMatchObject({ code: 0 });
    expect(await two.written("a")).not.toContain("New");
    expect(await two.plan("-refresh=false")).toMatchObject({ code: 2 });
    expect(await two.apply()).toMatchObject({ code: 0, err: "" });
    expect(await two.written("a")).toContain("New");
    expect(await two.plan("-refresh=false")).toMatchObject({ code: 0 });
  });

  it("a destroyed sync keeps its records, or deletes what it created where that is asked for", async () => {
    const deleting = `${guards}\n  on_destroy = "delete_records"`;
    const customers = await project(sync("customer", deleting).replace("mirror", "upsert"));
    await customers.crm("INSERT INTO customer VALUES ('own@x.org', 'Not ours'), ('user0@x.org', 'Theirs')");
    expect(await customers.deploy()).toMatchObject({ code: 0 });
    const planned = await customers.plan("-destroy");
    expect(planned).toMatchObject({ code: 2, err: "" });
    expect(planned.out).toContain('Warning: sync "customer": destroying it deletes 5 records');
    expect(await customers.written()).toHaveLength(7);

    await customers.crm("DELETE FROM customer WHERE email = 'user5@x.org'");
    const stale = await customers.apply();
    expect(stale).toMatchObject({ code: 1, err: expect.stringContaining("the plan is stale") });
    expect(await customers.written()).toHaveLength(6);
    await customers.plan("-destroy");
    expect(await customers.apply()).toMatchObject({ code: 0, err: "" });
    expect(await customers.written()).toEqual(["Not ours", "Name 0"]);
    expect((await customers.terraform("state", "list")).out).toBe("");
  });

  it("records that the destination refuses are a warning and a count, unless the sync says otherwise", async () => {
    const customers = await project();
    await customers.crm(
      "DROP TABLE customer",
      "CREATE TABLE customer(email VARCHAR PRIMARY KEY, name VARCHAR CHECK (name <> 'Name 3'))",
    );
    const applied = await customers.deploy();
    expect(applied).toMatchObject({ code: 0, err: "" });
    expect(applied.out).toContain('Warning: sync "customer": 5 applied, 1 rejected');
    const state = readFileSync(join(customers.directory, "terraform.tfstate"), "utf8");
    expect(JSON.parse(state).resources[0].instances[0].attributes.last_run).toMatchObject({ applied: 5, rejected: 1 });
    expect(await customers.plan()).toMatchObject({ code: 2, out: expect.stringContaining("1 to create") });

    const strict = await project(sync("customer", "fail_on_rejected = true"));
    await strict.crm(
      "DROP TABLE customer",
      "CREATE TABLE customer(email VARCHAR PRIMARY KEY, name VARCHAR CHECK (name <> 'Name 3'))",
    );
    const failed = await strict.deploy();
    expect(failed).toMatchObject({
      code: 1,
      err: expect.stringContaining("5 applied, 1 rejected, and fail_on_rejected"),
    });
    expect(await strict.written()).toHaveLength(5);
    // Not tainted: what is left is created, nothing is destroyed first.
    const next = await strict.plan();
    expect(next).toMatchObject({ code: 2, out: expect.stringContaining("1 to create, 0 to update, 0 to delete") });
    expect(next.out).toContain("1 to add, 0 to change, 0 to destroy");
    writeFileSync(join(strict.directory, "main.tf"), provider + sync("customer"));
    await strict.warehouse("UPDATE customer SET name = 'Fine' WHERE name = 'Name 3'");
    expect(await strict.deploy()).toMatchObject({ code: 0, err: "" });
  });
});

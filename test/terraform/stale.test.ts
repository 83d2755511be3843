import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { clear } from "./attached.ts";
import { type Planned, project, provider, sync } from "./project.ts";
import { missing } from "./terraform.ts";

afterAll(clear);
beforeEach((context) => {
  if (missing) context.skip(missing);
});

const STALE = /Error: sync "customer": the plan is stale: 3 records moved since; run\s+plan again/;
const moved = "UPDATE customer SET name = 'Moved ' || email WHERE email < 'user3'";

/** One error, ours, and none about an inconsistent provider. */
function isStale({ code, err }: Planned): void {
  expect(err).toMatch(STALE);
  expect(err).toContain("PLAN_STALE: Nothing of it was written.");
  expect(err.match(/Error: /g)).toHaveLength(1);
  expect(code).toBe(1);
}

describe("a plan that does not hold any more", { timeout: 120_000 }, () => {
  it("is refused with one error when the sync is new", async () => {
    const customers = await project();
    await customers.plan();
    await customers.warehouse(moved);
    isStale(await customers.apply());
    expect(await customers.written()).toEqual([]);
    await customers.plan();
    expect(await customers.apply()).toMatchObject({ code: 0, err: "" });
    expect(await customers.plan()).toMatchObject({ code: 0 });
  });

  it("is refused with one error when the sync is there, and nothing is tainted", async () => {
    const customers = await project();
    await customers.deploy();
    await customers.warehouse("UPDATE customer SET name = 'Shown' WHERE email = 'user0@x.org'");
    await customers.plan();
    await customers.warehouse(moved);
    isStale(await customers.apply());
    expect((await customers.written())[0]).toBe("Name 0");
    const { out } = await customers.plan();
    expect(out).toContain("will be updated in-place");
    expect(await customers.apply()).toMatchObject({ code: 0 });
    expect((await customers.written())[0]).toBe("Moved user0@x.org");
  });

  it("is refused with one error when its declaration had changed, and when Terraform did not refresh", async () => {
    const customers = await project();
    await customers.deploy();
    writeFileSync(join(customers.directory, "main.tf"), provider + sync("customer", "guards = { max_deletes = 3 }"));
    await customers.warehouse("UPDATE customer SET name = 'Shown' WHERE email = 'user5@x.org'");
    await customers.plan();
    await customers.warehouse(moved);
    isStale(await customers.apply());
    await customers.deploy();
    await customers.warehouse("UPDATE customer SET name = 'Shown again' WHERE email = 'user5@x.org'");
    await customers.plan("-refresh=false");
    await customers.warehouse(moved.replace("Moved", "Again"));
    isStale(await customers.apply());
  });

  it("holds when the same sync was planned again in between, and when the first try failed", async () => {
    const customers = await project();
    await customers.plan();
    await customers.terraform("plan", "-out", "other.tfplan");
    expect(await customers.apply()).toMatchObject({ code: 0, err: "" });
    expect(await customers.written()).toHaveLength(6);
  });
});

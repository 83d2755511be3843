import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { createMask } from "../../src/report/sanitise.ts";
import { root } from "../cli/run.ts";
import { clear } from "./attached.ts";
import { project } from "./project.ts";
import { missing } from "./terraform.ts";

afterAll(clear);
beforeEach((context) => {
  if (missing) context.skip(missing);
});

const plan = (more = "") => `
data "ebb_plan" "preview" {
  name        = "customer"
  source      = { connection = "warehouse", table = "customer" }
  key         = ["email"]
  destination = { connection = "crm", object = "customer" }
  mode        = "mirror"
  fields      = { name = { column = "name" } }
  ${more}
}
output "preview" { value = data.ebb_plan.preview }
output "masked" { value = provider::ebb::mask("ada@example.com", "salt") }
`;

describe("what can be asked without managing anything", { timeout: 120_000 }, () => {
  it("ebb_plan tells numbers, cost and digest, and neither it nor its apply writes", async () => {
    const customers = await project(plan());
    expect(await customers.plan()).toMatchObject({ code: 2, err: "" });
    const { planned_values } = await customers.shown();
    expect(planned_values?.outputs?.preview?.value).toMatchObject({
      id: "customer",
      changes: { create: 6, update: 0, delete: 0 },
      cost: { calls: 1 },
      complete: true,
      stopped: [],
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(planned_values?.outputs?.masked?.value).toBe(createMask("salt")("ada@example.com"));
    expect(await customers.apply()).toMatchObject({ code: 0 });
    expect(await customers.written()).toEqual([]);
    expect(await customers.plan()).toMatchObject({ code: 0 });
  });

  it("ebb_plan tells which guards would stop the plan, and what is wrong with its declaration", async () => {
    const customers = await project(plan("guards = { max_changes = 2 }"));
    const told = await customers.terraform("apply", "-auto-approve");
    expect(told).toMatchObject({ code: 0, out: expect.stringContaining("6 changes, guards.max_changes allows 2") });
    const wrong = await project(plan("guards = { max_change = 2 }"));
    const { err } = await wrong.terraform("validate", "-no-color");
    expect(err).toContain('there is no attribute "max_change": did you mean "max_changes"?');
  });

  it("a module's own tests run with `terraform test`", async () => {
    const customers = await project("");
    rmSync(join(customers.directory, "main.tf"));
    mkdirSync(join(customers.directory, "tests"));
    cpSync(join(root, "test/terraform/module"), customers.directory, { recursive: true });
    const tested = await customers.terraform("test", "-no-color");
    expect(tested.err).toBe("");
    expect(tested.out).toContain("Success! 5 passed, 0 failed.");
    expect(await customers.written()).toHaveLength(6);
  });
});

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Attached, attached, clear } from "./attached.ts";
import { missing, validate } from "./terraform.ts";

const stack = `
terraform {
  required_providers {
    ebb = { source = "ebb/ebb" }
  }
}

variable "anything" {}

provider "ebb" {
  connections = {
    warehouse = { duckdb = { path = "warehouse.duckdb" } }
    crm = {
      salesforce = { login_url = "https://example.my.salesforce.com", client_id = "id", client_secret = "env:SECRET" }
    }
  }
}

resource "ebb_sync" "ltv" {
  name        = "customer-ltv"
  source      = { connection = "warehouse", query = "select email, ltv from customer" }
  key         = ["email"]
  destination = { connection = "crm", object = "Contact", match_on = ["Email"] }
  mode        = "update"
  fields = {
    "LTV__c" = { column = "ltv", round = 2 }
  }
  guards = { max_deletes = 50, max_delete_percent = 0.1 }
}
`;

let made: Attached;
beforeAll(async () => {
  if (!missing) made = await attached({ "main.tf": stack });
});
afterAll(clear);
beforeEach((context) => {
  if (missing) context.skip(missing);
});

/** Validates the stack with one text replaced by another. */
async function changed(from: string, to: string) {
  expect(stack).toContain(from);
  writeFileSync(join(made.directory, "main.tf"), stack.replace(from, to));
  return validate(made.terraform);
}

describe("terraform validate of HCL", () => {
  it("accepts what is right", async () => {
    expect(await changed("", "")).toMatchObject({ valid: true, code: 0, errors: [] });
  });

  it.each([
    ["a secret", `client_secret = "env:SECRET"`, "client_secret = var.anything"],
    ["a connection", `connection = "crm"`, "connection = var.anything"],
    ["a choice", `"update"`, "var.anything"],
    ["the system", `{ duckdb = { path = "warehouse.duckdb" } }`, "var.anything"],
    ["all connections", `connections = {`, "connections = var.anything\n  state = {}\n}\nlocals {\n  unused = {"],
    ["a field", `{ column = "ltv", round = 2 }`, "var.anything"],
    ["all fields", `fields = {`, "fields = true ? var.anything : {"],
  ])("leaves alone what is not known yet: %s", async (_, from, to) => {
    expect(await changed(from, to)).toMatchObject({ valid: true, errors: [] });
  });

  it.each([
    [
      "a misspelt option of a guard",
      "max_deletes = 50",
      "max_delets = 50",
      `guards: there is no attribute "max_delets": did you mean "max_deletes"?`,
      "max_delets = 50",
      "CONFIG_INVALID: ",
    ],
    [
      "a misspelt option of a field",
      "round = 2",
      "rounds = 2",
      `fields["LTV__c"]: there is no attribute "rounds": did you mean "round"?`,
      "rounds = 2",
      "CONFIG_INVALID: ",
    ],
    [
      "a misspelt option of a connection",
      `client_id = "id"`,
      `client_id = "id", baseurl = "http://localhost"`,
      `connections["crm"].salesforce: there is no attribute "baseurl": did you mean "base_url"?`,
      "crm",
      "CONFIG_INVALID: ",
    ],
    [
      "a misspelt system",
      `salesforce = {`,
      `salesfroce = {`,
      `connections["crm"]: there is no attribute "salesfroce": did you mean "salesforce"?`,
      "crm",
      "CONFIG_INVALID: ",
    ],
    [
      "a wrong type",
      "round = 2",
      `round = "two"`,
      `fields["LTV__c"].round: must be a number`,
      "LTV__c",
      "CONFIG_INVALID: ",
    ],
    [
      "a missing option",
      `client_id = "id", `,
      "",
      `connections["crm"].salesforce.client_id: is required`,
      "crm",
      "CONFIG_INVALID: ",
    ],
    [
      "two systems in one connection",
      `{ duckdb = {`,
      `{ memory = { store = "s" }, duckdb = {`,
      `connections["warehouse"]: has duckdb and memory`,
      "memory",
      "CONFIG_INVALID: ",
    ],
    [
      "no system",
      `{ duckdb = { path = "warehouse.duckdb" } }`,
      "{}",
      `connections["warehouse"]: needs`,
      "{}",
      "CONFIG",
    ],
    ["a wrong choice", `"update"`, `"updat"`, `mode: must be one of`, `"updat"`, "CONFIG_INVALID: "],
    ["a number out of range", "round = 2", "round = 99", `fields["LTV__c"].round: must be at most 12`, "99", "CONFIG"],
    [
      "an unknown connection",
      `connection = "crm"`,
      `connection = "crmm"`,
      `destination.connection: there is no connection "crmm": did you mean "crm"?`,
      "destination = {",
      "CONNECTION_UNKNOWN: ",
    ],
    [
      "a system that cannot do it",
      `connection = "warehouse", query`,
      `connection = "crm", query`,
      `source: "crm" is salesforce, which cannot be a source`,
      "source ",
      "SYSTEM_ROLE: ",
    ],
    [
      "parts that do not fit each other",
      `key         = ["email"]`,
      `key = ["email", "id"]`,
      "destination.match_on: has 1 and key has 2",
      "match_on",
      "CONFIG_INVALID: ",
    ],
    [
      "two syncs that write one field",
      `resource "ebb_sync" "ltv" {`,
      `resource "ebb_sync" "other" {
  name        = "other"
  source      = { connection = "warehouse", table = "other" }
  key         = ["email"]
  destination = { connection = "crm", object = "Contact", match_on = ["Email"] }
  mode        = "update"
  fields      = { LTV__c = { column = "other" } }
}
resource "ebb_sync" "ltv" {`,
      `fields["LTV__c"]: sync "`,
      "LTV__c",
      "SYNC_OVERLAP: ",
    ],
  ])("names where and what: %s", async (_, from, to, summary, line, detail) => {
    const { code, errors, lines, details } = await changed(from, to);
    expect({ code, count: errors.length }).toEqual({ code: 1, count: 1 });
    expect(errors[0]).toContain(summary);
    expect(lines[0]).toContain(line);
    expect(details[0]).toContain(detail);
    expect([...errors, ...lines, ...details].join("\n")).not.toContain("hunter2");
  });

  it("converts text and numbers into each other as Terraform does, and secrets may be values", async () => {
    const text = `round = "2", default = 5`;
    expect(await changed("round = 2", text)).toMatchObject({ valid: true, errors: [] });
    expect(await changed(`"env:SECRET"`, `"hunter2"`)).toMatchObject({ valid: true, errors: [] });
  });

  it.each([
    ["an unknown attribute", `mode        = "update"`, `mode = "update"\n  modee = 1`, "Unsupported argument", "modee"],
    [
      "a wrong type",
      `key         = ["email"]`,
      `key = "email"`,
      "Incorrect attribute value type",
      "list of string required",
    ],
  ])("Terraform itself refuses by the schema: %s", async (_, from, to, summary, detail) => {
    const refused = await changed(from, to);
    expect(refused).toMatchObject({ valid: false, code: 1, errors: [summary] });
    expect(refused.details[0]?.replace(/\s+/g, " ")).toContain(detail);
  });
});

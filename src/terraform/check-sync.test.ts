import { expect, it } from "vitest";
import * as z from "zod";
import { decodeProject } from "../core/decode.ts";
import type { SystemShape } from "../core/sync-rules.ts";
import { checkSync } from "./check-sync.ts";

const system = (name: string, actions: readonly ("create" | "update" | "delete")[]): SystemShape => ({
  name,
  connection: z.strictObject({}),
  source: { reads: ["table"] },
  destination: { capabilities: { actions } },
});
const sync = {
  name: "customers",
  source: { connection: "rows", table: "customer" },
  key: ["id"],
  destination: { connection: "records", object: "customer" },
  mode: "upsert",
  fields: { Name: { column: "name" } },
};

it("refuses to delete on destroy where the system cannot, and says so at the attribute", () => {
  const check = (actions: readonly ("create" | "update" | "delete")[]) => {
    const both = system("both", actions);
    const declared = new Map([
      ["rows", both],
      ["records", both],
    ]);
    return checkSync({ ...sync, on_destroy: "delete_records", records: true }, declared, []);
  };
  expect(check(["create", "update"]).problems).toEqual([
    {
      code: "MODE_UNSUPPORTED",
      path: [{ attribute: "on_destroy" }],
      message: "delete_records needs delete, which both cannot do",
    },
  ]);
  const fine = check(["create", "update", "delete"]);
  expect(fine).toMatchObject({ problems: [], options: { onDestroy: "delete_records", records: true } });
  expect(fine.sync).not.toHaveProperty("onDestroy");
});

it("the command line passes over what a sync says to Terraform alone", () => {
  const both = system("both", ["create", "update", "delete"]);
  const project = (more: object) => ({
    provider: { ebb: { connections: { rows: { both: {} }, records: { both: {} } } } },
    resource: { ebb_sync: { customers: { ...sync, ...more } } },
  });
  const plain = decodeProject(project({}), [both]);
  expect(decodeProject(project({ on_destroy: "delete_records", records: true }), [both])).toEqual(plain);
  expect(() => decodeProject(project({ on_destory: "keep" }), [both])).toThrow("there is no attribute");
});

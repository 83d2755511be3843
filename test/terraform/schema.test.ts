import { afterAll, beforeEach, expect, it } from "vitest";
import { systems } from "../../providers/index.ts";
import { providerAddress, providerSchema } from "../../src/terraform/schema.ts";
import { clear, folder, initialised, missing, terraform } from "./terraform.ts";

afterAll(clear);
beforeEach((context) => {
  if (missing) context.skip(missing);
});

it("terraform providers schema gives the schema that is derived from the manifests", async () => {
  const source = providerAddress.replace("registry.terraform.io/", "");
  const directory = folder({ "main.tf": `terraform {\n required_providers { ebb = { source = "${source}" } }\n}` });
  const { code, out } = await terraform(await initialised(directory), "providers", "schema", "-json");
  expect(code).toBe(0);
  const derived = JSON.parse(JSON.stringify(providerSchema(systems)));
  expect(JSON.parse(out)).toEqual(derived);
});

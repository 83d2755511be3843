import { afterAll, beforeEach, expect, it } from "vitest";
import { systems } from "../../providers/index.ts";
import { providerAddress, providerSchema } from "../../src/terraform/schema.ts";
import { asSent } from "../../src/terraform/wire-schema.ts";
import { attached, clear } from "./attached.ts";
import { missing } from "./terraform.ts";

afterAll(clear);
beforeEach((context) => {
  if (missing) context.skip(missing);
});

it("terraform providers schema gives the schema that is derived from the manifests", async () => {
  const source = providerAddress.replace("registry.terraform.io/", "");
  const main = `terraform {\n required_providers { ebb = { source = "${source}" } }\n}`;
  const { terraform } = await attached({ "main.tf": main });
  const { code, out } = await terraform("providers", "schema", "-json");
  expect(code).toBe(0);
  const derived = providerSchema(systems).provider_schemas[providerAddress];
  if (!derived) throw new TypeError("the provider has no schema");
  const expected = { format_version: "1.0", provider_schemas: { [providerAddress]: asSent(derived) } };
  expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(expected)));
});

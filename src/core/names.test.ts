import fc from "fast-check";
import { expect, it } from "vitest";
import * as z from "zod";
import { toCamel, toConfig, toSnake, toTerraform } from "./names.ts";

const schema = z.strictObject({
  matchOn: z.array(z.string()).optional(),
  rateLimit: z.strictObject({ callsPerDay: z.number() }).optional(),
  fields: z.record(z.string(), z.strictObject({ onlyIfEmpty: z.boolean().optional() })),
  replaceValues: z.record(z.string(), z.string()).optional(),
});
const ours = {
  matchOn: ["eMail_address"],
  rateLimit: { callsPerDay: 1 },
  fields: { Lifetime_Value__c: { onlyIfEmpty: true }, camelCase: {} },
  replaceValues: { snake_case: "camelCase" },
};
const terraforms = {
  match_on: ["eMail_address"],
  rate_limit: { calls_per_day: 1 },
  fields: { Lifetime_Value__c: { only_if_empty: true }, camelCase: {} },
  replace_values: { snake_case: "camelCase" },
};

it("renames attributes and leaves the keys of maps alone, both ways", () => {
  expect(toTerraform(schema, ours)).toEqual(terraforms);
  expect(toConfig(schema, terraforms)).toEqual(ours);
});

it("drops nulls, and keeps what the schema does not know", () => {
  expect(toConfig(schema, { match_on: null, fields: {}, un_known: { a_b: 1 } })).toEqual({
    fields: {},
    unKnown: { a_b: 1 },
  });
});

it("does not touch a value of another shape", () => {
  expect(toConfig(schema, { match_on: "x", fields: [1] })).toEqual({ matchOn: "x", fields: [1] });
});

it("toCamel undoes toSnake", () => {
  fc.assert(fc.property(fc.stringMatching(/^[a-z]+([A-Z][a-z0-9]+)*$/), (name) => toCamel(toSnake(name)) === name));
});

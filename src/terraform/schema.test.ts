import { describe, expect, it } from "vitest";
import * as z from "zod";
import { systems } from "../../providers/index.ts";
import { secret } from "../connector/system.ts";
import { ConfigError } from "../core/errors.ts";
import { syncAttributes } from "../core/sync.ts";
import { managed } from "./computed.ts";
import { type Attribute, attributes, providerAddress, providerSchema } from "./schema.ts";

describe("a zod option as a Terraform attribute", () => {
  const plain = { description_kind: "plain" };
  it.each<[string, z.ZodType, object]>([
    ["text", z.string().describe("A."), { type: "string", description: "A.", required: true }],
    ["a number", z.number().int().min(1).optional(), { type: "number", optional: true }],
    ["a whole number", z.int(), { type: "number", required: true }],
    ["true or false", z.boolean().default(false), { type: "bool", optional: true }],
    ["a choice", z.enum(["a", "b"]), { type: "string", required: true }],
    ["an address", z.url(), { type: "string", required: true }],
    ["a list", z.array(z.string()), { type: ["list", "string"], required: true }],
    [
      "a map of lists",
      z.record(z.string(), z.array(z.number())),
      { type: ["map", ["list", "number"]], required: true },
    ],
    [
      "a secret",
      secret("Token.").optional(),
      {
        type: "string",
        description: "Token. A reference: `env:NAME` or `file:PATH`.",
        optional: true,
        sensitive: true,
      },
    ],
    [
      "an object",
      z.strictObject({ perDay: z.number() }),
      {
        nested_type: { nesting_mode: "single", attributes: { per_day: { type: "number", required: true, ...plain } } },
        required: true,
      },
    ],
    [
      "a map of objects",
      z.record(z.string(), z.strictObject({})).describe("M."),
      { nested_type: { nesting_mode: "map", attributes: {} }, description: "M.", required: true },
    ],
    [
      "a list of objects",
      z.array(z.strictObject({})).optional(),
      { nested_type: { nesting_mode: "list", attributes: {} }, optional: true },
    ],
  ])("%s", (_, schema, expected) => {
    expect(attributes(z.strictObject({ someOption: schema }))).toEqual({ some_option: { ...plain, ...expected } });
  });

  it("refuses what Terraform has no type for", () => {
    expect(() => attributes(z.strictObject({ when: z.date() }))).toThrow(ConfigError);
  });
});

describe("the provider's schema", () => {
  const { provider, resource_schemas } = providerSchema(systems).provider_schemas[providerAddress] ?? {};

  it("has one optional object for each system in a map of connections", () => {
    const connections = provider?.block.attributes.connections?.nested_type;
    expect(connections?.nesting_mode).toBe("map");
    expect(Object.keys(connections?.attributes ?? {})).toEqual(systems.map(({ name }) => name));
    for (const system of Object.values(connections?.attributes ?? {})) expect(system.optional).toBe(true);
  });

  it("has ebb_sync, with what only a plan can know computed", () => {
    const sync = resource_schemas?.ebb_sync?.block.attributes ?? {};
    const computed = Object.entries(sync).filter(([, attribute]) => attribute.computed);
    expect(computed.map(([name]) => name)).toEqual(Object.keys(managed));
    for (const name of Object.keys(managed)) expect(Object.keys(attributes(syncAttributes))).not.toContain(name);
    expect(sync.fields?.nested_type?.attributes.only_if_empty).toMatchObject({ type: "bool", optional: true });
  });

  it("uses no name that Terraform or the generator takes for itself", () => {
    const taken = ["connection", "provider", "lifecycle", "count", "for_each", "depends_on", "provisioner", "version"];
    for (const block of [provider, resource_schemas?.ebb_sync])
      for (const name of Object.keys(block?.block.attributes ?? {})) expect(taken).not.toContain(name);
  });

  it("describes every attribute", () => {
    const undescribed: string[] = [];
    const visit = (path: string, given: Readonly<Record<string, Attribute>>) => {
      for (const [name, attribute] of Object.entries(given)) {
        if (!attribute.description) undescribed.push(`${path}${name}`);
        visit(`${path}${name}.`, attribute.nested_type?.attributes ?? {});
      }
    };
    visit("provider.", provider?.block.attributes ?? {});
    visit("ebb_sync.", resource_schemas?.ebb_sync?.block.attributes ?? {});
    expect(undescribed).toEqual([]);
  });
});

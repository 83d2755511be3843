import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Testing } from "cdktf";
import type { Construct } from "constructs";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { systems } from "../../providers/index.ts";
import { generate } from "../../scripts/generate.ts";
import { connectionClass } from "../../scripts/typescript.ts";
import { secret } from "../connector/system.ts";
import { bare, toTerraform } from "../core/names.ts";
import * as constructs from "./index.ts";

async function contents(directory: string): Promise<Record<string, string>> {
  const files = (await readdir(directory, { recursive: true })).filter((file) => file.endsWith(".ts")).sort();
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await readFile(join(directory, file), "utf8")] as const)),
  );
}

it("is what `npm run generate` makes of the manifests", { timeout: 60_000 }, async () => {
  const scratch = await mkdtemp(join(tmpdir(), "ebb-generated-"));
  try {
    await generate(join(scratch, "out"));
    const committed = await contents(fileURLToPath(new URL("generated", import.meta.url)));
    expect(await contents(join(scratch, "out")), "run `npm run generate`").toEqual(committed);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});

describe.each(systems.map((system) => [system.title, system] as const))("%s", (title, system) => {
  it("is a construct that takes every option of the manifest", () => {
    const construct = Object.entries(constructs).find(([name]) => name === title)?.[1] as
      | (new (
          scope: Construct,
          id: string,
          options: unknown,
        ) => constructs.Connection)
      | undefined;
    expect(construct).toBeDefined();
    if (!construct) return;
    const stack = new constructs.SyncStack(Testing.app(), "stack");
    const options = sample(system.connection);
    new construct(stack, "Any_Name", options);
    expect(JSON.parse(Testing.synth(stack)).provider.ebb[0].connections).toEqual({
      Any_Name: { [system.name]: toTerraform(system.connection, options) },
    });
  });
});

it("a connection class has only the methods its manifest allows, and its secrets are references", () => {
  const connection = z.strictObject({
    accountId: z.string().describe("Account."),
    apiKey: secret("Key.").optional(),
    regions: z.array(z.enum(["eu", "us"])).optional(),
  });
  const text = connectionClass({
    name: "stub",
    title: "Stub",
    summary: "A stub */ of a system.",
    connection,
    source: { reads: ["sql", "table"], open: () => Promise.reject() },
  });
  expect(text).toContain("readonly accountId: string;");
  expect(text).toContain("readonly apiKey?: SecretReference;");
  expect(text).toContain('readonly regions?: readonly ("eu" | "us")[];');
  expect(text).toContain("/** A stub * / of a system. */");
  expect(text).toContain("table(name: string): Source");
  expect(text).toContain("query(sql: Sql): Source");
  expect(text).not.toMatch(/object\(|file\(/);
});

/** A value of every option, whatever it means. */
function sample(schema: z.ZodType): unknown {
  const type = bare(schema);
  if (type instanceof z.ZodObject)
    return Object.fromEntries(Object.entries(type.shape).map(([name, inner]) => [name, sample(inner as z.ZodType)]));
  if (type instanceof z.ZodArray) return [sample(type.element as z.ZodType)];
  if (type instanceof z.ZodRecord) return { some_Key: sample(type.valueType as z.ZodType) };
  if (type instanceof z.ZodEnum) return type.options[0];
  if (type.type === "number" || type.type === "int") return 1;
  return type.type === "boolean" ? true : "env:ANY";
}

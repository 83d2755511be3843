import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Construct } from "constructs";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type * as z from "zod";
import { systems } from "../../providers/index.ts";
import type { System } from "../../src/connector/index.ts";
import * as constructs from "../../src/constructs/index.ts";
import { decodeProject } from "../../src/core/decode.ts";
import { bare } from "../../src/core/names.ts";
import { unescapeTemplates } from "../../src/core/references.ts";
import { syncAttributes } from "../../src/core/sync.ts";
import { checkProvider } from "../../src/terraform/check-provider.ts";
import { checkSync } from "../../src/terraform/check-sync.ts";
import { fromJson, plain, readValue, writeValue } from "../../src/terraform/dynamic-value.ts";
import { attributes, providerAttributes } from "../../src/terraform/schema.ts";
import { root } from "../cli/run.ts";
import { attach, clear } from "./attached.ts";
import { execute, folder, missing, validate } from "./terraform.ts";

const { App, constant, env, field, lookup, State, Sync, SyncStack, sql, template } = constructs;
const schema = attributes(syncAttributes);

afterAll(clear);
/** Connections of a system that together use every option it has, and every value of a choice. */
function everyOption({ name, connection }: System): readonly object[] {
  const all = Object.entries(connection.shape).flatMap(([key, type]) =>
    samples(type as z.ZodType).map((value) => ({ [key]: value })),
  );
  const required = all.filter((one) =>
    Object.keys(one).some((key) => !connection.shape[key]?.safeParse(undefined).success),
  );
  return all.map((one) => {
    const least = Object.assign({}, ...required, one);
    const options = [{}, ...all]
      .map((more) => ({ ...more, ...least }))
      .find((given) => connection.safeParse(given).success);
    if (!options)
      throw new TypeError(`no valid ${name} connection with ${Object.keys(one)} was found; teach this test`);
    return options;
  });
}

function samples(schema: z.ZodType): readonly unknown[] {
  const type = bare(schema);
  if ("options" in type) return type.options as readonly unknown[];
  const shape = "shape" in type ? (type.shape as Record<string, z.ZodType>) : undefined;
  if (shape) return [Object.fromEntries(Object.entries(shape).map(([key, inner]) => [key, samples(inner)[0]]))];
  const candidates = ["env:ANY", "https://example.com", "64.0", "any", 1, 1000, true, ["any"], { any: "any" }];
  const fitting = candidates.filter((candidate) => schema.safeParse(candidate).success);
  if (fitting.length === 0) throw new TypeError(`no value for a ${type.type} was found; teach this test`);
  return fitting.slice(0, 1);
}

function construct(stack: Construct, id: string, { title }: System, options: object): Connection {
  const made = (constructs as unknown as Record<string, new (...args: unknown[]) => Connection>)[title];
  if (!made) throw new TypeError(`there is no construct ${title}`);
  return new made(stack, id, options);
}
type Connection = constructs.Connection & Partial<Pick<constructs.DuckDB, "query" | "table" | "file" | "object">>;

/** Every system with every option, as a source in every form and as a destination; every option of a sync. */
function declareEverything(outdir: string): void {
  const app = new App({ outdir });
  const stack = new SyncStack(app, "all", { state: State.local(".ebb") });
  const rows = new constructs.Memory(stack, "rows", { store: "rows" });
  const records = new constructs.DuckDB(stack, "records", { path: "records.duckdb" });
  const flow = { source: rows.table("rows"), key: "id", fields: { Name: "name" }, mode: "create" } as const;
  for (const system of systems) {
    const made = everyOption(system).map((options, i) => construct(stack, `${system.name}_${i}`, system, options));
    const sources = [made[0]?.query?.(sql`select 1`), made[0]?.table?.("rows"), made[0]?.file?.("rows.csv")];
    sources.forEach((source, i) => {
      const destination = records.table(`${system.name}_${i}`);
      if (source) new Sync(stack, `from-${system.name}-${i}`, { ...flow, source, destination });
    });
    const destination = system.destination && made[0]?.object?.("Thing", { matchOn: "Id" });
    if (destination) new Sync(stack, `to-${system.name}`, { ...flow, destination });
  }
  const first = new Sync(stack, "every-option", {
    ...flow,
    name: `Every $${"{option}"}`,
    key: ["id", "region"],
    destination: records.table("every", { matchOn: ["id", "region"] }),
    ...everySetting(),
    fields: {
      camelCase: field("a").trim().lower().values({ "%{x}": 1 }, "other").default("none").whenNull("keep").public(),
      "With space": field("b").cast("decimal").round(2).truncate(80).hash("md5").onlyIfEmpty().createOnly(),
      C: constant("c").upper().ownedBy(`Every $${"{option}"}`),
      Token: field("c").tokenise(env("KEY"), { length: 32 }),
      Note: field("c").redact(),
      Spent: field("c").bucket({ edges: [0, 100] }),
      Income: field("c").noise({ epsilon: 1, sensitivity: 2, secret: env("KEY") }),
      Phone: field("c").hash("sha256", "phone"),
      D: template("{a} {b}"),
      E: lookup({ object: "Account", matchOn: "Domain__c", column: "domain" }),
    },
  });
  const compared = { source: records.query(sql`select 1 as id, 'x' as name`), diff: "warehouse" } as const;
  new Sync(stack, "compared-there", { ...flow, ...compared, destination: records.table("compared") });
  new Sync(stack, "after", { ...flow, destination: records.table("after"), dependsOn: [first] });
  app.synth();
}

/** All of a sync but its flow. */
function everySetting(): Pick<constructs.SyncProps, "mode" | "diff"> {
  const { name: _, source, key, destination, fields, ...settings } = syncAttributes.shape;
  const all = Object.entries(settings).map(([setting, type]) => [setting, samples(type).at(-1)]);
  // A lookup and a source without a database keep this sync's diff local.
  return { ...Object.fromEntries(all), mode: "mirror", diff: "local" };
}

type Synthesized = {
  readonly provider: { readonly ebb: readonly unknown[] };
  readonly resource: { readonly ebb_sync: Readonly<Record<string, Record<string, unknown>>> };
};

describe("terraform validate of what constructs synthesize", () => {
  beforeEach((context) => {
    if (missing) context.skip(missing);
  });

  it("accepts every system with every option, and every option of a sync", async () => {
    const out = folder();
    declareEverything(out);
    const directory = join(out, "stacks", "all");
    const path = join(directory, "cdk.tf.json");
    const json = JSON.parse(readFileSync(path, "utf8")) as Synthesized;
    expect(decodeProject(json, systems).syncs.length).toBeGreaterThan(systems.length);

    const { "//": _, ...every } = json.resource.ebb_sync["every-option"] ?? {};
    expect(Object.keys(every).sort()).toEqual(Object.keys(schema).sort());
    const used = Object.values(every.fields as object).flatMap((mapping) => Object.keys(mapping));
    const known = Object.keys(schema.fields?.nested_type?.attributes ?? {});
    expect([...new Set(used)].sort()).toEqual(known.sort());

    const { terraform } = await attach(directory);
    await terraform("init");
    expect(await validate(terraform)).toMatchObject({ valid: true, code: 0, errors: [] });

    const wrong = { ...every, guards: { max_deletes: -1 } };
    const resource = { ebb_sync: { ...json.resource.ebb_sync, "every-option": wrong } };
    writeFileSync(path, JSON.stringify({ ...json, resource }));
    expect(await validate(terraform)).toMatchObject({
      code: 1,
      errors: ["guards.max_deletes: must be at least 0"],
      lines: [expect.stringContaining(`"max_deletes":-1`)],
    });
  });

  it("accepts the demo's stack", async () => {
    const out = folder();
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
    const args = ["--import", tsx, join(root, "stacks", "demo.ts")];
    expect(await execute(process.execPath, args, root, { CDKTF_OUTDIR: out })).toMatchObject({ code: 0 });
    const { directory, terraform } = await attach(join(out, "stacks", "demo"));
    await terraform("init");
    expect(await validate(terraform)).toMatchObject({ valid: true, code: 0 });
    // Terraform does not tell whether a value stood in the file: it is the command line that refuses it there.
    const path = join(directory, "cdk.tf.json");
    const literal = readFileSync(path, "utf8").replace(/"env:[A-Z_]+"/, '"hunter2"');
    expect(() => decodeProject(JSON.parse(literal), systems)).toThrow("a secret stands here as plain text");
    writeFileSync(path, literal);
    expect(await validate(terraform)).toMatchObject({ valid: true, code: 0 });
  });
});

it("is the same project for Terraform's front as for the command line", () => {
  const out = folder();
  declareEverything(out);
  const json = JSON.parse(readFileSync(join(out, "stacks", "all", "cdk.tf.json"), "utf8")) as Synthesized;
  const overWire = (of: z.ZodObject, written: unknown) => {
    const { value } = unescapeTemplates(written);
    return plain(attributes(of), readValue(writeValue(fromJson(attributes(of), value))));
  };
  const project = decodeProject(json, systems);
  const provider = checkProvider(overWire(providerAttributes(systems), json.provider.ebb[0]), systems);
  expect(provider.problems).toEqual([]);
  expect(provider.settings).toEqual({ connections: project.connections, state: project.state });
  const syncs = Object.values(json.resource.ebb_sync).map(
    (resource) => checkSync(overWire(syncAttributes, resource), provider.declared, []).sync,
  );
  expect(syncs.length).toBeGreaterThan(systems.length);
  expect(syncs.toSorted(byName)).toEqual(project.syncs.toSorted(byName));
});

function byName(a: { readonly name: string } | undefined, b: { readonly name: string } | undefined): number {
  return (a?.name ?? "") < (b?.name ?? "") ? -1 : 1;
}

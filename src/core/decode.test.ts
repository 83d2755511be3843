import { describe, expect, it } from "vitest";
import * as z from "zod";
import { decodeProject } from "./decode.ts";
import { ConfigError } from "./errors.ts";
import { suggest } from "./suggest.ts";
import type { SystemShape } from "./sync-rules.ts";

const secret = z
  .string()
  .refine((text) => text.startsWith("env:"), { error: "SECRET_LITERAL" })
  .meta({ secret: true });
const systems: readonly SystemShape[] = [
  {
    name: "warehouse",
    connection: z.strictObject({ path: z.string() }),
    source: { reads: ["sql", "table"] },
  },
  {
    name: "crm",
    connection: z.strictObject({
      loginUrl: z.string(),
      clientSecret: secret,
      rateLimit: z.strictObject({ calls: z.number().int().min(1) }).optional(),
    }),
    destination: { capabilities: { actions: ["create", "update"] } },
  },
];

const sync = (changes: object = {}) => ({
  source: { connection: "dwh", query: "select 1" },
  key: ["email"],
  destination: { connection: "sales", object: "Contact", match_on: ["Email"] },
  mode: "update",
  fields: { Email: { column: "email" } },
  ...changes,
});
const project = (syncs: object, provider: object = {}) => ({
  "//": { metadata: {} },
  provider: {
    ebb: [
      {
        connections: {
          dwh: { warehouse: { path: "w.duckdb" } },
          sales: { crm: { login_url: "https://x", client_secret: "env:S", rate_limit: null } },
        },
        state: { local: { directory: "state" } },
        ...provider,
      },
    ],
  },
  resource: { ebb_sync: syncs },
});
function problemOf(json: unknown): { code: string; message: string } {
  try {
    decodeProject(json, systems);
  } catch (error) {
    if (error instanceof ConfigError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("decoded without a problem");
}
const problemOfSync = (changes: object) => problemOf(project({ ltv: sync(changes) }));

describe("a project without problems", () => {
  it("has connections, state and completed syncs, in our names", () => {
    const decoded = decodeProject(
      project({ ltv: sync({ on_drift: "keep", guards: { max_deletes: 3 }, "//": {}, depends_on: [] }) }),
      systems,
    );
    expect(decoded.connections).toEqual({
      dwh: { name: "dwh", system: "warehouse", options: { path: "w.duckdb" } },
      sales: { name: "sales", system: "crm", options: { loginUrl: "https://x", clientSecret: "env:S" } },
    });
    expect(decoded.state).toEqual({ kind: "local", directory: "state" });
    expect(decoded.syncs).toEqual([
      {
        name: "ltv",
        source: { connection: "dwh", query: "select 1" },
        key: ["email"],
        destination: { connection: "sales", object: "Contact", matchOn: ["Email"] },
        mode: "update",
        fields: { Email: { column: "email" } },
        onDrift: "keep",
        refresh: "full",
        adopt: false,
        failOnRejected: false,
        giveUpAfter: 5,
        recheckAfterMinutes: 0,
        createSafety: "atMostOnce",
        diff: "local",
        missingFields: "refuse",
        guards: {
          maxDeletes: 3,
          maxDeletePercent: 5,
          maxChanges: null,
          maxChangePercent: null,
          allowEmptySource: false,
          unusual: "warn",
        },
      },
    ]);
  });

  it("needs no provider block and no syncs, and keeps state in .ebb", () => {
    expect(decodeProject({}, systems)).toEqual({
      connections: {},
      state: { kind: "local", directory: ".ebb" },
      syncs: [],
    });
  });

  it("puts a sync after those it depends on", () => {
    const decoded = decodeProject(
      project({ b: sync({ depends_on: ["ebb_sync.a"] }), a: sync({ fields: { Name: { column: "name" } } }) }),
      systems,
    );
    expect(decoded.syncs.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  it("reads escaped templates as the text they stand for", () => {
    const fields = { A__c: { template: "{a} $${b}", values: { "%%{x}": "y" } } };
    expect(decodeProject(project({ ltv: sync({ fields }) }), systems).syncs[0]?.fields).toEqual({
      A__c: { template: `{a} \${b}`, values: { "%{x}": "y" } },
    });
  });
});

describe("a problem names its place and the way out", () => {
  it.each([
    ["CONFIG_INVALID", { on_drft: "keep" }, `sync "ltv": there is no attribute "onDrft": did you mean "onDrift"?`],
    [
      "CONFIG_INVALID",
      { fields: { Email: { colum: "email" } } },
      `sync "ltv": fields.Email: there is no attribute "colum": did you mean "column"?`,
    ],
    ["CONFIG_INVALID", { key: undefined }, `sync "ltv": key: is required`],
    ["CONFIG_INVALID", { key: [] }, `sync "ltv": key: must have at least 1 entry`],
    ["CONFIG_INVALID", { key: "email" }, `sync "ltv": key: must be a list`],
    [
      "CONFIG_INVALID",
      { mode: "mirorr" },
      `sync "ltv": mode: must be one of create, update, upsert, mirror; "mirorr" is not: did you mean "mirror"?`,
    ],
    ["CONFIG_INVALID", { guards: { max_deletes: -1 } }, `sync "ltv": guards.maxDeletes: must be at least 0`],
    [
      "CONNECTION_UNKNOWN",
      { destination: { connection: "salse", object: "Contact", match_on: ["Email"] } },
      `sync "ltv": destination.connection: there is no connection "salse": did you mean "sales"?`,
    ],
    [
      "SYSTEM_ROLE",
      { destination: { connection: "dwh", object: "t" } },
      `sync "ltv": destination: "dwh" is warehouse, which cannot be a destination`,
    ],
    [
      "SYSTEM_ROLE",
      { source: { connection: "sales", query: "select 1" } },
      `sync "ltv": source: "sales" is crm, which cannot be a source`,
    ],
    [
      "SYSTEM_ROLE",
      { source: { connection: "dwh", file: "x.csv" } },
      `sync "ltv": source.file: "dwh" is warehouse, which cannot read a file; it reads: sql, table`,
    ],
    ["MODE_UNSUPPORTED", { mode: "mirror" }, `sync "ltv": mode: mirror needs delete, which crm cannot do`],
    [
      "CONFIG_INVALID",
      { source: { connection: "dwh" } },
      `sync "ltv": source: needs exactly one of query, table or file; there is none`,
    ],
    [
      "CONFIG_INVALID",
      { source: { connection: "dwh", query: "q", table: "t" } },
      `sync "ltv": source: needs exactly one of query, table or file; there are query and table`,
    ],
    [
      "CONFIG_INVALID",
      { fields: { Email: { column: "a", constant: "b" } } },
      `sync "ltv": fields.Email: needs exactly one of column, constant, template or lookup; there are column and constant`,
    ],
    [
      "CONFIG_INVALID",
      { key: ["a", "b"] },
      `sync "ltv": destination.matchOn: has 1 and key has 2; each key column is matched with one field, in the same order`,
    ],
    [
      "CONFIG_INVALID",
      { for_each: `\${x}` },
      `sync "ltv": for_each: only Terraform can repeat a resource; declare each sync`,
    ],
    [
      "CONFIG_INVALID",
      { source: { connection: "dwh", query: `\${ebb_sync.other.name}` } },
      `sync "ltv": source.query: holds \${ebb_sync.other.name}, which only Terraform can resolve; write the value itself (and $\${ for a plain \${)`,
    ],
  ])("%s %j", (code, changes, message) => {
    expect(problemOfSync(changes)).toEqual({ code, message });
  });

  it("a literal secret, without showing it", () => {
    const sales = { crm: { login_url: "https://x", client_secret: `hunter2-\${abc}` } };
    const { code, message } = problemOf(project({}, { connections: { sales } }));
    expect(code).toBe("CONFIG_INVALID");
    expect(message).not.toMatch(/hunter2|abc/);
    const plain = { crm: { login_url: "https://x", client_secret: "hunter2" } };
    expect(problemOf(project({}, { connections: { sales: plain } }))).toEqual({
      code: "SECRET_LITERAL",
      message: `connection "sales": clientSecret: a secret stands here as plain text; refer to it with env:NAME or file:PATH`,
    });
  });

  it.each([
    ["CONFIG_INVALID", {}, `connection "x": needs a system: warehouse, crm`],
    ["CONFIG_INVALID", { warehouse: {}, crm: {} }, `connection "x": has warehouse and crm; it can be one system only`],
    [
      "SYSTEM_UNKNOWN",
      { crn: {} },
      `connection "x": there is no system "crn": ${suggest("crn", ["warehouse", "crm"])}`,
    ],
    ["CONFIG_INVALID", { warehouse: { path: 3 } }, `connection "x": path: must be text`],
  ])("a connection: %s %j", (code, blocks, message) => {
    expect(problemOf(project({}, { connections: { x: blocks } }))).toEqual({ code, message });
  });

  it("an unknown place for the state", () => {
    expect(problemOf(project({}, { state: { locl: {} } })).message).toBe(
      `state: there is no attribute "locl": did you mean "local"?`,
    );
  });

  it("two syncs that write the same field", () => {
    const one = sync({ fields: { Tier: { column: "tier" } } });
    const other = sync({ fields: { Tier: { column: "level" }, Name: { column: "name" } } });
    expect(problemOf(project({ ltv: one, names: other }))).toEqual({
      code: "SYNC_OVERLAP",
      message: `sync "names": fields.Tier: sync "ltv" writes this field of sales Contact too`,
    });
  });

  it("two syncs that write the same field through two connections to one account", () => {
    const crm = (secret: string) => ({ crm: { login_url: "https://x", client_secret: secret } });
    const through = (second: object) => {
      const fields = { Tier: { column: "tier" } };
      const destination = { connection: "again", object: "Contact", match_on: ["Email"] };
      const connections = { dwh: { warehouse: { path: "w" } }, sales: crm("env:S"), again: second };
      return project({ a: sync({ fields }), b: sync({ fields, destination }) }, { connections });
    };
    expect(problemOf(through(crm("env:S"))).message).toBe(
      `sync "b": fields.Tier: sync "a" writes this field of again Contact too`,
    );
    expect(decodeProject(through(crm("env:OTHER")), systems).syncs).toHaveLength(2);
  });

  it.each<[string, object, object, string, string]>([
    [
      "an owner that is not declared",
      { Tier: { column: "tier", owner: "ltvv" } },
      { mode: "create" },
      "SYNC_UNKNOWN",
      `sync "a": fields.Tier.owner: no sync "ltvv": did you mean "ltv"?`,
    ],
    [
      "an owner that does not write the field",
      { Name: { column: "name", owner: "ltv" } },
      { mode: "create" },
      "SYNC_OVERLAP",
      `sync "a": fields.Name.owner: sync "ltv" does not write this field of sales Contact, so nobody would keep it`,
    ],
    [
      "a field that would never be written",
      { Tier: { column: "tier", owner: "ltv" } },
      {},
      "CONFIG_INVALID",
      `sync "a": fields.Tier.owner: the field is sync "ltv"'s own, and mode update creates no records: it would never be written here`,
    ],
  ])("%s", (_, fields, more, code, message) => {
    const ltv = sync({ fields: { Tier: { column: "tier", owner: "ltv" } } });
    const json = project({ ltv, a: sync({ fields, ...more }) });
    expect(problemOf(json)).toEqual({ code, message });
  });

  it("but not of an owner that could not be read itself", () => {
    const a = sync({ fields: { Tier: { column: "tier", owner: "ltv" } }, mode: "create" });
    expect(problemOf(project({ ltv: sync({ mode: "merge" }), a })).message).not.toContain("owner");
  });

  it("two syncs of one name", () => {
    expect(problemOf(project({ a: sync(), b: sync({ name: "a" }) })).message).toBe(
      `sync "a": name: another sync has this name`,
    );
  });

  it("all problems at once, a line each, with the code of the first", () => {
    const json = project(
      { ltv: sync({ mode: "mirror", key: ["a", "a"], fields: { A: {}, B: { round: 99, column: "b" } } }) },
      { connections: { dwh: { warehouse: {} }, sales: { crm: { login_url: "x", client_secret: "literal" } } } },
    );
    expect(problemOf(json)).toEqual({
      code: "CONFIG_INVALID",
      message: [
        "7 problems:",
        `  connection "dwh": path: is required`,
        `  connection "sales": clientSecret: a secret stands here as plain text; refer to it with env:NAME or file:PATH`,
        `  sync "ltv": fields.B.round: must be at most 12`,
        `  sync "ltv": mode: mirror needs delete, which crm cannot do`,
        `  sync "ltv": key: names "a" twice`,
        `  sync "ltv": destination.matchOn: has 1 and key has 2; each key column is matched with one field, in the same order`,
        `  sync "ltv": fields.A: needs exactly one of column, constant, template or lookup; there is none`,
      ].join("\n"),
    });
  });
});

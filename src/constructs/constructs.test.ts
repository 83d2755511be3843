import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TerraformOutput, TerraformStack, TerraformVariable } from "cdktf";
import { App as CdktnApp } from "cdktn";
import type { Construct } from "constructs";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import memory from "../../providers/memory/index.ts";
import { decodeProject } from "../core/decode.ts";
import { escapeTemplates, unescapeTemplates } from "../core/references.ts";
import {
  App,
  constant,
  env,
  field,
  file,
  ident,
  literal,
  lookup,
  Memory,
  State,
  Sync,
  SyncStack,
  sql,
  template,
} from "./index.ts";

const scratch = mkdtempSync(join(tmpdir(), "ebb-constructs-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Synthesized {
  readonly provider: { readonly ebb: readonly [object] };
  readonly resource: { readonly ebb_sync: Readonly<Record<string, Record<string, unknown>>> };
  readonly terraform: Readonly<Record<string, unknown>>;
  readonly output?: Readonly<Record<string, { readonly value: string }>>;
}

function synth(declare: (stack: SyncStack) => void, newApp: typeof App | typeof CdktnApp = App): Synthesized {
  const outdir = mkdtempSync(join(scratch, "out-"));
  const app = new newApp({ outdir });
  declare(new SyncStack(app as Construct, "success", { state: State.local("state") }));
  app.synth();
  return JSON.parse(readFileSync(join(outdir, "stacks", "success", "cdk.tf.json"), "utf8"));
}

function declared(stack: SyncStack): Sync {
  const warehouse = new Memory(stack, "Warehouse_EU", { store: "w" });
  const crm = new Memory(stack, "crm", { store: "c" });
  return new Sync(stack, "customer-ltv", {
    source: warehouse.table("customer"),
    key: "email",
    destination: crm.object("Contact", { matchOn: "Email" }),
    mode: "update",
    fields: {
      Lifetime_Value__c: "lifetime_value",
      camelCase: field("tier").trim().lower().values({ "${gold}": 1 }, "none").default(2).whenNull("keep").public(),
      AccountId: lookup({ object: "Account", matchOn: "Domain__c", column: "domain" }).createOnly(),
      Name: template("{first} {last}").truncate(80).onlyIfEmpty(),
      Source__c: constant("warehouse").upper(),
      Digest__c: field("email").cast("text").round(2).hash(),
      Hashed__c: field("email").hash("sha256", "googleEmail"),
      Token__c: field("customer").tokenise(env("TOKEN_KEY"), { length: 32 }),
      Note__c: field("note").redact(),
      Spent__c: field("spent").bucket({ edges: [0, 100] }),
      Born__c: field("born").bucket({ by: "year" }),
      Income__c: field("income").noise({ epsilon: 0.5, sensitivity: 100, secret: file("noise.key"), min: 0 }),
    },
    guards: { maxDeletes: 50 },
    onDrift: "keep",
  });
}

const provider = {
  connections: { Warehouse_EU: { memory: { store: "w" } }, crm: { memory: { store: "c" } } },
  state: { local: { directory: "state" } },
};
const customerLtv = {
  "//": { metadata: { path: "success/customer-ltv", uniqueId: "customer-ltv" } },
  name: "customer-ltv",
  source: { connection: "Warehouse_EU", table: "customer" },
  key: ["email"],
  destination: { connection: "crm", object: "Contact", match_on: ["Email"] },
  mode: "update",
  fields: {
    Lifetime_Value__c: { column: "lifetime_value" },
    camelCase: {
      column: "tier",
      trim: true,
      change_case: "lower",
      values: { "$${gold}": "1" },
      otherwise: "none",
      default: "2",
      when_null: "keep",
      privacy: "public",
    },
    AccountId: { lookup: { object: "Account", match_on: "Domain__c", column: "domain" }, create_only: true },
    Name: { template: "{first} {last}", truncate: 80, only_if_empty: true },
    Source__c: { constant: "warehouse", change_case: "upper" },
    Digest__c: { column: "email", cast: "text", round: 2, hash: "sha256" },
    Hashed__c: { column: "email", hash: "sha256", hash_as: "googleEmail" },
    Token__c: { column: "customer", tokenise: { secret: "env:TOKEN_KEY", length: 32 } },
    Note__c: { column: "note", redact: "[redacted]" },
    Spent__c: { column: "spent", bucket: { edges: [0, 100] } },
    Born__c: { column: "born", bucket: { by: "year" } },
    Income__c: { column: "income", noise: { epsilon: 0.5, sensitivity: 100, secret: "file:noise.key", min: 0 } },
  },
  guards: { max_deletes: 50 },
  on_drift: "keep",
};

describe("a declared stack", () => {
  it("synthesizes Terraform's names, and leaves the user's own alone", () => {
    const json = synth(declared);
    expect(json.provider.ebb).toEqual([provider]);
    expect(json.resource.ebb_sync).toEqual({ "customer-ltv": customerLtv });
  });

  it("comes back from decode as it was declared", () => {
    const { connections, state, syncs } = decodeProject(synth(declared), [memory]);
    expect(Object.keys(connections)).toEqual(["Warehouse_EU", "crm"]);
    expect(state).toEqual({ kind: "local", directory: "state" });
    expect(syncs).toHaveLength(1);
    expect(syncs[0]).toMatchObject({
      name: "customer-ltv",
      destination: { connection: "crm", object: "Contact", matchOn: ["Email"] },
      fields: { camelCase: { values: { "${gold}": "1" }, changeCase: "lower" } },
      onDrift: "keep",
      guards: { maxDeletes: 50, maxDeletePercent: 5 },
    });
  });

  it("takes what Terraform alone is told, which decode passes over", () => {
    const json = synth((stack) => {
      const crm = new Memory(stack, "crm", { store: "c" });
      const fields = { name: "name" };
      const destination = crm.object("o");
      const told = { onDestroy: "delete_records", records: true } as const;
      new Sync(stack, "s", { source: crm.table("t"), key: "k", destination, mode: "mirror", fields, ...told });
    });
    expect(json.resource.ebb_sync.s).toMatchObject({ on_destroy: "delete_records", records: true });
    expect(decodeProject(json, [memory]).syncs[0]).not.toHaveProperty("onDestroy");
  });

  it("is the same in an App of cdktn", () => {
    const { provider, resource } = synth(declared);
    const inCdktn = synth(declared, CdktnApp);
    expect({ provider: inCdktn.provider, resource: inCdktn.resource }).toEqual({ provider, resource });
  });

  it("has computed attributes that other resources can refer to", () => {
    const json = synth((stack) => {
      new TerraformOutput(stack, "creates", { value: declared(stack).changes.create });
    });
    expect(json.output?.creates?.value).toBe(`\${ebb_sync.customer-ltv.changes.create}`);
  });

  it("keeps references for Terraform, which decode then refuses", () => {
    const json = synth((stack) => {
      const country = new TerraformVariable(stack, "country", { default: "AT" });
      const crm = new Memory(stack, "crm", { store: country.stringValue });
      new Sync(stack, "s", {
        source: crm.table("t"),
        key: "id",
        destination: crm.table("u"),
        mode: "create",
        fields: {},
      });
    });
    expect(json.provider.ebb[0]).toMatchObject({ connections: { crm: { memory: { store: `\${var.country}` } } } });
    expect(() => decodeProject(json, [memory])).toThrow(
      `connection "crm": store: holds \${var.country}, which only Terraform can resolve`,
    );
  });
});

describe("what cannot be right is refused where it is declared", () => {
  it.each<[string, (stack: SyncStack) => void]>([
    [
      `connection "crm" is declared in another stack`,
      (stack) => {
        const crm = new Memory(new SyncStack(new App(), "other"), "crm", { store: "c" });
        new Sync(stack, "s", {
          source: crm.table("t"),
          key: "k",
          destination: crm.object("o"),
          mode: "create",
          fields: {},
        });
      },
    ],
    ["must stand in a SyncStack", () => new Memory(new TerraformStack(new App(), "plain"), "crm", { store: "c" })],
    ["a plain value cannot be interpolated", () => sql`select ${"1; drop table t" as never}`],
    ["no backslash", () => literal("\\' or 1=1 --")],
  ])("%s", (message, declare) => {
    expect(() => synth(declare)).toThrow(message);
  });
});

describe("small parts", () => {
  it("field() builders are immutable", () => {
    const plain = field("a");
    expect(plain.trim().mapping).toEqual({ column: "a", trim: true });
    expect(plain.mapping).toEqual({ column: "a" });
  });

  it("sql quotes what it is given and keeps backslashes", () => {
    expect(
      sql`
      select \`x\`, '\d' from ${ident("demo", 'a"b')} where c = ${literal("it's")} and ${sql`n > ${literal(1)}`}
    `.text,
    ).toBe(`select \`x\`, '\\d' from "demo"."a""b" where c = 'it''s' and n > 1`);
  });

  it("any text survives Terraform's templates", () => {
    const text = fc.string({ unit: fc.constantFrom("$", "%", "{", "}", "a") });
    fc.assert(
      fc.property(text, (plain) => {
        expect(unescapeTemplates(escapeTemplates(plain))).toEqual({ value: plain, references: [] });
      }),
    );
  });
});

const terraform = spawnSync("terraform", ["version"], { env: { PATH: process.env.PATH } }).status === 0;

describe.skipIf(!terraform)(`Terraform${terraform ? "" : " (skipped: there is no terraform on the PATH)"}`, () => {
  const run = (directory: string, args: readonly string[], input?: string) =>
    execFileSync("terraform", [`-chdir=${directory}`, ...args], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, CHECKPOINT_DISABLE: "1" },
      ...(input === undefined ? {} : { input }),
    });

  // Without the provider's binary Terraform cannot check attributes; it reads the file and evaluates the values.
  it("reads the synthesized file and sees the provider it needs", () => {
    const directory = mkdtempSync(join(scratch, "tf-"));
    const { backend: _, ...settings } = synth(declared).terraform; // a backend would have to be initialized first
    writeFileSync(join(directory, "cdk.tf.json"), JSON.stringify({ ...synth(declared), terraform: settings }));
    expect(run(directory, ["providers"])).toContain("provider[registry.terraform.io/ebb/ebb] 0.1.0");
  }, 30_000);

  it("evaluates every text to what decode reads", () => {
    const directory = mkdtempSync(join(scratch, "tf-"));
    const fields = { "${a}%{b}": '$${c} %%{d} $$ % {e} ${ \\ "', plain: "x" };
    const json = synth((stack) => {
      const crm = new Memory(stack, "crm", { store: "c" });
      const mapping = field("a").values(fields);
      new Sync(stack, "s", {
        source: crm.table("t"),
        key: "k",
        destination: crm.object("o"),
        mode: "create",
        fields: { mapping },
      });
    });
    writeFileSync(join(directory, "main.tf.json"), JSON.stringify({ locals: { sync: json.resource.ebb_sync.s } }));
    const printed = run(directory, ["console"], "base64encode(jsonencode(local.sync.fields.mapping.values))\n");
    const seen = JSON.parse(Buffer.from(JSON.parse(printed), "base64").toString());
    expect(seen).toEqual(fields);
    expect(decodeProject(json, [memory]).syncs[0]?.fields.mapping?.values).toEqual(fields);
  }, 30_000);
});

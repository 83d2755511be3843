import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App as CdktnApp, Aspects as CdktnAspects } from "cdktn";
import type { Construct } from "constructs";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  App,
  Aspects,
  constant,
  FieldBuilder,
  FieldOwner,
  ForbidDeletes,
  field,
  type IAspect,
  lookup,
  MaxChangeRatio,
  Memory,
  RequireMasking,
  RequirePrivacy,
  Sync,
  type SyncProps,
  SyncStack,
  template,
} from "../index.ts";

const scratch = mkdtempSync(join(tmpdir(), "ebb-policies-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
// As the command line does it: the App writes everything, and what it says is read.
beforeEach(() => vi.stubEnv("CDKTF_CONTINUE_SYNTH_ON_ERROR_ANNOTATIONS", "1"));
afterEach(() => vi.unstubAllEnvs());

interface Synthesized {
  /** "error success/people CODE: …" */
  readonly said: readonly string[];
  readonly sync: { readonly guards?: object };
}

interface Where {
  readonly newApp?: typeof App | typeof CdktnApp;
  readonly aspects?: typeof Aspects | typeof CdktnAspects;
  /** What the aspects are added to. */
  readonly on?: (app: Construct, stack: SyncStack, sync: Sync) => Construct;
  readonly after?: (sync: Sync) => void;
}

function synth(policies: readonly IAspect[], props: Partial<SyncProps> = {}, where: Where = {}): Synthesized {
  const { newApp = App, aspects = Aspects, on = (_, stack) => stack, after = () => undefined } = where;
  const outdir = mkdtempSync(join(scratch, "out-"));
  const app = new newApp({ outdir });
  const stack = new SyncStack(app as Construct, "success");
  const crm = new Memory(stack, "crm", { store: "c" });
  const sync = new Sync(stack, "people", {
    source: crm.table("person"),
    key: "email",
    destination: crm.object("Contact", { matchOn: "Email" }),
    mode: "update",
    fields: { Name: "name" },
    ...props,
  });
  after(sync);
  for (const policy of policies) aspects.of(on(app as Construct, stack, sync)).add(policy);
  app.synth();
  const { stacks } = JSON.parse(readFileSync(join(outdir, "manifest.json"), "utf8"));
  const json = JSON.parse(readFileSync(join(outdir, "stacks", "success", "cdk.tf.json"), "utf8"));
  return {
    said: stacks.success.annotations.map(
      ({ level, constructPath, message }: Record<string, string>) =>
        `${level?.replace("@cdktf/", "")} ${constructPath} ${message}`,
    ),
    sync: json.resource.ebb_sync.people,
  };
}
const said = (policy: IAspect, props: Partial<SyncProps> = {}) =>
  synth([policy], props).said.map((text) => text.replace(/^error success\/people /, ""));

describe("policies are heard wherever they are added", () => {
  const policy = () => new ForbidDeletes();
  const expected = [`error success/people FORBID_DELETES: mode mirror deletes records; use upsert, or except "people"`];
  const places: readonly [string, NonNullable<Where["on"]>][] = [
    ["the app", (app) => app],
    ["the stack", (_, stack) => stack],
    ["the sync", (_, __, sync) => sync],
  ];
  for (const [name, on] of places)
    it.each([
      ["cdktf", { newApp: App, aspects: Aspects }],
      ["cdktn", { newApp: CdktnApp, aspects: CdktnAspects }],
      ["cdktn, with the Aspects of ebb", { newApp: CdktnApp, aspects: Aspects }],
    ])(`${name}, in %s`, (_, frameworks) => {
      const where = { ...frameworks, on };
      expect(synth([policy()], { mode: "mirror" }, where).said).toEqual(expected);
      expect(synth([policy()], { mode: "upsert" }, where).said).toEqual([]);
    });

  it("without the command line, the App fails with the same words", () => {
    vi.unstubAllEnvs();
    expect(() => synth([policy()], { mode: "mirror" })).toThrow("[success/people] FORBID_DELETES: mode mirror");
  });

  it("a warning lets the stack through", () => {
    vi.unstubAllEnvs();
    const { said: warned } = synth([new ForbidDeletes({ level: "warn" })], { mode: "mirror" });
    expect(warned).toEqual([expected[0]?.replace("error", "warn")]);
  });

  it("what was changed or overridden after the declaration is what they see", () => {
    const later = (after: (sync: Sync) => void) => synth([policy()], {}, { after }).said;
    expect(later((sync) => sync.addOverride("mode", "mirror"))).toEqual(expected);
    expect(
      later((sync) => {
        sync.mode = "mirror";
      }),
    ).toEqual(expected);
    // What only Terraform can resolve might be anything.
    expect(later((sync) => sync.addOverride("mode", "$" + "{var.mode}"))).toHaveLength(1);
  });
});

describe("RequireMasking", () => {
  const byName = new RequireMasking({ fields: [/email/gi, "Phone"] });
  const step = "mask it (hash, truncate, tokenise, redact, bucket, noise)";
  it.each<[string, SyncProps["fields"], readonly string[]]>([
    ["a field's name", { WorkEmail: "x" }, ["fields.WorkEmail is named as personal data"]],
    ["a name as text, whole", { Phone: "x", Phones: "x" }, ["fields.Phone is named as personal data"]],
    ["a column", { Contact__c: field("e_mail_1"), Alias: field("email2") }, ["fields.Alias is made of email2"]],
    ["a column in a template", { Label: template("{name} <{Email}>") }, ["fields.Label is made of Email"]],
    [
      "a column of a lookup",
      { AccountId: lookup({ object: "A", matchOn: "B", column: "email" }) },
      ["fields.AccountId is made of email"],
    ],
    ["a class", { A: field("a").pii(), B: field("b").secret(), C: field("c").internal() }, ["A is pii", "B is secret"]],
    ["no constant", { SupportEmail: constant("help@example.com"), Token: constant("x").secret() }, []],
    [
      "nothing masked",
      { Email2: field("email").hash(), Phone: field("p").truncate(3), D: field("d").pii().hash() },
      [],
    ],
  ])("looks for %s", (_, fields, expected) => {
    const found = said(byName, { fields });
    expect(found).toHaveLength(expected.length);
    for (const [i, text] of expected.entries()) expect(found[i]).toContain(text);
    for (const text of found) expect(text).toContain(step);
  });

  it("a step that is switched off is none, and the list of steps decides", () => {
    const fields = { Email2: field("email").hash() };
    expect(said(new RequireMasking({ fields: [/email/i], steps: ["tokenise"] }), { fields })).toHaveLength(1);
    const trims = new RequireMasking({ fields: ["Phone"], steps: ["trim"] });
    const trim = (on: boolean) => said(trims, { fields: { Phone: new FieldBuilder({ column: "p", trim: on }) } });
    expect(trim(false)).toHaveLength(1);
    expect(trim(true)).toEqual([]);
  });

  it("a key that is written as it is counts, where records are created", () => {
    const written = `REQUIRE_MASKING: the key is written to Email as it is; match by another field or except "people.Email"`;
    expect(said(byName, { mode: "upsert" })).toEqual([written]);
    expect(said(byName, { mode: "update" })).toEqual([]);
    expect(said(new RequireMasking({ fields: [/email/i], except: ["people.Email"] }), { mode: "upsert" })).toEqual([]);
  });

  it("excepts a field of one sync, not that of another", () => {
    const fields = { WorkEmail: "x" };
    const except = (name: string) => new RequireMasking({ fields: [/email/i], except: [name] });
    expect(said(except("people.WorkEmail"), { fields })).toEqual([]);
    expect(said(except("others.WorkEmail"), { fields })).toHaveLength(1);
  });
});

describe("ForbidDeletes", () => {
  it("refuses records deleted with the resource, and excepts by the sync's name", () => {
    expect(said(new ForbidDeletes(), { mode: "upsert" })).toEqual([]);
    const { said: destroyed } = synth(
      [new ForbidDeletes()],
      {},
      {
        after: (sync) => {
          sync.onDestroy = "delete_records";
        },
      },
    );
    expect(destroyed).toEqual([expect.stringContaining("onDestroy delete_records deletes records")]);
    expect(said(new ForbidDeletes({ except: ["people"] }), { mode: "mirror" })).toEqual([]);
    expect(said(new ForbidDeletes({ except: ["people"] }), { mode: "mirror", name: "persons" })).toHaveLength(1);
  });
});

describe("MaxChangeRatio", () => {
  const policy = new MaxChangeRatio({ changePercent: 20, deletePercent: 2 });
  it("sets the guards that are absent, and leaves those that are stricter", () => {
    expect(synth([policy])).toMatchObject({
      said: [],
      sync: { guards: { max_change_percent: 20, max_delete_percent: 2 } },
    });
    expect(synth([policy], { guards: { maxChangePercent: 5, maxChanges: 9 } })).toMatchObject({
      said: [],
      sync: { guards: { max_change_percent: 5, max_changes: 9, max_delete_percent: 2 } },
    });
  });

  it("refuses those that let more through", () => {
    expect(said(policy, { guards: { maxChangePercent: 21, maxDeletePercent: 2 } })).toEqual([
      `MAX_CHANGE_RATIO: guards.maxChangePercent is 21; lower it to 20, or except "people"`,
    ]);
    const excepting = new MaxChangeRatio({ changePercent: 20, except: ["people"] });
    expect(synth([excepting], { guards: { maxChangePercent: 99 } })).toMatchObject({
      said: [],
      sync: { guards: { max_change_percent: 99 } },
    });
  });
});

describe("FieldOwner", () => {
  const policy = (more: object = {}) =>
    new FieldOwner({ object: "Contact", fields: ["Name"], owner: "names", ...more });
  it("lets no other sync write the field, but in new records as the owner's", () => {
    expect(said(policy())).toEqual([
      `FIELD_OWNER: fields.Name of Contact belongs to sync "names"; remove it here, or say .ownedBy("names") to write it only in new records`,
    ]);
    expect(said(policy(), { name: "names" })).toEqual([]);
    expect(said(policy(), { fields: { Other: "name" } })).toEqual([]);
    expect(said(policy(), { fields: { Name: field("name").ownedBy("names") } })).toEqual([]);
    expect(said(policy(), { fields: { Name: field("name").ownedBy("people") } })).toHaveLength(1);
  });

  it("means one object, and one connection where it says so", () => {
    expect(said(policy({ object: "Lead" }))).toEqual([]);
    expect(said(policy({ connection: "crm" }))).toHaveLength(1);
    expect(said(policy({ connection: "erp" }))).toEqual([]);
  });
});

describe("RequirePrivacy", () => {
  it("wants a class of every field", () => {
    const fields = { A: "a", B: field("b").internal(), C: field("c").public(), D: field("d").trim() };
    const none = (name: string) =>
      `REQUIRE_PRIVACY: fields.${name} declares no class; add .public(), .internal(), .pii() or .secret()`;
    expect(said(new RequirePrivacy(), { fields })).toEqual([none("A"), none("D")]);
    expect(said(new RequirePrivacy({ except: ["people.A"] }), { fields })).toEqual([none("D")]);
  });
});

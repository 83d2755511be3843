/** `stacks/customer-lifetime-value.ts` over the real command line: Snowflake to Salesforce contacts. */
import { describe, expect, it } from "vitest";
import { app } from "../../providers/salesforce/sandbox/oauth.ts";
import { startSandbox as startSalesforce } from "../../providers/salesforce/sandbox.ts";
import { ask, type Row, seed } from "../../scripts/example/sandboxes.ts";
import { type Finish, fault, openStage, type StageSetup, untilUpdated, updates } from "./stage.ts";

const api = "/services/data/v67.0";
const table = `CREATE SCHEMA demo.nexla;
  CREATE TABLE demo.nexla.customer (email VARCHAR, lifetime_value NUMBER(24, 6));`;

/** Each customer is one case; Dan's value fits no currency field, Gus signed up twice. */
const few = `${table}
  INSERT INTO demo.nexla.customer VALUES
    ('ada@example.com', 1890.505), ('bob@example.com', 420), ('carol@example.com', 75.004),
    ('dan@example.com', 123456789012345678.9), ('eve@example.com', 10), ('fay@example.com', 11),
    ('gus@example.com', 12), ('Gus@Example.com', 13), ('hal@example.com', NULL);`;

/** Bob is as he should be, Eve there twice, Fay not at all, and the stranger no customer. */
const contacts: readonly Row[] = [
  { Email: "Ada@Example.com", Lifetime_Value__c: 12.5 },
  { Email: "bob@example.com", Lifetime_Value__c: 420 },
  { Email: "carol@example.com" },
  { Email: "dan@example.com", Lifetime_Value__c: 1 },
  { Email: "eve@example.com" },
  { Email: "eve@example.com" },
  { Email: "gus@example.com" },
  { Email: "hal@example.com", Lifetime_Value__c: 50 },
  { Email: "stranger@example.org", Lifetime_Value__c: 5 },
];

async function open(finish: Finish, warehouse: string, held: readonly Row[], changed?: StageSetup["changed"]) {
  const crm = await startSalesforce({ port: 0 });
  finish(() => crm.close());
  await seed(crm, { Contact: held.map((contact) => ({ LastName: "Somebody", ...contact })) });
  const stage = await openStage(finish, {
    stack: "customer-lifetime-value",
    warehouse,
    changed,
    env: {
      SALESFORCE_URL: crm.url,
      SALESFORCE_LOGIN_URL: "https://acme.my.salesforce.com",
      SALESFORCE_CLIENT_ID: app.clientId,
      SALESFORCE_CLIENT_SECRET: app.clientSecret,
    },
  });
  const login = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: app.clientId,
    client_secret: app.clientSecret,
  });
  const { access_token: token } = await ask(`${crm.url}/services/oauth2/token`, { method: "POST", body: login });
  const headers = { authorization: `Bearer ${String(token)}`, "content-type": "application/json" };
  const find = async (email: string) => {
    const soql = encodeURIComponent(`SELECT Id, Lifetime_Value__c FROM Contact WHERE Email = '${email}'`);
    const { records } = await ask(`${crm.url}${api}/query?q=${soql}`, { headers });
    return records as readonly { readonly Id: string; readonly Lifetime_Value__c: number | null }[];
  };
  const each = async (email: string, init: RequestInit) => {
    for (const { Id } of await find(email)) await ask(`${crm.url}${api}/sobjects/Contact/${Id}`, { headers, ...init });
  };
  return {
    ...stage,
    url: crm.url,
    value: async (email: string) => (await find(email)).map((contact) => contact.Lifetime_Value__c),
    /** A person's doings. */
    edit: (email: string, edited: Row) => each(email, { method: "PATCH", body: JSON.stringify(edited) }),
    remove: (email: string) => each(email, { method: "DELETE" }),
  };
}

describe("customer lifetime value", { timeout: 180_000 }, () => {
  it("updates the contacts there are, names the rows it cannot, and is done; then only what moved is left to do", async ({
    onTestFinished,
  }) => {
    const { run, plan, sql, url, edit, value } = await open(onTestFinished, few, contacts);
    const [first] = (await plan()).syncs;
    expect(first).toMatchObject({
      source: { rows: 9 },
      counts: { create: 0, update: 3, delete: 0 },
      confirmed: 1,
      skipped: 1,
      fields: [{ name: "Lifetime_Value__c", changed: 3, filled: 1, cleared: 1 }],
    });
    expect(first?.rejected.toSorted((a, b) => (a.code < b.code ? -1 : 1))).toEqual([
      { code: "AMBIGUOUS", field: null, count: 1 },
      { code: "KEY_DUPLICATE", field: null, count: 2 },
      { code: "TYPE_MISMATCH", field: "Lifetime_Value__c", count: 1 },
    ]);
    const shown = (await run(["show", "plan.ebb", "--show-values"])).out.replace(/\s+/g, " ");
    for (const named of ["match this key (eve@example.com)", "this key (gus@example.com)", "mapping (dan@example.com)"])
      expect(shown).toContain(named);
    expect(shown).toContain("~ ada@example.com Lifetime_Value__c 12.50 -> 1890.51");
    expect(await updates(url)).toBe(0);

    expect(await run(["apply", "plan.ebb"])).toMatchObject({ code: 0 });
    expect(await value("ada@example.com")).toEqual([1890.51]);
    expect(await value("carol@example.com")).toEqual([75]);
    expect(await value("hal@example.com")).toEqual([null]);
    expect(await value("dan@example.com")).toEqual([1]);
    expect(await value("eve@example.com")).toEqual([null, null]);
    expect(await value("stranger@example.org")).toEqual([5]);

    await sql("UPDATE demo.nexla.customer SET lifetime_value = 500 WHERE email = 'bob@example.com'");
    await edit("ada@example.com", { Lifetime_Value__c: 1_000_000 });
    const [second] = (await plan()).syncs;
    expect(second).toMatchObject({ counts: { update: 2 }, reasons: { warehouse: 1, drift: 1, conflict: 0 } });
    const apart = (await run(["show", "plan.ebb", "--show-values"])).out.replace(/\s+/g, " ");
    expect(apart).toContain(
      "edited by somebody else ~ ada@example.com Lifetime_Value__c 1000000.00 -> 1890.51 (theirs -> ours) updates ~ bob@",
    );
    expect(await run(["apply", "plan.ebb"])).toMatchObject({ code: 0 });
    expect([await value("ada@example.com"), await value("bob@example.com")]).toEqual([[1890.51], [500]]);
    expect(await run(["plan", "--detailed-exitcode"])).toMatchObject({ code: 0 });
    // Three of the first plan, one by hand, two of the second.
    expect(await updates(url)).toBe(6);
  });

  it("a contact that is deleted between plan and apply stops no other", async ({ onTestFinished }) => {
    const { run, plan, value, remove } = await open(onTestFinished, few, contacts);
    await plan();
    await remove("carol@example.com");
    expect(await run(["apply", "plan.ebb"])).toMatchObject({ code: 5 });
    expect(await value("ada@example.com")).toEqual([1890.51]);
    expect(await value("hal@example.com")).toEqual([null]);
    expect((await plan()).syncs[0]).toMatchObject({ counts: { create: 0, update: 0, delete: 0 }, skipped: 2 });
  });

  it("kill -9 in the middle of an apply: the next one finishes it, each change once", async ({ onTestFinished }) => {
    const many = `${table} INSERT INTO demo.nexla.customer
      SELECT 'user' || n || '@example.com', n FROM (SELECT SEQ4() + 1 AS n FROM TABLE(GENERATOR(ROWCOUNT => 1000)));`;
    const held = Array.from({ length: 1000 }, (_, i) => ({ Email: `user${i + 1}@example.com` }));
    const { run, plan, start, url, value } = await open(onTestFinished, many, held);
    expect((await plan()).syncs[0]).toMatchObject({ counts: { update: 1000 } });
    // Of five calls one lands when nobody waits for the answer any more, one at once, and the others never arrive.
    const match = "^PATCH .*composite/sobjects";
    const late = { match, delayMs: 3000, times: 1 };
    const lost = { match, delayMs: 5000, reset: "before", times: 9 };
    await fault(url, { failNext: [late, { match, delayMs: 1, times: 1 }, lost] });
    const apply = start(["apply", "plan.ebb"]);
    await untilUpdated(url, 200);
    await apply.kill();
    expect(await updates(url)).toBe(200);
    await fault(url, { failNext: [] });
    await untilUpdated(url, 400);
    expect(await run(["apply"])).toMatchObject({ code: 0 });
    expect(await updates(url)).toBe(1000);
    expect(await value("user1000@example.com")).toEqual([1000]);
    expect(await run(["plan", "--detailed-exitcode"])).toMatchObject({ code: 0 });
  });

  it("more changes than the guard allows are no ordinary night: the plan is stopped, and cannot be applied", async ({
    onTestFinished,
  }) => {
    const changed = ["maxChanges: 10_000", "maxChanges: 2"] as const;
    const { run, url } = await open(onTestFinished, few, contacts, changed);
    const stopped = await run(["plan", "--out", "plan.ebb"]);
    expect(stopped).toMatchObject({ code: 3 });
    expect(stopped.out).toContain("MAX_CHANGES: 3 changes, guards.maxChanges allows 2");
    expect(await run(["apply", "plan.ebb"])).toMatchObject({ code: 3 });
    expect(await updates(url)).toBe(0);
  });
});

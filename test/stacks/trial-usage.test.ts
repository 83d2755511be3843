/** `stacks/trial-usage.ts` over the real command line: Snowflake to HubSpot deals, with tokens that may do no more than they must. */
import { describe, expect, it } from "vitest";
import { app } from "../../providers/hubspot/sandbox/tokens.ts";
import { startSandbox as startHubSpot } from "../../providers/hubspot/sandbox.ts";
import { ask, type Row, seed } from "../../scripts/example/sandboxes.ts";
import { type Finish, fault, openStage, untilUpdated, updates } from "./stage.ts";

const properties = ["number_of_flows", "number_of_runs", "number_of_sources", "trial_last_active"];
const api = "2026-03";

/** What the page tells to give the private app, and everything else this account knows. */
const given = ["crm.objects.deals.read", "crm.objects.deals.write", "crm.schemas.deals.write"];
const others = ["contacts", "companies", "custom", "deals"].flatMap((object) =>
  ["objects", "schemas"].flatMap((what) => ["read", "write"].map((may) => `crm.${what}.${object}.${may}`)),
);
const missing = ["oauth", "tickets", ...others].filter((scope) => !given.includes(scope));

const tables = `
  CREATE SCHEMA demo.nexla;
  CREATE SCHEMA demo.hubspot;
  CREATE TABLE demo.nexla.account (account_id VARCHAR, name VARCHAR);
  CREATE TABLE demo.nexla.flow (flow_id NUMBER(18, 0), account_id VARCHAR, source_id NUMBER(18, 0));
  CREATE TABLE demo.nexla.run (run_id NUMBER(18, 0), flow_id NUMBER(18, 0), started_at TIMESTAMP_NTZ);
  CREATE TABLE demo.hubspot.deals (deal_id VARCHAR, deal_properties VARIANT);
`;
const replicated = (deal: string, account: string, stage = "qualifiedtobuy") =>
  `INSERT INTO demo.hubspot.deals
     SELECT '${deal}', OBJECT_CONSTRUCT('account_id', '${account}', 'pipeline', 'default', 'dealstage', '${stage}');`;

/** Deal 1 uses the product, 2 has a flow that never ran, 3 nothing; 4 was archived, 5 is there twice, 6 is no trial. */
const few = `${tables}
  INSERT INTO demo.nexla.account VALUES ('a1', 'One'), ('a2', 'Two'), ('a3', 'Three'), ('a4', 'Four'), ('a5', 'Five'), ('a6', 'Six');
  INSERT INTO demo.nexla.flow VALUES (11, 'a1', 7), (12, 'a1', 7), (13, 'a1', 8), (21, 'a2', 7), (61, 'a6', 7);
  INSERT INTO demo.nexla.run VALUES (1, 11, '2026-08-01 09:00:00'), (2, 11, '2026-08-02 23:59:59'), (3, 13, '2026-07-30 00:00:00');
  ${["D-1 a1", "D-2 a2", "D-3 a3", "D-4 a4", "D-5 a5", "D-5 a5"].map((pair) => replicated(...(pair.split(" ") as [string, string]))).join("\n")}
  ${replicated("D-6", "a6", "closedwon")}
`;

async function open(finish: Finish, warehouse: string, deals: readonly string[]) {
  const crm = await startHubSpot({ port: 0, faults: { missingScopes: missing } });
  finish(() => crm.close());
  await seed(crm, { deals: deals.map((deal_id) => ({ deal_id, dealname: `Deal ${deal_id}` })) });
  const stage = await openStage(finish, {
    stack: "trial-usage",
    warehouse,
    env: { HUBSPOT_URL: crm.url, HUBSPOT_TOKEN: app.accessToken },
  });
  const call = (method: string, path: string, json?: object) => {
    const headers = { authorization: `Bearer ${app.accessToken}`, "content-type": "application/json" };
    return ask(crm.url + path, { method, headers, ...(json ? { body: JSON.stringify(json) } : {}) });
  };
  const at = (deal: string) =>
    `/crm/objects/${api}/deals/${deal}?idProperty=deal_id&properties=${properties.join(",")}`;
  return {
    ...stage,
    url: crm.url,
    /** A person's doings. */
    edit: (deal: string, edited: Row) => call("PATCH", at(deal), { properties: edited }),
    archive: async (deal: string) => {
      const { id } = await call("GET", at(deal));
      await call("DELETE", `/crm/objects/${api}/deals/${String(id)}`);
    },
    /** A deal's usage, in the order of the properties. */
    async usage(deal: string) {
      const { properties: held } = (await call("GET", at(deal))) as { readonly properties: Row };
      return properties.map((name) => held[name] ?? null);
    },
    /** Type of each usage property the account has. */
    async made() {
      const { results } = await call("GET", `/crm/properties/${api}/deals`);
      const all = results as readonly { readonly name: string; readonly type: string }[];
      return Object.fromEntries(
        all.filter(({ name }) => properties.includes(name)).map(({ name, type }) => [name, type]),
      );
    },
  };
}

describe("trial usage", { timeout: 180_000 }, () => {
  it("makes the properties, writes the usage, and is done; then only what moved is left to do", async ({
    onTestFinished,
  }) => {
    const { run, plan, sql, url, edit, usage, made } = await open(onTestFinished, few, [
      "D-1",
      "D-2",
      "D-3",
      "D-5",
      "D-6",
    ]);
    const [first] = (await plan()).syncs;
    expect(first).toMatchObject({
      source: { rows: 6 },
      counts: { create: 0, update: 3, delete: 0 },
      skipped: 1,
      rejected: [{ code: "KEY_DUPLICATE", count: 2 }],
    });
    expect(first?.newFields.map(({ name }) => name)).toEqual(properties);
    expect(await made()).toEqual({});
    expect(await updates(url)).toBe(0);

    const shown = await run(["show", "plan.ebb", "--show-values"]);
    for (const name of properties) expect(shown.out).toMatch(new RegExp(`new field \\+ ${name} \\(`));
    expect(shown.out).toContain("KEY_DUPLICATE: several rows have this key (D-5)");

    expect(await run(["apply", "plan.ebb"])).toMatchObject({ code: 0 });
    const number = "number";
    expect(await made()).toEqual({
      number_of_flows: number,
      number_of_runs: number,
      number_of_sources: number,
      trial_last_active: "date",
    });
    expect(await usage("D-1")).toEqual(["3", "3", "2", "2026-08-02"]);
    expect(await usage("D-2")).toEqual(["1", "0", "1", null]);
    expect(await usage("D-3")).toEqual(["0", "0", "0", null]);
    expect(await usage("D-5")).toEqual([null, null, null, null]);
    expect(await usage("D-6")).toEqual([null, null, null, null]);

    await sql(`INSERT INTO demo.nexla.run VALUES (4, 21, '2026-08-09 10:00:00');
               DELETE FROM demo.nexla.account WHERE account_id = 'a3'`);
    await edit("D-1", { number_of_runs: "9999" });
    const [second] = (await plan()).syncs;
    expect(second).toMatchObject({
      counts: { update: 2 },
      reasons: { warehouse: 1, drift: 1, conflict: 0 },
      newFields: [],
    });
    expect(second?.rejected).toContainEqual({ code: "NULL_REFUSED", field: "number_of_flows", count: 1 });
    const apart = (await run(["show", "plan.ebb", "--show-values"])).out;
    expect(apart).toMatch(/edited by somebody else\n +~ D-1\n +number_of_runs +9999.* -> 3.* \(theirs -> ours\)/);
    expect(apart).toMatch(/\n {2}updates\n +~ D-2\n/);
    expect(await run(["apply", "plan.ebb"])).toMatchObject({ code: 0 });
    expect(await usage("D-1")).toEqual(["3", "3", "2", "2026-08-02"]);
    expect(await usage("D-2")).toEqual(["1", "1", "1", "2026-08-09"]);
    // Its account is gone from the product: what was known last stays, and the row is named.
    expect(await usage("D-3")).toEqual(["0", "0", "0", null]);
    expect(await run(["plan", "--detailed-exitcode"])).toMatchObject({ code: 0 });
    expect(await updates(url)).toBe(3 + 1 + 2);
  });

  it("a deal that is archived between plan and apply is told and skipped, and left alone afterwards", async ({
    onTestFinished,
  }) => {
    const { run, plan, archive, usage } = await open(onTestFinished, few, ["D-1", "D-2", "D-3"]);
    await plan();
    await archive("D-2");
    const applied = await run(["apply", "plan.ebb"]);
    expect(applied).toMatchObject({ code: 5 });
    expect(applied.out).toMatch(/skipped +moved since the plan was made/);
    expect(await usage("D-1")).toEqual(["3", "3", "2", "2026-08-02"]);
    expect(await usage("D-3")).toEqual(["0", "0", "0", null]);
    const [next] = (await plan()).syncs;
    expect(next).toMatchObject({ counts: { create: 0, update: 0, delete: 0 }, unchanged: 2 });
  });

  it("kill -9 in the middle of an apply: the next one finishes it, each change once", async ({ onTestFinished }) => {
    const deals = Array.from({ length: 500 }, (_, i) => `D-${i + 1}`);
    const numbers = "(SELECT SEQ4() + 1 AS n FROM TABLE(GENERATOR(ROWCOUNT => 500)))";
    const many = `${tables}
      INSERT INTO demo.nexla.account SELECT 'a' || n, 'Account ' || n FROM ${numbers};
      INSERT INTO demo.nexla.flow SELECT n, 'a' || n, n FROM ${numbers};
      INSERT INTO demo.hubspot.deals SELECT 'D-' || n, OBJECT_CONSTRUCT('account_id', 'a' || n, 'pipeline', 'default', 'dealstage', 'qualifiedtobuy') FROM ${numbers};`;
    const { run, plan, start, url, usage } = await open(onTestFinished, many, deals);
    expect((await plan()).syncs[0]).toMatchObject({ counts: { update: 500 } });
    // Of five calls two land when nobody waits for the answer any more, two at once, and one never arrives.
    const match = "batch/update";
    const late = { match, delayMs: 3000, times: 2 };
    const lost = { match, delayMs: 5000, reset: "before", times: 9 };
    await fault(url, { failNext: [late, { match, delayMs: 1, times: 2 }, lost] });
    const apply = start(["apply", "plan.ebb"]);
    await untilUpdated(url, 200);
    await apply.kill();
    expect(await updates(url)).toBe(200);
    await fault(url, { failNext: [] });
    await untilUpdated(url, 400);
    const resumed = await run(["apply"]);
    expect(resumed).toMatchObject({ code: 0 });
    expect(await updates(url)).toBe(500);
    expect(await usage("D-500")).toEqual(["1", "0", "1", null]);
    expect(await run(["plan", "--detailed-exitcode"])).toMatchObject({ code: 0 });
  });

  it("a scope or a role that is missing is named, and nothing is written", async ({ onTestFinished }) => {
    const { run, plan, url, made } = await open(onTestFinished, few, ["D-1"]);
    await plan();
    await fault(url, { missingScopes: [...missing, "crm.schemas.deals.write"] });
    const refused = await run(["apply", "plan.ebb"]);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("crm.schemas.deals.write");
    expect(await made()).toEqual({});
    expect(await updates(url)).toBe(0);
    const admin = await run(["plan"], { SNOWFLAKE_ROLE: "SYSADMIN" });
    expect(admin.code).toBe(1);
    expect(admin.err).toContain("SYSADMIN");
  });
});

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@hubspot/api-client";
import { Agent } from "undici";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Batch, type Change, createHttp, type Fields, keyOf } from "../../../src/connector/index.ts";
import { freePermits, never, testContext } from "../../../test/context.ts";
import hubspot from "../index.ts";
import { startSandbox } from "../sandbox.ts";
import { app } from "./tokens.ts";

const signal = AbortSignal.timeout(60_000);
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Made {
  readonly id: string;
  readonly properties: Readonly<Record<string, string | null>>;
}

/** A sandbox, and calls as a person makes them. */
async function start(faults: Record<string, unknown> = {}, directory?: string) {
  const sandbox = await startSandbox({ port: 0, faults, ...(directory ? { directory } : {}) });
  closers.push(() => sandbox.close());
  const rest = async <T = unknown>(method: string, path: string, json?: object, token: string = app.accessToken) => {
    const answer = await fetch(sandbox.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(json ? { body: JSON.stringify(json) } : {}),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: (text === "" ? undefined : JSON.parse(text)) as T };
  };
  const seed = async (object: string, records: readonly object[]): Promise<string[]> =>
    (await rest<Record<string, string[]>>("POST", "/__sandbox/seed", { [object]: records })).body[object] ?? [];
  return { url: sandbox.url, rest, seed, close: () => sandbox.close() };
}

const contacts = "/crm/v3/objects/contacts";

describe("the official client and the connector", () => {
  /** What both do: two deals, a change, a company, one deal archived. */
  async function byConnector(url: string): Promise<void> {
    const agent = new Agent();
    closers.push(() => agent.close());
    const permits = freePermits();
    const sleep = async () => undefined;
    const context = testContext({
      http: (http) =>
        createHttp(
          { dispatcher: async () => agent, permits, connection: "crm", now: Date.now, after: never, sleep },
          http,
        ),
    });
    const options = { baseUrl: url, accessToken: app.accessToken } as never;
    const destination = await hubspot.destination?.open(options, context);
    const write = async (object: string, matchOn: string, changes: readonly Change[]): Promise<string[]> => {
      const action = changes[0]?.action ?? "create";
      const types = { amount: { kind: "float" } } as const;
      const batch: Batch = { object, matchOn: [matchOn], action, route: "batch", types, changes, id: "b" };
      const ids: string[] = [];
      for await (const receipt of destination?.write(batch, signal) ?? [])
        for (const outcome of "outcomes" in receipt ? receipt.outcomes : [])
          if (outcome.status === "applied") ids.push(outcome.id);
      return ids;
    };
    const create = (n: number, after: Fields): Change => ({ n, key: keyOf([`k${n}`]), action: "create", after });
    await destination?.createField?.("deals", { name: "number_of_runs", type: { kind: "integer" } }, signal);
    const [company = ""] = await write("companies", "name", [create(0, { name: "Acme" })]);
    const [first = "", second = ""] = await write("deals", "deal_id", [
      create(0, { deal_id: "D-1", dealname: "One", amount: "10.50" }),
      create(1, { deal_id: "D-2", dealname: "Two" }),
    ]);
    const after = { dealname: null, number_of_runs: "7", "associations.companies": company };
    const before = { "associations.companies": null };
    await write("deals", "deal_id", [{ n: 0, key: keyOf(["D-1"]), action: "update", id: first, before, after }]);
    await write("deals", "deal_id", [{ n: 0, key: keyOf(["D-2"]), action: "delete", id: second, before: {} }]);
  }

  async function byClient(url: string): Promise<void> {
    const { crm } = new Client({ accessToken: app.accessToken, basePath: url });
    await crm.properties.coreApi.create("deals", {
      name: "number_of_runs",
      label: "Number of runs",
      groupName: "dealinformation",
      type: "number",
      fieldType: "number",
    } as never);
    const companies = await crm.companies.batchApi.create({
      inputs: [{ properties: { name: "Acme" }, associations: [] }],
    });
    const company = companies.results[0]?.id ?? "";
    const input = (id: string, properties: Record<string, string>) => ({ id, idProperty: "deal_id", properties });
    const deals = await crm.objects.batchApi.upsert("deals", {
      inputs: [input("D-1", { dealname: "One", amount: "10.50" }), input("D-2", { dealname: "Two" })],
    });
    const [first = "", second = ""] = deals.results.map(({ id }) => id);
    const properties = { dealname: "", number_of_runs: "7" };
    await crm.objects.batchApi.update("deals", { inputs: [{ id: first, properties }] });
    await crm.associations.v4.batchApi.createDefault("deals", "companies", {
      inputs: [{ _from: { id: first }, to: { id: company } }],
    });
    await crm.objects.batchApi.archive("deals", { inputs: [{ id: second }] });
  }

  it("leave the same records behind", async () => {
    const outcome = async (work: (url: string) => Promise<void>) => {
      const { url } = await start();
      await work(url);
      const { crm } = new Client({ accessToken: app.accessToken, basePath: url });
      const names = ["deal_id", "dealname", "amount", "number_of_runs"];
      const deals = await crm.objects.basicApi.getPage("deals", 10, undefined, names);
      const [deal] = deals.results;
      const inputs = deals.results.map(({ id }) => ({ id }));
      const links = await crm.associations.v4.batchApi.getPage("deals", "companies", { inputs });
      const definition = await crm.properties.coreApi.getByName("deals", "number_of_runs");
      const values = Object.fromEntries(names.map((name) => [name, deal?.properties[name] ?? null]));
      const companies = links.results.map(({ to }) => to.map(({ toObjectId }) => String(toObjectId)));
      return { count: deals.results.length, values, companies, type: definition.type };
    };
    const ours = await outcome(byConnector);
    expect(ours).toEqual({
      count: 1,
      values: { deal_id: "D-1", dealname: null, amount: "10.5", number_of_runs: "7" },
      companies: [["101"]],
      type: "number",
    });
    expect(await outcome(byClient)).toEqual(ours);
  });

  it("see the same search endpoint, with its lag", async () => {
    const { url, rest } = await start({ indexLagMs: 60_000 });
    const { crm } = new Client({ accessToken: app.accessToken, basePath: url });
    const made = await crm.contacts.basicApi.create({ properties: { email: "new@x.test" }, associations: [] });
    const asked = {
      filterGroups: [{ filters: [{ propertyName: "email", operator: "EQ", value: "new@x.test" }] }],
      properties: ["email"],
      limit: 10,
    };
    expect((await crm.contacts.searchApi.doSearch(asked as never)).total).toBe(0);
    expect((await crm.contacts.basicApi.getById(made.id)).id).toBe(made.id);
    await rest("POST", "/__sandbox/faults", { indexLagMs: null });
    expect((await crm.contacts.searchApi.doSearch(asked as never)).total).toBe(1);
    const { body, headers } = await rest<{ calls: object }>("GET", "/__sandbox/stats");
    expect(body.calls).toMatchObject({ "POST /objects/{type}/search": 2 });
    expect(headers.get("x-hubspot-ratelimit-max")).toBeNull();
  });
});

describe("records", () => {
  it("can be edited one by one, by id and by a unique property", async () => {
    const { rest } = await start();
    const made = await rest<Made>("POST", contacts, { properties: { email: "By@Hand.test", firstname: "By" } });
    expect([made.status, made.body.properties.email]).toEqual([201, "by@hand.test"]);
    const path = `${contacts}/${made.body.id}`;
    expect(
      (await rest("PATCH", `${contacts}/by@hand.test?idProperty=email`, { properties: { firstname: "" } })).status,
    ).toBe(200);
    const read = await rest<Made>("GET", `${path}?properties=firstname,hs_email_domain`);
    expect(read.body.properties).toMatchObject({
      firstname: null,
      hs_email_domain: "hand.test",
      hs_object_id: made.body.id,
    });
    const refused = await rest("PATCH", path, { properties: { segment: "Whale" } });
    expect(refused).toMatchObject({
      status: 400,
      body: {
        category: "VALIDATION_ERROR",
        errors: [{ code: "INVALID_OPTION", context: { propertyName: ["segment"] } }],
      },
    });
    expect((await rest("POST", contacts, { properties: { email: "by@hand.test" } })).body).toMatchObject({
      category: "CONFLICT",
      message: `Contact already exists. Existing ID: ${made.body.id}`,
    });
    expect((await rest("DELETE", path)).status).toBe(204);
    expect((await rest("GET", path)).body).toMatchObject({ category: "OBJECT_NOT_FOUND" });
    expect((await rest("DELETE", path)).status).toBe(204);
  });

  it("are created all or none without traces, and one by one with them", async () => {
    const { rest, seed } = await start();
    const [there] = await seed("contacts", [{ email: "there@x.test" }]);
    const inputs = ["new@x.test", "there@x.test", "bad"].map((email) => ({ properties: { email } }));
    const none = await rest("POST", `${contacts}/batch/create`, { inputs });
    expect(none).toMatchObject({ status: 409, body: { message: `Contact already exists. Existing ID: ${there}` } });
    const count = async () => (await rest<{ results: Made[] }>("GET", contacts)).body.results.length;
    expect(await count()).toBe(1);
    const same = inputs.map((input) => ({ ...input, objectWriteTraceId: "same" }));
    expect((await rest("POST", `${contacts}/batch/create`, { inputs: same })).status).toBe(409);
    const traced = inputs.map((input, i) => ({ ...input, objectWriteTraceId: `t${i}` }));
    expect(await rest("POST", `${contacts}/batch/create`, { inputs: traced })).toMatchObject({
      status: 207,
      body: {
        results: [{ objectWriteTraceId: "t0" }],
        numErrors: 2,
        errors: [
          { category: "CONFLICT", context: { objectWriteTraceId: ["t1"] } },
          { category: "VALIDATION_ERROR", context: { objectWriteTraceId: ["t2"] } },
        ],
      },
    });
    expect(await count()).toBe(2);
  });

  it("that were archived give their e-mail back", async () => {
    const { rest, seed } = await start();
    const [id] = await seed("contacts", [{ email: "a@x.test" }]);
    await rest("DELETE", `${contacts}/${id}`);
    expect((await rest("POST", contacts, { properties: { email: "a@x.test" } })).status).toBe(201);
  });

  it("keep choices, and add to them where the text begins with a semicolon", async () => {
    const { rest, seed } = await start();
    const [id] = await seed("contacts", [{ email: "a@x.test", interests: "pricing" }]);
    const set = async (interests: string) =>
      (await rest<Made>("PATCH", `${contacts}/${id}`, { properties: { interests } })).body.properties.interests;
    expect(await set(";product")).toBe("pricing;product");
    expect(await set("events")).toBe("events");
  });

  it.each([
    ["last_order_date", "2024-02-29", "2024-02-29"],
    ["last_order_date", "1709164800000", "2024-02-29"],
    ["last_order_date", "2024-02-30", undefined],
    ["last_order_date", "1709164800001", undefined],
    ["last_order_at", "2024-02-29T01:00:00+01:00", "2024-02-29T00:00:00.000Z"],
    ["last_order_at", "1709164800001", "2024-02-29T00:00:00.001Z"],
    ["lifetime_value", "1.50", "1.5"],
    ["lifetime_value", "1e3", "1000"],
    ["lifetime_value", "1,000", undefined],
    ["active_subscriber", "TRUE", "true"],
    ["active_subscriber", "yes", undefined],
  ])("store %s %j as %j", async (name, given, stored) => {
    const { rest } = await start();
    const made = await rest<Made>("POST", contacts, { properties: { email: "a@x.test", [name]: given } });
    expect(stored === undefined ? made.status : made.body.properties[name]).toBe(stored ?? 400);
  });
});

describe("the server", () => {
  it("names a fault it does not know", async () => {
    await expect(startSandbox({ port: 0, faults: { rates: {} } })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("knows custom objects by type id and qualified name, as the vendor does, and not by name", async () => {
    const { rest } = await start();
    expect((await rest("GET", "/crm/v3/properties/2-1000001")).status).toBe(200);
    expect((await rest("GET", "/crm/v3/objects/p12345678_trials")).status).toBe(200);
    expect((await rest("GET", "/crm/v3/objects/trials")).body).toMatchObject({
      message: "Unable to infer object type from: trials",
    });
  });

  it("refuses batches that are too large, wrong tokens, missing scopes and odd addresses", async () => {
    const { rest } = await start({ missingScopes: ["crm.objects.deals.read"] });
    const inputs = Array.from({ length: 101 }, (_, id) => ({ id: String(id) }));
    expect((await rest("POST", `${contacts}/batch/read`, { inputs })).status).toBe(400);
    expect((await rest("GET", `${contacts}?limit=101`)).status).toBe(400);
    expect((await rest("GET", contacts, undefined, "wrong")).body).toMatchObject({
      category: "INVALID_AUTHENTICATION",
    });
    expect((await rest("GET", "/crm/v3/objects/deals")).body).toMatchObject({
      category: "MISSING_SCOPES",
      errors: [{ context: { requiredGranularScopes: ["crm.objects.deals.read"] } }],
    });
    expect((await rest("PUT", contacts, {})).status).toBe(405);
    expect((await rest("GET", "/crm/v3/nothing")).status).toBe(404);
  });

  it("limits calls in a rolling window, and tells so", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    closers.push(async () => vi.useRealTimers());
    const { rest } = await start({ rate: { calls: 2, perMs: 400 } });
    const first = await rest("GET", contacts);
    expect(first.headers.get("x-hubspot-ratelimit-remaining")).toBe("1");
    await rest("GET", contacts);
    const third = await rest("GET", contacts);
    expect(third).toMatchObject({ status: 429, body: { policyName: "TEN_SECONDLY_ROLLING", errorType: "RATE_LIMIT" } });
    vi.advanceTimersByTime(401);
    expect((await rest("GET", contacts)).status).toBe(200);
    expect((await rest("GET", "/__sandbox/stats")).body).toMatchObject({
      violations: 1,
      mostInWindow: 3,
      windowMs: 400,
    });
  });

  it("locks every so many writes, and does not work while it is moved", async () => {
    const { rest } = await start({ lockRowEvery: 2 });
    const make = (n: number) => rest("POST", contacts, { properties: { email: `p${n}@x.test` } });
    expect([(await make(1)).status, (await make(2)).status, (await make(3)).status]).toEqual([201, 423, 201]);
    await rest("POST", "/__sandbox/faults", { migratingSeconds: 30 });
    const moving = await rest("GET", contacts);
    expect([moving.status, moving.headers.get("retry-after")]).toEqual([477, "30"]);
  });

  it("keeps records, properties and associations in a directory, also when it was killed in the middle of a line", async () => {
    const directory = await mkdtemp(join(tmpdir(), "hubspot-"));
    closers.push(() => rm(directory, { recursive: true }));
    const first = await start({}, directory);
    const [deal = "", other = ""] = await first.seed("deals", [{ dealname: "line\nbreak" }, { dealname: "gone" }]);
    const [company = ""] = await first.seed("companies", [{ name: "Acme" }]);
    const property = { label: "Runs", groupName: "dealinformation", type: "number", fieldType: "number" };
    await first.rest("POST", "/crm/v3/properties/deals", { ...property, name: "number_of_runs" });
    const inputs = [{ from: { id: deal }, to: { id: company } }];
    await first.rest("POST", "/crm/v4/associations/deals/companies/batch/associate/default", { inputs });
    await first.rest("DELETE", `/crm/v3/objects/deals/${other}`);
    const file = join(directory, "hubspot.ndjson");
    // Read before it is closed: what was answered has to be on disk already.
    const text = await readFile(file, "utf8");
    expect(text.trimEnd().split("\n")).toHaveLength(6);
    await first.close();
    await writeFile(file, `${text}["record","deals",{"id":"9`);
    for (let time = 0; time < 2; time++) {
      const { rest, close } = await start({}, directory);
      const path = `/crm/v3/objects/deals/${deal}`;
      expect((await rest<Made>("GET", path)).body.properties.dealname).toBe("line\nbreak");
      expect((await rest("GET", `/crm/v3/objects/deals/${other}`)).status).toBe(404);
      expect((await rest("GET", "/crm/v3/properties/deals/number_of_runs")).status).toBe(200);
      const links = await rest("POST", "/crm/v4/associations/companies/deals/batch/read", {
        inputs: [{ id: company }],
      });
      expect(links.body).toMatchObject({ results: [{ to: [{ toObjectId: deal }] }] });
      const made = await rest<Made>("POST", "/crm/v3/objects/deals", { properties: { dealname: "next" } });
      expect(Number(made.body.id)).toBeGreaterThan(Number(company));
      await close();
    }
  });
});

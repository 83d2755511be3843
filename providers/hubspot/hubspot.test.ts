import { Agent } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import * as z from "zod";
import {
  AuthError,
  type Batch,
  type Change,
  ConfigError,
  createHttp,
  type Destination,
  type Fields,
  type FieldType,
  type Finding,
  isSecret,
  keyOf,
  type ObservedRecord,
  type Outcome,
  type RateSignal,
  type ReadRequest,
  RecordError,
  TransientError,
} from "../../src/connector/index.ts";
import { freePermits, never, testContext } from "../../test/context.ts";
import hubspot from "./index.ts";
import { app } from "./sandbox/tokens.ts";
import { startSandbox } from "./sandbox.ts";
import { fromProperty, toProperty } from "./values.ts";

const signal = AbortSignal.timeout(60_000);
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const { accessToken, ...oauth } = app;

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

interface Stats {
  readonly calls: Record<string, number>;
  readonly violations: number;
  readonly duplicates: number;
  readonly records: Record<string, number>;
  readonly written: Record<string, number>;
}

/** A connection to a new sandbox, with everything that passes between them. */
async function connect(setup: { faults?: Record<string, unknown>; options?: Record<string, unknown> } = {}) {
  const sandbox = await startSandbox({ port: 0, faults: setup.faults ?? {} });
  closers.push(() => sandbox.close());
  const agent = new Agent();
  closers.push(() => agent.close());
  const ask = async <T>(method: "GET" | "POST", path: string, json?: unknown): Promise<T> => {
    const body = json === undefined ? {} : { body: JSON.stringify(json) };
    const answer = await agent.request({ origin: sandbox.url, path: `/__sandbox/${path}`, method, ...body });
    return (await answer.body.json()) as T;
  };
  const stats = () => ask<Stats>("GET", "stats");
  // Whatever a test does: the search endpoint is no way to read.
  closers.push(async () => expect(Object.keys((await stats()).calls).join()).not.toContain("search"));
  const sent: Sent[] = [];
  const signals: RateSignal[] = [];
  const sleeps: number[] = [];
  const clock = { now: Date.now() };
  const kept = new Map<string, string>();
  const order: string[] = [];
  const permits = freePermits(signals);
  const recorder = agent.compose((dispatch) => (asked, handler) => {
    const headers = Object.entries(asked.headers as Record<string, string>);
    sent.push({
      method: asked.method,
      path: asked.path,
      headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
      body: String(asked.body ?? ""),
    });
    order.push(asked.path);
    return dispatch(asked, handler);
  });
  const context = testContext({
    connection: "crm",
    http: (http) =>
      createHttp(
        {
          dispatcher: async () => recorder,
          permits,
          connection: "crm",
          now: Date.now,
          after: never,
          sleep: async (ms) => void sleeps.push(ms),
        },
        http,
      ),
    now: () => clock.now,
    kept: (name, seal) => ({
      get: async () => kept.get(`${name} ${seal}`),
      set: async (value) => {
        order.push(`kept ${value}`);
        kept.set(`${name} ${seal}`, value);
      },
    }),
  });
  const open = async (options: Record<string, unknown> = setup.options ?? { accessToken }): Promise<Destination> => {
    if (!hubspot.destination) throw new TypeError("no destination");
    return hubspot.destination.open({ baseUrl: sandbox.url, ...options } as never, context);
  };
  const seed = async (object: string, records: readonly object[]): Promise<string[]> => {
    const made = await ask<Record<string, string[]>>("POST", "seed", { [object]: records });
    return made[object] ?? [];
  };
  /** A call as a person makes it. */
  const rest = async (method: string, path: string, json?: object) => {
    const answer = await fetch(sandbox.url + path, {
      method,
      headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
      ...(json ? { body: JSON.stringify(json) } : {}),
    });
    const text = await answer.text();
    return text ? JSON.parse(text) : undefined;
  };
  return {
    sandbox,
    destination: await open(),
    open,
    sent,
    signals,
    sleeps,
    clock,
    kept,
    order,
    seed,
    stats,
    ask,
    rest,
  };
}

const text: FieldType = { kind: "text", trim: true, emptyIsNull: true };
const types: Record<string, FieldType> = {
  email: { kind: "email" },
  lifetime_value: { kind: "float" },
  amount: { kind: "float" },
  active_subscriber: { kind: "boolean" },
};

const create = (n: number, key: string, after: Fields): Change => ({ n, key: keyOf([key]), action: "create", after });
const update = (n: number, id: string, after: Fields, before: Fields = {}): Change => ({
  n,
  key: keyOf([id]),
  action: "update",
  id,
  before,
  after,
});
const remove = (n: number, id: string): Change => ({ n, key: keyOf([id]), action: "delete", id, before: {} });

function batch(changes: readonly Change[], more: Partial<Batch> = {}): Batch {
  const action = changes[0]?.action ?? "create";
  return { object: "contacts", matchOn: ["email"], action, route: "batch", types, changes, id: "b1", ...more };
}
const deals = (changes: readonly Change[], more: Partial<Batch> = {}) =>
  batch(changes, { object: "deals", matchOn: ["deal_id"], ...more });

async function write(destination: Destination, of: Batch): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for await (const receipt of destination.write(of, signal))
    if ("outcomes" in receipt) outcomes.push(...receipt.outcomes);
  return outcomes;
}

async function read(destination: Destination, request: ReadRequest) {
  const pages: (readonly ObservedRecord[])[] = [];
  for await (const page of destination.read(request, signal)) pages.push(page);
  return { pages, records: pages.flat() };
}

const scan = (destination: Destination, fields = ["email", "firstname"], object = "contacts") =>
  read(destination, { object, fields, match: [], by: "scan" });
const people = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ firstname: `Person ${i}`, email: `person${i}@example.com` }));
const bodyOf = (sent: readonly Sent[], ending: string) => {
  const found = sent.filter(({ path }) => path.endsWith(ending)).at(-1);
  return JSON.parse(found?.body ?? "null");
};

describe("signing in", () => {
  it("sends the private app's token, and is known by the account's number", async () => {
    const { destination, sent } = await connect();
    expect([await destination.account(signal), await destination.account(signal)]).toEqual(["12345678", "12345678"]);
    expect(sent.map(({ path }) => path)).toEqual(["/account-info/2026-03/details"]);
    expect(sent[0]?.headers.authorization).toBe(`Bearer ${accessToken}`);
  });

  it("refreshes an OAuth token, and is the same account", async () => {
    const { destination, sent } = await connect({ options: oauth });
    expect(await destination.account(signal)).toBe("12345678");
    expect(Object.fromEntries(new URLSearchParams(sent[0]?.body))).toEqual({
      grant_type: "refresh_token",
      client_id: app.clientId,
      client_secret: app.clientSecret,
      refresh_token: app.refreshToken,
    });
    expect(sent[1]?.headers.authorization).not.toContain(accessToken);
  });

  it("needs one of the two, already when it is declared", () => {
    const problem = (options: object) => hubspot.connection.safeParse(options).error?.issues[0]?.message;
    expect(problem({ clientId: "x" })).toBe("needs accessToken, or clientId, clientSecret and refreshToken");
    expect(problem({ accessToken: "env:TOKEN" })).toBeUndefined();
    expect(problem({ clientId: "x", clientSecret: "env:S", refreshToken: "env:R" })).toBeUndefined();
  });

  it("uses the token where both are given, and says so where neither is whole", async () => {
    const { destination, open, stats } = await connect({ options: { ...app, refreshToken: "wrong" } });
    expect(await destination.account(signal)).toBe("12345678");
    expect((await stats()).calls["POST /oauth/token"]).toBeUndefined();
    await expect(open({ clientId: "x" })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("says what is wrong with a token, and never repeats it", async () => {
    const { destination } = await connect({ options: { accessToken: "pat-wrong-token" } });
    const error = await destination.account(signal).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({
      code: "AUTH_REFUSED",
      message: "crm: the token was refused (INVALID_AUTHENTICATION)",
    });
    expect(String((error as AuthError).next)).toContain("accessToken");
    expect(JSON.stringify([error, String(error)])).not.toContain("pat-wrong-token");
  });

  it("says what is wrong with a refused login, and never repeats its secrets", async () => {
    const { destination } = await connect({ options: { ...oauth, clientSecret: "not-the-secret" } });
    const error = await destination.account(signal).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "AUTH_REFUSED", message: "crm: the login was refused (BAD_CLIENT_SECRET)" });
    expect(JSON.stringify([error, String(error)])).not.toContain("not-the-secret");
  });

  it("renews a token before it expires", async () => {
    const { destination, clock, stats } = await connect({ options: oauth });
    await scan(destination);
    clock.now += 1_000_000;
    await scan(destination);
    expect((await stats()).calls["POST /oauth/token"]).toBe(1);
    clock.now += 750_000;
    await scan(destination);
    expect((await stats()).calls["POST /oauth/token"]).toBe(2);
  });

  it("mints one new token for many calls that are refused at once", async () => {
    const { destination, ask, seed, stats } = await connect({ options: oauth });
    await seed("contacts", people(3));
    await scan(destination);
    await ask("POST", "revoke");
    const found = await Promise.all(Array.from({ length: 8 }, () => scan(destination)));
    expect(found.every(({ records }) => records.length === 3)).toBe(true);
    expect((await stats()).calls["POST /oauth/token"]).toBe(2);
  });

  it("fails when a fresh token is refused too, and does not ask a third time", async () => {
    const body = { category: "EXPIRED_AUTHENTICATION" };
    const failNext = [{ match: "GET .*properties", status: 401, body, times: 9 }];
    const { destination, sent, stats } = await connect({ options: oauth, faults: { failNext } });
    await expect(scan(destination)).rejects.toMatchObject({ code: "AUTH_REFUSED" });
    expect(sent.filter(({ path }) => path.includes("/properties/"))).toHaveLength(2);
    expect((await stats()).calls["POST /oauth/token"]).toBe(2);
  });

  it("keeps a refresh token that was rotated before it uses the access token, and starts with it next time", async () => {
    const { destination, open, order, kept, sent } = await connect({
      options: oauth,
      faults: { rotateRefreshTokens: true },
    });
    await destination.account(signal);
    const [first] = kept.values();
    expect(order).toEqual(["/oauth/2026-03/token", `kept ${first}`, "/account-info/2026-03/details"]);
    expect([...kept.keys()]).toEqual([`refresh-token ${app.clientSecret}`]);
    await (await open()).account(signal);
    const asked = sent.filter(({ path }) => path.endsWith("/token")).map(({ body }) => new URLSearchParams(body));
    expect(asked.map((form) => form.get("refresh_token"))).toEqual([app.refreshToken, first]);
  });

  it("sessions beside each other log in one after the other, each with the token of the one before", async () => {
    const { destination, open, sent } = await connect({ options: oauth, faults: { rotateRefreshTokens: true } });
    const sessions = [destination, await open(), await open()];
    const accounts = await Promise.all(sessions.map((one) => one.account(signal)));
    expect(accounts).toEqual(["12345678", "12345678", "12345678"]);
    // A token asked for with the one that was configured, and two with what came of the one before.
    expect(sent.filter(({ path }) => path.endsWith("/token"))).toHaveLength(3);
  });

  it("falls back to the configured refresh token when the kept one is refused", async () => {
    const { destination, kept, stats } = await connect({ options: oauth });
    kept.set(`refresh-token ${app.clientSecret}`, "of an app that was removed");
    expect(await destination.account(signal)).toBe("12345678");
    expect((await stats()).calls["POST /oauth/token"]).toBe(2);
  });

  it("tries again after a login that failed", async () => {
    const failNext = [{ match: "oauth/.*token", status: 502, body: "<html>bad gateway</html>", times: 4 }];
    const { destination } = await connect({ options: oauth, faults: { failNext } });
    await expect(destination.account(signal)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await destination.account(signal)).toBe("12345678");
  });

  it("names the scope that is missing", async () => {
    const { destination } = await connect({ faults: { missingScopes: ["crm.objects.deals.write"] } });
    const error = await write(destination, deals([create(0, "D", { deal_id: "D" })])).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: "ACCESS_DENIED",
      message: "crm: not allowed without the scope crm.objects.deals.write",
    });
  });

  it("describes every option of a connection, and knows the secret ones", () => {
    const secrets = Object.entries(hubspot.connection.shape).filter(([, schema]) => isSecret(schema as never));
    expect(secrets.map(([name]) => name)).toEqual(["accessToken", "clientSecret", "refreshToken"]);
    for (const [name, schema] of Object.entries(hubspot.connection.shape)) {
      const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : (schema as z.ZodType);
      expect((schema as z.ZodType).description ?? inner.description, name).toMatch(/\.$/);
    }
  });
});

describe("describe", () => {
  const fieldOf = async (destination: Destination, object: string) => {
    const { fields } = await destination.describe(object, signal);
    return (name: string) => fields.find((field) => field.name === name);
  };

  it("maps types, what can be written and what records can be matched on", async () => {
    const { destination } = await connect();
    const field = await fieldOf(destination, "contacts");
    expect(field("firstname")).toEqual({
      name: "firstname",
      label: "Firstname",
      type: { ...text, maxLength: 65_536 },
      creatable: true,
      updatable: true,
      matchable: false,
    });
    expect(field("email")).toMatchObject({ type: { kind: "email" }, matchable: true, createIsIdempotent: "conflict" });
    expect(field("customer_id")).toMatchObject({ matchable: true, createIsIdempotent: "key" });
    expect(field("lifetime_value")).toMatchObject({ type: { kind: "float" }, matchable: false });
    expect(field("active_subscriber")).toMatchObject({ type: { kind: "boolean" } });
    expect(field("active_subscriber")?.options).toBeUndefined();
    expect(field("last_order_date")?.type).toEqual({ kind: "date" });
    expect(field("last_order_at")?.type).toEqual({ kind: "timestamp", digits: 3, zone: true });
    expect(field("segment")?.options).toEqual(["New", "Growing", "Loyal", "At Risk"]);
    expect(field("interests")).toMatchObject({ type: text });
    expect(field("interests")?.options).toBeUndefined();
    expect(field("hubspot_owner_id")?.options).toBeUndefined();
    expect(field("createdate")).toMatchObject({ creatable: false, updatable: false });
    expect(field("hs_email_domain")).toMatchObject({ creatable: false, updatable: false });
    expect(field("hs_object_id")).toMatchObject({
      type: text,
      matchable: true,
      updatable: false,
    });
    expect((await fieldOf(destination, "deals"))("hs_is_closed")).toMatchObject({ type: { kind: "boolean" } });
  });

  it("knows that lifecycle stages go forward, in the order of the pipeline", async () => {
    const { destination } = await connect();
    const stage = (await fieldOf(destination, "contacts"))("lifecyclestage");
    expect(stage?.forwardOnly).toBe(true);
    expect(stage?.options?.slice(0, 3)).toEqual(["subscriber", "lead", "marketingqualifiedlead"]);
    expect((await fieldOf(destination, "contacts"))("segment")?.forwardOnly).toBeUndefined();
  });

  it("has a field of associations for each other object, custom ones too", async () => {
    const { destination } = await connect();
    const { fields } = await destination.describe("deals", signal);
    const links = fields.filter(({ name }) => name.startsWith("associations."));
    expect(links.map(({ name }) => name)).toEqual([
      "associations.contacts",
      "associations.companies",
      "associations.tickets",
      "associations.trials",
    ]);
  });

  it("finds a custom object by its name and by its type id, and knows what it requires", async () => {
    const { destination, sent } = await connect();
    for (const object of ["trials", "2-1000001", "p12345678_trials"]) {
      const field = await fieldOf(destination, object);
      expect([object, field("trial_id")?.required, field("plan")?.required]).toEqual([object, true, undefined]);
    }
    const asked = sent.filter(({ path }) => path.includes("/properties/")).map(({ path }) => path.split("?")[0]);
    expect(new Set(asked)).toEqual(new Set(["/crm/properties/2026-03/2-1000001"]));
  });

  it("names the nearest object for one that is not there", async () => {
    const { destination } = await connect();
    await expect(destination.describe("contcats", signal)).rejects.toMatchObject({
      code: "OBJECT_UNKNOWN",
      message: 'crm has no object "contcats": did you mean "contacts"?',
    });
    await expect(destination.describe("trails", signal)).rejects.toMatchObject({
      message: 'crm has no object "trails": did you mean "trials"?',
    });
  });

  it("does without custom objects where the token may not see them", async () => {
    const { destination } = await connect({ faults: { missingScopes: ["crm.schemas.custom.read"] } });
    expect((await fieldOf(destination, "contacts"))("associations.deals")).toBeDefined();
    await expect(destination.describe("trials", signal)).rejects.toMatchObject({ code: "OBJECT_UNKNOWN" });
  });
});

describe("reading", () => {
  it("finds records by a unique property, in one call, and leaves out what is not there", async () => {
    const { destination, seed, sent } = await connect();
    const [ada, bob] = await seed("contacts", [
      { email: "Ada@Example.com", firstname: "Ada", customer_id: "C-1" },
      { email: "bob@example.com", firstname: "Bob", customer_id: "C-2" },
    ]);
    const request = { object: "contacts", fields: ["firstname"], by: "keys" } as const;
    const byEmail = {
      ...request,
      match: ["email"],
      keys: ["ada@example.com", "no@example.com"].map((k) => keyOf([k])),
    };
    expect((await read(destination, byEmail)).records).toEqual([
      { id: ada, fields: { firstname: "Ada", email: "ada@example.com" } },
    ]);
    expect(bodyOf(sent, "/batch/read?archived=false")).toEqual({
      idProperty: "email",
      properties: ["firstname", "email"],
      propertiesWithHistory: [],
      inputs: [{ id: "ada@example.com" }, { id: "no@example.com" }],
    });
    const byNumber = { ...request, match: ["customer_id"], keys: [keyOf(["C-2"])] };
    expect((await read(destination, byNumber)).records.map(({ id }) => id)).toEqual([bob]);
    const byId = { ...request, match: ["hs_object_id"], keys: [keyOf([bob ?? ""])] };
    expect((await read(destination, byId)).records[0]?.fields.hs_object_id).toBe(bob);
    expect(bodyOf(sent, "/batch/read?archived=false").idProperty).toBeUndefined();
  });

  it("takes a call that finds none at all for an empty answer, and other errors for an incomplete one", async () => {
    const { destination, ask } = await connect();
    const request = { object: "contacts", fields: ["email"], match: ["email"], by: "ids", ids: ["1"] } as const;
    const body = { status: "error", category: "OBJECT_NOT_FOUND", message: "none of them" };
    await ask("POST", "faults", { failNext: [{ match: "batch/read", status: 404, body }] });
    expect((await read(destination, request)).records).toEqual([]);
    const errors = [{ status: "error", category: "INTERNAL_ERROR", message: "broken for ada@example.com" }];
    await ask("POST", "faults", {
      failNext: [{ match: "batch/read", status: 207, body: { results: [], errors }, times: 9 }],
    });
    const error = await read(destination, request).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "ANSWER_INVALID" });
    expect(String(error)).not.toContain("ada@");
  });

  it("reads by id, and leaves out what is gone", async () => {
    const { destination, seed, sent } = await connect();
    const ids = await seed("contacts", people(100));
    await write(destination, batch([remove(0, ids[5] ?? "")]));
    sent.length = 0;
    const { records } = await read(destination, { object: "contacts", fields: ["email"], match: [], by: "ids", ids });
    expect(records).toHaveLength(99);
    expect(sent).toHaveLength(1);
  });

  it("scans in pages of a hundred", async () => {
    const { destination, seed } = await connect();
    await seed("contacts", people(250));
    const { pages, records } = await scan(destination);
    expect(pages.map((page) => page.length)).toEqual([100, 100, 50]);
    expect(new Set(records.map(({ id }) => id)).size).toBe(250);
  });

  it("asks for numbers as they are written there, whatever the canonical text", async () => {
    const { destination, rest, sent } = await connect();
    const options = { groupName: "dealinformation", type: "number", fieldType: "number", hasUniqueValue: true };
    await rest("POST", "/crm/v3/properties/deals", { name: "number", label: "Number", ...options });
    const request = {
      object: "deals",
      fields: ["number"],
      match: ["number"],
      by: "keys",
      keys: [keyOf(["42.0"])],
    } as const;
    await read(destination, request);
    expect(bodyOf(sent, "/batch/read?archived=false").inputs).toEqual([{ id: "42" }]);
  });

  it("gives dates as dates, and choices in the order of their list", () => {
    const property = (type: string, fieldType: string, options: string[] = []) => ({
      name: "p",
      type,
      fieldType,
      options: options.map((value, displayOrder) => ({ value, displayOrder })),
    });
    expect(fromProperty("1572480000000", property("date", "date"))).toBe("2019-10-31");
    expect(fromProperty("1572480000001", property("datetime", "date"))).toBe("2019-10-31T00:00:00.001Z");
    expect(fromProperty("2019-10-31", property("date", "date"))).toBe("2019-10-31");
    expect(fromProperty("c;a", property("enumeration", "checkbox", ["a", "b", "c"]))).toBe("a;c");
    expect(fromProperty("", property("string", "text"))).toBeNull();
    expect(toProperty("1e+20", { kind: "float" }, undefined)).toBe("100000000000000000000");
    expect(toProperty("10.0", { kind: "float" }, undefined)).toBe("10");
    expect(toProperty(null, { kind: "float" }, undefined)).toBe("");
    // What begins with a semicolon adds to the choices that are there.
    expect(toProperty(";b", text, property("enumeration", "checkbox"))).toBe("b");
  });
});

describe("writing", () => {
  it("creates, updates only what changed, empties and archives", async () => {
    const { destination, sent } = await connect();
    const after = {
      email: "ada@example.com",
      firstname: "Ada",
      lifetime_value: "10.5",
      active_subscriber: "true",
      city: null,
    };
    const [made] = await write(destination, batch([create(0, "ada@example.com", after)]));
    if (made?.status !== "applied") throw new TypeError("not applied");
    expect(bodyOf(sent, "/batch/create")).toEqual({
      inputs: [
        {
          properties: { email: "ada@example.com", firstname: "Ada", lifetime_value: "10.5", active_subscriber: "true" },
          associations: [],
          objectWriteTraceId: "b1.0",
        },
      ],
    });
    await write(destination, batch([update(7, made.id, { firstname: null, lifetime_value: "11.0" })]));
    expect(bodyOf(sent, "/batch/update")).toEqual({
      inputs: [{ id: made.id, properties: { firstname: "", lifetime_value: "11" }, objectWriteTraceId: "b1.7" }],
    });
    const { records } = await scan(destination, ["email", "firstname", "lifetime_value", "active_subscriber"]);
    expect(records).toEqual([
      {
        id: made.id,
        fields: { email: "ada@example.com", firstname: null, lifetime_value: "11", active_subscriber: "true" },
      },
    ]);
    expect(await write(destination, batch([remove(0, made.id)]))).toEqual([
      { key: made.id, status: "applied", id: made.id },
    ]);
    expect((await scan(destination)).records).toEqual([]);
    // Archived already counts as archived.
    expect(await write(destination, batch([remove(0, made.id)]))).toMatchObject([{ status: "applied" }]);
  });

  it("upserts creates that are matched on a unique property, so that sending twice makes one record", async () => {
    const { destination, sent, stats } = await connect();
    const twice = deals([create(0, "D-1", { deal_id: "D-1", dealname: "Once", amount: "5" })]);
    const first = await write(destination, twice);
    expect(first).toMatchObject([{ key: "D-1", status: "applied" }]);
    expect(await write(destination, twice)).toEqual(first);
    expect(bodyOf(sent, "/batch/upsert").inputs).toEqual([
      {
        id: "D-1",
        idProperty: "deal_id",
        properties: { deal_id: "D-1", dealname: "Once", amount: "5" },
        objectWriteTraceId: "b1.0",
      },
    ]);
    expect(await stats()).toMatchObject({ records: { deals: 1 }, duplicates: 0 });
  });

  it("never upserts contacts by e-mail, and a second create of one is refused alone", async () => {
    const { destination, sent, seed, stats } = await connect();
    const [there] = await seed("contacts", [{ email: "ada@example.com", firstname: "Theirs" }]);
    const changes = ["ada@example.com", "new@example.com"].map((email, n) =>
      create(n, email, { email, firstname: "X" }),
    );
    const outcomes = await write(destination, batch(changes));
    expect(outcomes).toMatchObject([
      { key: "new@example.com", status: "applied" },
      { key: "ada@example.com", status: "rejected", code: "CONFLICT" },
    ]);
    expect(JSON.stringify(outcomes)).toContain(`Existing ID: ${there}`);
    expect(sent.some(({ path }) => path.includes("upsert"))).toBe(false);
    expect(await stats()).toMatchObject({ duplicates: 0 });
    expect((await scan(destination)).records.find(({ id }) => id === there)?.fields.firstname).toBe("Theirs");
  });

  it("makes a second deal of a create that is sent twice without a unique property", async () => {
    const { destination, stats } = await connect();
    const twice = deals([create(0, "Once", { dealname: "Once" })], { matchOn: ["dealname"] });
    await write(destination, twice);
    await write(destination, twice);
    expect(await stats()).toMatchObject({ duplicates: 1, records: { deals: 2 } });
  });

  it.each([
    ["with traces, in another order", { shuffleResults: true }],
    ["without traces, in another order", { shuffleResults: true, forgetTraces: true }],
  ])("finds each record's own answer %s", async (_, faults) => {
    const { destination } = await connect({ faults });
    const made = await write(destination, deals(["x", "y", "z"].map((key, n) => create(n, key, { deal_id: key }))));
    const { records } = await scan(destination, ["deal_id"], "deals");
    expect(records).toHaveLength(3);
    for (const { id, fields } of records) expect(made).toContainEqual({ key: fields.deal_id, status: "applied", id });
    const emails = ["p@x.test", "q@x.test"];
    const people = await write(destination, batch(emails.map((email, n) => create(n, email, { email }))));
    for (const { id, fields } of (await scan(destination, ["email"])).records)
      expect(people).toContainEqual({ key: fields.email, status: "applied", id });
    expect(people).toHaveLength(2);
    const updates = records.map(({ id }, n) => update(n, id, { dealname: `new ${id}` }));
    const outcomes = await write(destination, deals(updates));
    expect(outcomes.map((o) => o.status === "applied" && o.id === o.key)).toEqual([true, true, true]);
  });

  it("gives each refused record the vendor's code and field, and applies the others", async () => {
    const { destination, seed } = await connect();
    await seed("contacts", [{ email: "taken@example.com", customer_id: "T-1" }]);
    const bad: readonly [Fields, string, string | undefined][] = [
      [{ email: "not an address" }, "INVALID_EMAIL", "email"],
      [{ segment: "Whale" }, "INVALID_OPTION", "segment"],
      [{ hubspot_owner_id: "1" }, "INVALID_OPTION", "hubspot_owner_id"],
      [{ lifetime_value: "a lot" }, "INVALID_INTEGER", "lifetime_value"],
      [{ last_order_date: "yesterday" }, "INVALID_DATE", "last_order_date"],
      [{ last_order_at: "2026-01-01" }, "INVALID_LONG", "last_order_at"],
      [{ createdate: "2026-01-01T00:00:00Z" }, "READ_ONLY_VALUE", "createdate"],
      [{ customer_id: "t-1" }, "CONFLICTING_UNIQUE_VALUE", "customer_id"],
    ];
    const changes = bad.map(([after], i) => create(i, `k${i}`, { email: `k${i}@example.com`, ...after }));
    const good = create(bad.length, "good", { email: "good@example.com" });
    const outcomes = await write(destination, batch([...changes, good], { types: {} }));
    expect(outcomes[0]).toMatchObject({ key: "good", status: "applied" });
    expect(outcomes.slice(1).map((o) => (o.status === "rejected" ? [o.key, o.code, o.field, o.retry] : o))).toEqual(
      bad.map(([, code, field], i) => [`k${i}`, code, field, undefined]),
    );
  });

  it("tells records that are gone from the others", async () => {
    const { destination, seed } = await connect();
    const [id = "", gone = ""] = await seed("contacts", people(2));
    await write(destination, batch([remove(0, gone)]));
    const outcomes = await write(destination, batch([gone, id].map((target, n) => update(n, target, { city: "x" }))));
    expect(outcomes).toEqual([
      { key: id, status: "applied", id },
      expect.objectContaining({ key: gone, status: "rejected", code: "OBJECT_NOT_FOUND" }),
    ]);
  });

  it("names a property that is not there, and not what stood in the record", async () => {
    const { destination } = await connect();
    const message =
      'Property values were not valid: [{"isValid":false,"message":"Property \\"nope\\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"nope"}]';
    const { ask, destination: other } = await connect();
    const body = { status: "error", category: "VALIDATION_ERROR", message: `${message} ada@example.com` };
    await ask("POST", "faults", { failNext: [{ match: "batch/create", status: 400, body }] });
    const one = batch([create(0, "a", { email: "ada@example.com" })]);
    const error = await write(other, one).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ code: "FIELD_UNKNOWN", message: 'crm: there is no property "nope"' });
    const outcomes = await write(destination, batch([create(0, "b", { email: "b@example.com", nope: "1" })]));
    expect(outcomes).toMatchObject([{ status: "rejected", code: "PROPERTY_DOESNT_EXIST", field: "nope" }]);
  });

  it("leaves in doubt whatever has no answer of its own", async () => {
    const { destination, seed, ask } = await connect({ faults: { emptyResults: true } });
    const [id = "", other = ""] = await seed("contacts", people(2));
    expect(await write(destination, batch([update(0, id, { city: "x" })]))).toEqual([]);
    const answer = async (body: object, changes: readonly Change[]) => {
      await ask("POST", "faults", {
        emptyResults: null,
        failNext: [{ match: "batch/(update|create)", status: 207, body }],
      });
      return write(destination, batch(changes));
    };
    const changes = [update(0, id, { city: "y" }), update(1, other, { city: "y" })];
    // One of two; another record than the input's own; a trace of nobody; answered twice; an error about nobody.
    expect(await answer({ results: [{ id, objectWriteTraceId: "b1.0" }] }, changes)).toEqual([
      { key: id, status: "applied", id },
    ]);
    expect(await answer({ results: [{ id: other, objectWriteTraceId: "b1.0" }] }, changes)).toEqual([]);
    expect(await answer({ results: [{ id, objectWriteTraceId: "b2.0" }] }, changes)).toEqual([]);
    const twice = { category: "VALIDATION_ERROR", message: "no", context: { objectWriteTraceId: ["b1.0"] } };
    expect(await answer({ results: [{ id, objectWriteTraceId: "b1.0" }], errors: [twice] }, changes)).toEqual([]);
    expect(await answer({ results: [], errors: [{ category: "VALIDATION_ERROR", message: "no" }] }, changes)).toEqual(
      [],
    );
    expect(await answer({ results: {}, errors: "none" }, changes)).toEqual([]);
    expect(await answer({ results: [null], errors: [null] }, changes)).toEqual([]);
    const created = [create(0, "k0@x.test", { email: "k0@x.test" }), create(1, "k1@x.test", { email: "k1@x.test" })];
    expect(await answer({ results: [{ id: "5" }, { id: "6" }] }, created)).toEqual([]);
  });

  it.each([
    ["an empty 200", { status: 200, body: "" }, { code: "ANSWER_INVALID", unsent: false }],
    ["a 502 in HTML", { status: 502, body: "<html>bad gateway</html>" }, { code: "UNAVAILABLE", unsent: false }],
    ["a 524", { status: 524, body: "" }, { code: "UNAVAILABLE", unsent: false }],
    ["a 423", { status: 423, body: {} }, { code: "UNAVAILABLE", unsent: false, retryAfterMs: 2_000 }],
    ["a 477", { status: 477, body: {}, headers: { "retry-after": "7" } }, { code: "UNAVAILABLE", retryAfterMs: 7_000 }],
    ["a 409 for all", { status: 409, body: { category: "CONFLICT" } }, { effect: "record", vendorCode: "CONFLICT" }],
    ["a 403", { status: 403, body: {} }, { code: "ACCESS_DENIED" }],
    ["a broken connection", { reset: "after" }, { code: "NETWORK", unsent: false }],
  ])("classifies %s", async (_, failure, expected) => {
    const { destination } = await connect({ faults: { failNext: [{ match: "batch/create", ...failure }] } });
    const one = batch([create(0, "a@x.test", { email: "a@x.test" })]);
    await expect(write(destination, one)).rejects.toMatchObject(expected);
  });

  it("believes only a 204 that records are archived", async () => {
    const failNext = [{ match: "batch/archive", status: 200, body: {} }];
    const { destination, seed } = await connect({ faults: { failNext } });
    const [id = ""] = await seed("contacts", people(1));
    await expect(write(destination, batch([remove(0, id)]))).rejects.toMatchObject({ code: "ANSWER_INVALID" });
  });

  it("refuses a batch as a whole so that it can be split, without quoting a record", async () => {
    const { destination, stats } = await connect({ faults: { poisonEmail: "poison@example.com" } });
    const changes = ["fine@example.com", "poison@example.com"].map((email, n) => create(n, email, { email }));
    const error = await write(destination, batch(changes)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RecordError);
    expect(String(error)).not.toContain("poison@");
    expect((await stats()).records.contacts).toBe(0);
    // The same e-mail twice fails all of them, too.
    const twins = [create(0, "a", { email: "t@example.com" }), create(1, "b", { email: "T@example.com" })];
    await expect(write(destination, batch(twins))).rejects.toMatchObject({ vendorCode: "VALIDATION_ERROR" });
    expect(await write(destination, batch(changes.slice(0, 1)))).toMatchObject([{ status: "applied" }]);
  });

  it("takes 100 records and not 101", async () => {
    const { destination } = await connect();
    const changes = people(101).map(({ email }, n) => create(n, email, { email }));
    expect(await write(destination, batch(changes.slice(0, 100)))).toHaveLength(100);
    await expect(write(destination, batch(changes))).rejects.toMatchObject({ vendorCode: "VALIDATION_ERROR" });
  });

  it("does not see a lifecycle stage go back, which is why plans must not try", async () => {
    const { destination, seed } = await connect();
    const [id = ""] = await seed("contacts", [{ email: "a@x.test", lifecyclestage: "customer" }]);
    const stage = async () => (await scan(destination, ["lifecyclestage"])).records[0]?.fields.lifecyclestage;
    await write(destination, batch([update(0, id, { lifecyclestage: "lead" })]));
    expect(await stage()).toBe("customer");
    await write(destination, batch([update(0, id, { lifecyclestage: null })]));
    await write(destination, batch([update(0, id, { lifecyclestage: "lead" })]));
    expect(await stage()).toBe("lead");
  });
});

describe("associations", () => {
  const companies = "associations.companies";
  const contacts = "associations.contacts";

  async function setup(faults: Record<string, unknown> = {}) {
    const connection = await connect({ faults });
    const [acme = "", beta = "", gamma = ""] = await connection.seed("companies", [
      { name: "A" },
      { name: "B" },
      { name: "C" },
    ]);
    const [deal = ""] = await connection.seed("deals", [{ dealname: "D", deal_id: "D-0" }]);
    const linked = async (field = companies) => {
      const { records } = await scan(connection.destination, [field], "deals");
      return Object.fromEntries(records.map(({ id, fields }) => [id, fields[field]]));
    };
    const link = (id: string, before: string | null, after: string | null, more: Fields = {}) =>
      deals([update(0, id, { [companies]: after, ...more }, { [companies]: before })]);
    return { ...connection, acme, beta, gamma, deal, linked, link };
  }

  it("are made together with a new record, in the same call", async () => {
    const { destination, acme, beta, linked, sent } = await setup();
    const changes = [create(0, "New", { dealname: "New", [companies]: `${beta};${acme}` })];
    const [made] = await write(destination, deals(changes, { matchOn: ["dealname"] }));
    if (made?.status !== "applied") throw new TypeError("not applied");
    expect((await linked())[made.id]).toBe(`${acme};${beta}`);
    const types = [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 341 }];
    expect(bodyOf(sent, "/batch/create").inputs[0]).toMatchObject({
      properties: { dealname: "New" },
      associations: [
        { to: { id: beta }, types },
        { to: { id: acme }, types },
      ],
    });
    expect(sent.some(({ path }) => path.includes("associate"))).toBe(false);
  });

  it("that are not possible fail their own record, which is then not made", async () => {
    const { destination, acme, stats } = await setup();
    const changes = ["404404", acme].map((id, n) => create(n, `k${n}`, { dealname: `k${n}`, [companies]: id }));
    const outcomes = await write(destination, deals(changes, { matchOn: ["dealname"] }));
    expect(outcomes).toMatchObject([
      { key: "k1", status: "applied" },
      { key: "k0", status: "rejected", code: "INVALID_ASSOCIATION" },
    ]);
    expect((await stats()).records.deals).toBe(2);
  });

  it("of an update are changed by the difference alone", async () => {
    const { destination, acme, beta, gamma, deal, linked, link, sent } = await setup();
    await write(destination, link(deal, null, `${acme};${beta}`));
    expect((await linked())[deal]).toBe(`${acme};${beta}`);
    expect(await write(destination, link(deal, `${acme};${beta}`, `${beta};${gamma}`))).toEqual([
      { key: deal, status: "applied", id: deal },
    ]);
    expect(bodyOf(sent, "/deals/companies/batch/associate/default").inputs).toEqual([
      { from: { id: deal }, to: { id: gamma } },
    ]);
    expect(bodyOf(sent, "/deals/companies/batch/archive").inputs).toEqual([{ from: { id: deal }, to: [{ id: acme }] }]);
    expect((await linked())[deal]).toBe(`${beta};${gamma}`);
    await write(destination, link(deal, `${beta};${gamma}`, null));
    expect((await linked())[deal]).toBeNull();
  });

  it("are left alone, and not asked for, where no field names them", async () => {
    const { destination, acme, deal, linked, link, sent } = await setup();
    await write(destination, link(deal, null, acme));
    sent.length = 0;
    await write(destination, deals([update(0, deal, { dealname: "Other" })]));
    await scan(destination, ["dealname"], "deals");
    expect(sent.some(({ path }) => path.includes("associations"))).toBe(false);
    expect((await linked())[deal]).toBe(acme);
  });

  it("of a record with a unique property are made in the same call, which makes no second one", async () => {
    const { destination, acme, linked, stats, sent } = await setup();
    const twice = deals([create(0, "D-9", { deal_id: "D-9", [companies]: acme })]);
    const [made] = await write(destination, twice);
    expect(await write(destination, twice)).toMatchObject([{ status: "rejected", code: "CONFLICTING_UNIQUE_VALUE" }]);
    if (made?.status !== "applied") throw new TypeError("not applied");
    expect((await linked())[made.id]).toBe(acme);
    expect((await stats()).records.deals).toBe(2);
    expect(sent.some(({ path }) => path.includes("upsert") || path.includes("associate"))).toBe(false);
    await write(destination, deals([create(0, "D-8", { deal_id: "D-8", [companies]: null })]));
    expect(sent.at(-1)?.path).toContain("upsert");
  });

  it("that fail after the record was written are told, and are tried again when that may help", async () => {
    const { destination, acme, deal, ask, linked, link } = await setup();
    const fail = (failure: object) => ask("POST", "faults", { failNext: [{ match: "associate/default", ...failure }] });
    await fail({ status: 502, body: "<html></html>" });
    const outcomes = await write(destination, link(deal, null, acme, { dealname: "Written" }));
    expect(outcomes).toMatchObject([{ status: "rejected", code: "UNAVAILABLE", retry: true, field: companies }]);
    expect(JSON.stringify(outcomes)).toContain("the record is written, but not its associations");
    await fail({ status: 429, body: { policyName: "TEN_SECONDLY_ROLLING" } });
    expect(await write(destination, link(deal, null, acme))).toMatchObject([{ code: "RATE_LIMITED", retry: true }]);
    await fail({ status: 429, body: { policyName: "DAILY" } });
    await expect(write(destination, link(deal, null, acme))).rejects.toMatchObject({ code: "QUOTA_EXHAUSTED" });
    expect((await linked())[deal]).toBeNull();
    expect(await write(destination, link(deal, null, acme))).toMatchObject([{ status: "applied" }]);
  });

  it("that are refused reject their record alone, and those without an answer leave it in doubt", async () => {
    const { destination, acme, deal, seed, ask } = await setup();
    const [second = ""] = await seed("deals", [{ dealname: "E" }]);
    const pair = deals([
      update(0, deal, { [companies]: "404404" }, { [companies]: null }),
      update(1, second, { [companies]: acme }, { [companies]: null }),
    ]);
    expect(await write(destination, pair)).toMatchObject([
      { key: deal, status: "rejected", code: "OBJECT_NOT_FOUND", field: companies },
      { key: second, status: "applied" },
    ]);
    const body = { status: "COMPLETE", results: [] };
    await ask("POST", "faults", { failNext: [{ match: "associate/default", status: 200, body }] });
    expect(await write(destination, pair)).toEqual([]);
    const junk = deals([update(0, deal, { [companies]: "junk" }, { [companies]: null })]);
    await expect(write(destination, junk)).rejects.toBeInstanceOf(RecordError);
  });

  it("of many records and many others are read whole", async () => {
    const { destination, deal, seed, rest, linked } = await setup();
    const ids = await seed("contacts", people(620));
    const inputs = ids.map((id) => ({ from: { id: deal }, to: { id } }));
    await rest("POST", "/crm/v4/associations/deals/contacts/batch/associate/default", { inputs });
    const found = String((await linked(contacts))[deal]).split(";");
    expect(found).toEqual([...ids].sort((a, b) => Number(a) - Number(b)));
    expect(destination).toBeDefined();
  });

  it("with custom objects use the object's type id", async () => {
    const { destination, deal, seed, linked, sent } = await setup();
    const [trial = ""] = await seed("trials", [{ trial_id: "T-1" }]);
    await write(
      destination,
      deals([update(0, deal, { "associations.trials": trial }, { "associations.trials": null })]),
    );
    expect((await linked("associations.trials"))[deal]).toBe(trial);
    const asked = sent.filter(({ path }) => path.includes("/associations/")).map(({ path }) => path.split("/")[5]);
    expect(new Set(asked)).toEqual(new Set(["2-1000001"]));
    expect(Number(trial)).toBeGreaterThan(0);
  });

  it("are reported unread when the answer says so", async () => {
    const errors = [{ status: "error", category: "INTERNAL_ERROR", message: "no" }];
    const failNext = [{ match: "associations/.*batch/read", status: 207, body: { results: [], errors }, times: 9 }];
    const { linked } = await setup({ failNext });
    await expect(linked()).rejects.toBeInstanceOf(TransientError);
  });
});

describe("new fields", () => {
  const field = (name: string, type: FieldType) => ({ name, type });

  it("are described as they will be, and made with the group of their object", async () => {
    const { destination, sent } = await connect();
    const wanted: readonly [string, FieldType, FieldType, string][] = [
      ["number_of_flows", { kind: "integer" }, { kind: "float" }, "number"],
      ["plan", { kind: "text" }, { ...text, maxLength: 65_536 }, "string"],
      ["is_active", { kind: "boolean" }, { kind: "boolean" }, "enumeration"],
      ["started_on", { kind: "date" }, { kind: "date" }, "date"],
      [
        "seen_at",
        { kind: "timestamp", digits: 6, zone: false },
        { kind: "timestamp", digits: 3, zone: true },
        "datetime",
      ],
    ];
    for (const [name, type, canonical, vendor] of wanted) {
      const described = destination.describeNew?.("deals", field(name, type));
      expect(described?.type).toEqual(canonical);
      await destination.createField?.("deals", field(name, type), signal);
      expect(bodyOf(sent, "/properties/2026-03/deals")).toMatchObject({ groupName: "dealinformation", type: vendor });
      const { fields } = await destination.describe("deals", signal);
      expect(fields.find((found) => found.name === name)).toEqual(described);
    }
    await destination.createField?.("trials", field("plan_name", { kind: "text" }), signal);
    expect(bodyOf(sent, "/properties/2026-03/2-1000001").groupName).toBe("trialinformation");
  });

  it("that are there already are fine, unless they are of another kind", async () => {
    const { destination } = await connect();
    const make = (...of: Parameters<typeof field>) => destination.createField?.("contacts", field(...of), signal);
    await make("lifetime_value", { kind: "decimal", precision: 18, scale: 2 });
    await make("active_subscriber", { kind: "boolean" });
    await make("customer_id", { kind: "text" });
    await expect(make("lifetime_value", { kind: "text" })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: 'crm: contacts has a property "lifetime_value" of another kind (number), not string',
    });
    await expect(make("segment", { kind: "boolean" })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it.each(["Number_Of_Flows", "1st", "a-b", "associations.companies", ""])("cannot be called %j", async (name) => {
    const { destination } = await connect();
    expect(() => destination.describeNew?.("deals", field(name, { kind: "text" }))).toThrow(
      expect.objectContaining({ code: "FIELD_UNKNOWN" }),
    );
  });
});

describe("limits", () => {
  it("tells the limiter what the headers say", async () => {
    const { destination, signals } = await connect({ faults: { dailyQuota: 50 } });
    await destination.account(signal);
    expect(signals).toEqual([{ bucket: "calls", quota: { used: 1, limit: 50 } }]);
  });

  it("stops at the daily quota", async () => {
    const { destination } = await connect({ faults: { dailyQuota: 1 } });
    await destination.account(signal);
    await expect(scan(destination)).rejects.toMatchObject({ code: "QUOTA_EXHAUSTED", unsent: true });
  });

  it.each([
    ["TEN_SECONDLY_ROLLING", { "x-hubspot-ratelimit-interval-milliseconds": "10000" }, 10_000],
    ["SECONDLY", {}, 1_000],
    ["anything else", { "retry-after": "3" }, 3_000],
  ])("waits as %s asks", async (policyName, headers, retryAfterMs) => {
    const failNext = [{ match: "details", status: 429, body: { policyName }, headers, times: 9 }];
    const { destination, signals } = await connect({ faults: { failNext } });
    await expect(destination.account(signal)).rejects.toMatchObject({
      code: "RATE_LIMITED",
      retryAfterMs,
      unsent: true,
    });
    expect(Math.max(...signals.map(({ pauseMs = 0 }) => pauseMs))).toBeGreaterThanOrEqual(retryAfterMs);
  });

  it("asks for enough at once to use nearly all that is allowed", () => {
    const { capabilities } = hubspot.destination ?? {};
    const [route] = capabilities?.write ?? [];
    const [rate] = capabilities?.rates ?? [];
    const perSecond = ((rate?.limit ?? 0) / (rate?.perMs ?? 1)) * 1_000;
    // Calls that take a second each still fill the rate.
    expect(route?.concurrency).toBeGreaterThanOrEqual(perSecond);
    expect(perSecond * (route?.records ?? 0)).toBe(1_000);
  });
});

describe("examine", () => {
  const look = async (destination: Destination) => {
    const findings: Finding[] = [];
    for await (const finding of destination.examine?.(signal) ?? []) findings.push(finding);
    return findings;
  };

  it.each([
    ["a private app", { accessToken }],
    ["OAuth", oauth],
  ])("tells account, scopes and calls of %s", async (_, options) => {
    const { destination, stats } = await connect({ options, faults: { missingScopes: ["crm.objects.deals.write"] } });
    const [account, scopes, calls] = await look(destination);
    expect(account).toEqual({ status: "ok", detail: "the token is good, account 12345678" });
    expect(scopes).toMatchObject({ status: "ok" });
    expect(scopes?.detail).toContain("reads and writes contacts");
    expect(scopes?.detail).toContain("only reads deals (lacks crm.objects.deals.write)");
    expect(calls).toMatchObject({
      status: "ok",
      detail: expect.stringMatching(/^\d of 250000 calls of the day are used$/),
    });
    expect(await stats()).toMatchObject({ written: { create: 0, update: 0, archive: 0 } });
  });

  it("warns before the calls of the day are used up, and when no object can be written", async () => {
    const missingScopes = ["contacts", "companies", "deals", "custom"].map((object) => `crm.objects.${object}.write`);
    const { destination } = await connect({ faults: { dailyQuota: 3, missingScopes } });
    const findings = await look(destination);
    expect(findings.map(({ status }) => status)).toEqual(["ok", "warn", "fail"]);
    expect(findings[1]?.next).toContain("crm.objects.OBJECT.write");
  });

  it("stops at a token that is refused", async () => {
    const { destination } = await connect({ options: { accessToken: "wrong" } });
    expect(await look(destination)).toMatchObject([{ status: "fail", detail: expect.stringContaining("refused") }]);
  });
});

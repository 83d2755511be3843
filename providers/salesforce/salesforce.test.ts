import { createVerify, generateKeyPairSync } from "node:crypto";
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
import { csvLine, csvRows } from "./csv.ts";
import salesforce from "./index.ts";
import { startSandbox } from "./sandbox.ts";
import { literal, selectKeys } from "./soql.ts";

const signal = AbortSignal.timeout(60_000);
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A connection to a new sandbox, with everything that passes between them. */
async function connect(setup: { faults?: Record<string, unknown>; options?: Record<string, unknown> } = {}) {
  const { faults = {}, options } = setup;
  const sandbox = await startSandbox({ port: 0, faults });
  closers.push(() => sandbox.close());
  const agent = new Agent();
  closers.push(() => agent.close());
  const sent: { method: string; path: string; headers: Record<string, string>; body: string }[] = [];
  const signals: RateSignal[] = [];
  const sleeps: number[] = [];
  const permits = freePermits(signals);
  const recorder = agent.compose((dispatch) => (asked, handler) => {
    sent.push({
      method: asked.method,
      path: asked.path,
      headers: Object.fromEntries(
        Object.entries(asked.headers as Record<string, string>).map(([name, value]) => [name.toLowerCase(), value]),
      ),
      body: String(asked.body ?? ""),
    });
    return dispatch(asked, handler);
  });
  const context = testContext({
    connection: "crm",
    path: (path) => path,
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
    now: () => Date.now(),
    sleep: async (ms) => {
      sleeps.push(ms);
      await new Promise((done) => setTimeout(done, 5));
    },
  });
  const complete = {
    apiVersion: "67.0",
    duplicateRules: "refuse",
    ...sandbox.credentials,
    ...options,
  };
  const open = async (): Promise<Destination> => {
    if (!salesforce.destination) throw new Error("no destination");
    return salesforce.destination.open(complete as never, context);
  };
  const ask = async <T>(method: "GET" | "POST", path: string, json?: unknown): Promise<T> => {
    const answer = await agent.request({
      origin: sandbox.url,
      path: `/__sandbox/${path}`,
      method,
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    return (await answer.body.json()) as T;
  };
  const seed = async (object: string, records: readonly object[]): Promise<string[]> => {
    const made = await ask<Record<string, string[]>>("POST", "seed", { [object]: records });
    return made[object] ?? [];
  };
  const stats = () =>
    ask<{
      calls: Record<string, number>;
      violations: number;
      mostInWindow: number;
      duplicates: number;
      records: Record<string, number>;
      written: Record<string, number>;
    }>("GET", "stats");
  return { sandbox, destination: await open(), open, sent, signals, sleeps, seed, stats, ask };
}

const email: FieldType = { kind: "email" };
const types: Record<string, FieldType> = {
  Email: email,
  LastName: { kind: "text" },
  Title: { kind: "text" },
  External_Id__c: { kind: "text" },
  Lifetime_Value__c: { kind: "decimal", precision: 18, scale: 2 },
  Orders__c: { kind: "integer" },
  Active__c: { kind: "boolean" },
  Last_Order__c: { kind: "timestamp", digits: 0, zone: true },
  Segment__c: { kind: "text" },
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
  return { object: "Contact", matchOn: ["Email"], action, route: "collections", types, changes, id: "b1", ...more };
}

async function write(destination: Destination, of: Batch) {
  const outcomes: Outcome[] = [];
  const tickets: string[] = [];
  for await (const receipt of destination.write(of, signal))
    if ("ticket" in receipt) tickets.push(receipt.ticket);
    else outcomes.push(...receipt.outcomes);
  return { outcomes, tickets };
}

async function read(destination: Destination, request: ReadRequest) {
  const pages: (readonly ObservedRecord[])[] = [];
  for await (const page of destination.read(request, signal)) pages.push(page);
  return { pages, records: pages.flat() };
}

const scan = (destination: Destination, fields = ["Email", "LastName"]) =>
  read(destination, { object: "Contact", fields, match: ["Email"], by: "scan" });

const people = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ LastName: `Person ${i}`, Email: `person${i}@example.com` }));

describe("signing in", () => {
  it("uses client credentials and is known by the organisation", async () => {
    const { destination, sent } = await connect();
    expect(await destination.account(signal)).toBe("00D5g000004AbCdEAK");
    expect(sent).toHaveLength(1);
    expect(sent[0]?.body).toContain("grant_type=client_credentials");
  });

  it("uses a signed assertion, whose audience is loginUrl", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString().replaceAll("\n", "\\n");
    const jwtPublicKey = publicKey.export({ type: "spki", format: "pem" }).toString();
    const options = { clientSecret: undefined, username: "etl@acme.test", privateKey: pem };
    const { destination, sent, sandbox } = await connect({ faults: { jwtPublicKey }, options });
    await destination.account(signal);
    const [head = "", claims = "", signature = ""] = (new URLSearchParams(sent[0]?.body).get("assertion") ?? "").split(
      ".",
    );
    expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({
      iss: "ebb-sandbox-client",
      sub: "etl@acme.test",
      aud: sandbox.url,
    });
    const verifier = createVerify("RSA-SHA256").update(`${head}.${claims}`);
    expect(verifier.verify(publicKey, signature, "base64url")).toBe(true);
  });

  it("is refused with another key than the certificate's", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const options = {
      clientSecret: undefined,
      username: "etl@acme.test",
      privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    };
    const jwtPublicKey = publicKey.export({ type: "spki", format: "pem" }).toString();
    const { destination } = await connect({ faults: { jwtPublicKey }, options });
    await expect(destination.account(signal)).rejects.toMatchObject({ code: "AUTH_REFUSED" });
  });

  it("says what is wrong with wrong credentials, and never repeats them", async () => {
    const { destination } = await connect({ options: { clientSecret: "not-the-secret" } });
    const error = await destination.account(signal).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({ code: "AUTH_REFUSED", message: "crm: the login was refused (invalid_client)" });
    expect(JSON.stringify([error, String(error)])).not.toContain("not-the-secret");
  });

  it("does not quote a private key that cannot be read", async () => {
    const options = { clientSecret: undefined, username: "a@b.test", privateKey: "-----BEGIN nothing" };
    const { destination } = await connect({ options });
    const error = await destination.account(signal).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "AUTH_REFUSED" });
    expect(String(error)).not.toContain("BEGIN");
  });

  it("needs one of the two, already when it is declared", async () => {
    const parsed = salesforce.connection.safeParse({ loginUrl: "https://a.my.salesforce.com", clientId: "env:ID" });
    expect(parsed.error?.issues[0]?.message).toBe("needs clientSecret, or username and privateKey");
    const { destination } = await connect({ options: { clientSecret: undefined } });
    await expect(destination.account(signal)).rejects.toBeInstanceOf(ConfigError);
  });

  it("mints one new token for many calls that are refused at once", async () => {
    const { destination, ask, seed, stats } = await connect();
    await seed("Contact", people(3));
    await scan(destination);
    await ask("POST", "revoke");
    const found = await Promise.all(Array.from({ length: 8 }, () => scan(destination)));
    expect(found.every(({ records }) => records.length === 3)).toBe(true);
    expect((await stats()).calls["POST /services/oauth2/token"]).toBe(2);
  });

  it("fails when a fresh token is refused too", async () => {
    const { destination, stats } = await connect({ faults: { tokenLifetimeMs: 0 } });
    await expect(scan(destination)).rejects.toMatchObject({ code: "AUTH_REFUSED" });
    expect((await stats()).calls["POST /services/oauth2/token"]).toBe(2);
  });

  it("tries again after a login that failed", async () => {
    const failNext = [{ match: "oauth2/token", status: 502, body: "<html>bad gateway</html>", times: 4 }];
    const { destination } = await connect({ faults: { failNext } });
    await expect(destination.account(signal)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await destination.account(signal)).toBe("00D5g000004AbCdEAK");
  });

  it("sends calls to the instance the login names, and to baseUrl where there is one", async () => {
    const body = { access_token: "x", instance_url: "http://127.0.0.1:1", id: "http://127.0.0.1:1/id/00D1/0051" };
    const { destination, sandbox, ask } = await connect({ faults: { failNext: [{ match: "token", body }] } });
    await expect(scan(destination)).rejects.toMatchObject({ code: "NETWORK", unsent: true });
    await ask("POST", "faults", { failNext: [{ match: "token", body }] });
    const options = { loginUrl: "https://acme.my.salesforce.com", baseUrl: sandbox.url };
    const other = await connect({ options });
    expect((await scan(other.destination)).records).toEqual([]);
  });
});

describe("describe", () => {
  it("maps types, requirements and what records can be matched on", async () => {
    const { destination, seed } = await connect();
    await seed("Contact", people(3));
    const { fields, recordCount } = await destination.describe("Contact", signal);
    const field = (name: string) => fields.find((f) => f.name === name);
    expect(recordCount).toBe(3);
    expect(field("FirstName")).toEqual({
      name: "FirstName",
      label: "First Name",
      nullable: true,
      type: { kind: "text", maxLength: 40, trim: true, emptyIsNull: true },
      required: false,
      creatable: true,
      updatable: true,
      matchable: false,
    });
    expect(field("LastName")).toMatchObject({ required: true });
    expect(field("OwnerId")).toMatchObject({ required: false, type: { kind: "text" } });
    expect(field("Active__c")).toMatchObject({ required: false, type: { kind: "boolean" } });
    expect(field("Email")).toMatchObject({ type: { kind: "email", maxLength: 80 }, matchable: true });
    expect(field("Email")?.createIsIdempotent).toBeUndefined();
    expect(field("External_Id__c")).toMatchObject({ matchable: true, createIsIdempotent: "key" });
    expect(field("Lifetime_Value__c")).toMatchObject({ type: { kind: "decimal", precision: 18, scale: 2 } });
    expect(field("Orders__c")).toMatchObject({ type: { kind: "integer" } });
    expect(field("Last_Order__c")).toMatchObject({ type: { kind: "timestamp", digits: 0, zone: true } });
    expect(field("Last_Order_Date__c")).toMatchObject({ type: { kind: "date" } });
    expect(field("Segment__c")?.options).toEqual(["New", "Growing", "Loyal", "At Risk"]);
    expect(field("LeadSource")?.options).toBeUndefined();
    expect(field("SystemModstamp")).toMatchObject({ creatable: false, updatable: false });
  });

  it("names the nearest object for one that is not there", async () => {
    const { destination } = await connect();
    await expect(destination.describe("Contakt", signal)).rejects.toMatchObject({
      code: "OBJECT_UNKNOWN",
      message: 'crm has no object "Contakt": did you mean "Contact"?',
    });
  });

  it("describes every option of a connection, and knows the secret ones", () => {
    const secrets = Object.entries(salesforce.connection.shape).filter(([, schema]) => isSecret(schema as never));
    expect(secrets.map(([name]) => name)).toEqual(["clientSecret", "privateKey"]);
    for (const [name, schema] of Object.entries(salesforce.connection.shape)) {
      const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : (schema as z.ZodType);
      expect((schema as z.ZodType).description ?? inner.description, name).toMatch(/\.$/);
    }
  });
});

describe("reading", () => {
  it("finds records by key, quoting what has to be quoted", async () => {
    const { destination, seed } = await connect();
    await seed("Contact", [
      { LastName: "O'Hara", Email: "o'hara@example.com" },
      { LastName: "Back\\slash", Email: "Ada@Example.com" },
      { LastName: "Other", Email: "other@example.com" },
    ]);
    const request = { object: "Contact", fields: ["Email", "LastName"], by: "keys", match: ["Email"] } as const;
    const keys = [keyOf(["o'hara@example.com"]), keyOf(["ada@example.com"]), keyOf(["nobody@example.com"])];
    const { records } = await read(destination, { ...request, keys });
    expect(records.map(({ fields }) => fields.LastName)).toEqual(["O'Hara", "Back\\slash"]);
    expect(records[0]?.id).toMatch(/^003\w{15}$/);
    const byName = { ...request, match: ["LastName"], keys: [keyOf(["Back\\slash"])] };
    expect((await read(destination, byName)).records).toHaveLength(1);
  });

  it("finds records by several fields, and by numbers and dates without quotes", async () => {
    const { destination, seed } = await connect();
    await seed("Contact", [
      { LastName: "A", Orders__c: 1, Last_Order_Date__c: "2026-01-31" },
      { LastName: "A", Orders__c: 2, Last_Order_Date__c: "2026-01-31" },
      { LastName: "B", Orders__c: 1, Last_Order_Date__c: "2026-01-31" },
    ]);
    const { records } = await read(destination, {
      object: "Contact",
      fields: ["LastName", "Orders__c"],
      by: "keys",
      match: ["LastName", "Orders__c", "Last_Order_Date__c"],
      keys: [keyOf(["A", "2", "2026-01-31"]), keyOf(["B", "1", "2026-01-31"])],
    });
    expect(records.map(({ fields }) => [fields.LastName, fields.Orders__c])).toEqual([
      ["A", 2],
      ["B", 1],
    ]);
  });

  it("splits keys by the length of the address, and loses none", async () => {
    const { destination, seed, sent } = await connect();
    const long = Array.from({ length: 200 }, (_, i) => `${"x".repeat(60)}${i}@example.com`);
    await seed(
      "Contact",
      long.map((Email) => ({ LastName: "Long", Email })),
    );
    const keys = long.map((address) => keyOf([address]));
    const { records } = await read(destination, {
      object: "Contact",
      fields: ["Email"],
      by: "keys",
      match: ["Email"],
      keys,
    });
    expect(new Set(records.map(({ fields }) => fields.Email))).toEqual(new Set(long));
    const queries = sent.filter(({ path }) => path.includes("/query?"));
    expect(queries.length).toBe(2);
    expect(Math.max(...queries.map(({ path }) => path.length))).toBeLessThan(12_100);
  });

  it("retrieves by id in one call and leaves out what is gone", async () => {
    const { destination, seed, sent } = await connect();
    const ids = await seed("Contact", people(1_999));
    await write(destination, batch([remove(0, ids[5] ?? "")]));
    sent.length = 0;
    const { records } = await read(destination, {
      object: "Contact",
      fields: ["Email"],
      match: ["Email"],
      by: "ids",
      ids,
    });
    expect(records).toHaveLength(1_998);
    expect(records[0]).toEqual({ id: ids[0], fields: { Id: ids[0], Email: "person0@example.com" } });
    expect(sent).toHaveLength(1);
  });

  it("scans in pages", async () => {
    const { destination, seed } = await connect();
    await seed("Contact", people(4_500));
    const { pages, records } = await scan(destination);
    expect(pages.map((page) => page.length)).toEqual([2_000, 2_000, 500]);
    expect(new Set(records.map(({ id }) => id)).size).toBe(4_500);
    expect(records[0]?.fields).not.toHaveProperty("attributes");
  });

  it("reports a cursor that was lost as an incomplete read", async () => {
    const failNext = [
      { match: "GET .*/query/01g", status: 400, body: [{ errorCode: "INVALID_QUERY_LOCATOR" }], times: 4 },
    ];
    const { destination, seed } = await connect({ faults: { failNext } });
    await seed("Contact", people(2_500));
    await expect(scan(destination)).rejects.toMatchObject({ effect: "transient" });
  });

  it("lists what changed and what was deleted since a moment", async () => {
    const { destination, seed, sandbox } = await connect();
    const [kept = "", gone = ""] = await seed("Contact", people(3));
    await write(destination, batch([remove(0, gone)]));
    const begun = Date.now();
    const since = Date.parse((await destination.now?.(signal)) ?? "");
    // In whole seconds, of a date header that is made once a second.
    expect(since).toBeGreaterThan(begun - 2_000);
    expect(since).toBeLessThanOrEqual(Date.now());
    const request = { object: "Contact", fields: ["Email"], match: ["Email"], by: "since" } as const;
    const all = await read(destination, { ...request, since: new Date(Date.now() - 60_000).toISOString() });
    expect(all.records).toHaveLength(3);
    expect(all.records.find(({ id }) => id === gone)?.deleted).toBe(true);
    expect(all.records.find(({ id }) => id === kept)?.deleted).toBeUndefined();
    const none = await read(destination, { ...request, since: new Date(Date.now() + 60_000).toISOString() });
    expect(none.records).toEqual([]);
    expect(sandbox.url).toContain("127.0.0.1");
  });

  it("names a field that is not there", async () => {
    const { destination } = await connect();
    await expect(scan(destination, ["Nope__c"])).rejects.toMatchObject({
      code: "FIELD_UNKNOWN",
      message: 'crm: there is no field "Nope__c" that this user may see',
    });
  });
});

describe("writing collections", () => {
  it("creates, updates only what changed, empties and deletes", async () => {
    const { destination, sent } = await connect();
    const made = await write(
      destination,
      batch([
        create(0, "ada@example.com", {
          Email: "ada@example.com",
          LastName: " Lovelace ",
          Lifetime_Value__c: "10.50",
          Orders__c: "3",
          Active__c: "true",
          Last_Order__c: "2026-01-31T08:00:00Z",
          Title: "Countess",
        }),
      ]),
    );
    const [outcome] = made.outcomes;
    if (outcome?.status !== "applied") throw new Error("not applied");
    expect(outcome.key).toBe("ada@example.com");
    await write(destination, batch([update(0, outcome.id, { Title: null, Orders__c: "4" })]));
    expect(JSON.parse(sent.at(-1)?.body ?? "")).toEqual({
      allOrNone: false,
      records: [{ attributes: { type: "Contact" }, id: outcome.id, Title: null, Orders__c: 4 }],
    });
    const fields = ["Email", "LastName", "Title", "Lifetime_Value__c", "Orders__c", "Active__c", "Last_Order__c"];
    const { records } = await scan(destination, fields);
    expect(records[0]?.fields).toEqual({
      Id: outcome.id,
      Email: "ada@example.com",
      LastName: "Lovelace",
      Title: null,
      Lifetime_Value__c: 10.5,
      Orders__c: 4,
      Active__c: true,
      Last_Order__c: "2026-01-31T08:00:00.000+0000",
    });
    const deleted = await write(destination, batch([remove(0, outcome.id)]));
    expect(deleted.outcomes).toEqual([{ key: outcome.id, status: "applied", id: outcome.id }]);
    expect((await scan(destination)).records).toEqual([]);
  });

  it("sends the quiet headers with every write, and duplicate rules as asked", async () => {
    const { destination, sent, seed } = await connect();
    const [id = ""] = await seed("Contact", people(1));
    await write(destination, batch([update(0, id, { Title: "x" })]));
    await write(destination, batch([create(0, "b@x.test", { Email: "b@x.test", LastName: "B" })], { route: "bulk" }));
    await write(destination, batch([remove(0, id)]));
    const writes = sent.filter(({ method, path }) => method !== "GET" && path.startsWith("/services/data"));
    expect(writes.map(({ method }) => method)).toEqual(["PATCH", "POST", "PUT", "PATCH", "DELETE"]);
    for (const { headers } of writes)
      expect(headers).toMatchObject({
        "sforce-auto-assign": "FALSE",
        "sforce-duplicate-rule-header": "allowSave=false",
      });
    const allowing = await connect({ options: { duplicateRules: "allow" } });
    await write(allowing.destination, batch([create(0, "c@x.test", { Email: "c@x.test", LastName: "C" })]));
    expect(allowing.sent.at(-1)?.headers["sforce-duplicate-rule-header"]).toBe("allowSave=true");
  });

  it("upserts creates that are matched on a unique external id, so that sending twice makes one record", async () => {
    const { destination, sent, stats } = await connect();
    const change = create(0, "C-1", { External_Id__c: "C-1", LastName: "Once", Email: "once@example.com" });
    const again = batch([change], { matchOn: ["External_Id__c"] });
    const first = await write(destination, again);
    const second = await write(destination, again);
    expect(second.outcomes).toEqual(first.outcomes);
    expect(sent.at(-1)).toMatchObject({
      method: "PATCH",
      path: "/services/data/v67.0/composite/sobjects/Contact/External_Id__c",
    });
    expect((await stats()).records.Contact).toBe(1);
  });

  it("makes a second record of a create that is sent twice by e-mail", async () => {
    const { destination, stats } = await connect();
    const twice = batch([create(0, "ada@example.com", { Email: "ada@example.com", LastName: "Twice" })]);
    await write(destination, twice);
    await write(destination, twice);
    expect(await stats()).toMatchObject({ duplicates: 1, records: { Contact: 2 } });
  });

  it("gives each refused record the vendor's code and field, and applies the others", async () => {
    const { destination, seed } = await connect();
    await seed("Contact", [{ LastName: "Taken", External_Id__c: "T-1" }]);
    const bad: readonly [Fields, string, string | undefined][] = [
      [{ LastName: "x".repeat(81) }, "STRING_TOO_LONG", "LastName"],
      [{ Title: "no name" }, "REQUIRED_FIELD_MISSING", "LastName"],
      [{ LastName: "P", Segment__c: "Whale" }, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Segment__c"],
      [{ LastName: "E", Email: "not an address" }, "INVALID_EMAIL_ADDRESS", "Email"],
      [{ LastName: "D", External_Id__c: "t-1" }, "DUPLICATE_VALUE", undefined],
      [{ LastName: "N", Lifetime_Value__c: "12345678901234567.00" }, "NUMBER_OUTSIDE_VALID_RANGE", "Lifetime_Value__c"],
      [{ LastName: "A", AccountId: "001000000000AAA" }, "INVALID_CROSS_REFERENCE_KEY", "AccountId"],
      [{ LastName: "I", AccountId: "nonsense" }, "MALFORMED_ID", "AccountId"],
      [{ LastName: "S", CreatedDate: "2026-01-01T00:00:00Z" }, "INVALID_FIELD_FOR_INSERT_UPDATE", "CreatedDate"],
      [{ LastName: "U", Nope__c: "1" }, "INVALID_FIELD", undefined],
      [{ LastName: "T", Last_Order__c: "yesterday" }, "INVALID_TYPE_ON_FIELD_IN_RECORD", "Last_Order__c"],
    ];
    const changes = bad.map(([after], i) => create(i, `k${i}`, after));
    const good = create(bad.length, "good", { LastName: "Good" });
    const { outcomes } = await write(destination, batch([...changes, good], { types: {} }));
    expect(outcomes.slice(0, -1).map((o) => (o.status === "rejected" ? [o.code, o.field, o.retry] : o.status))).toEqual(
      bad.map(([, code, field]) => [code, field, undefined]),
    );
    expect(outcomes.at(-1)).toMatchObject({ key: "good", status: "applied" });
  });

  it("tells records that are gone from records that were never there", async () => {
    const { destination, seed } = await connect();
    const [id = ""] = await seed("Contact", people(1));
    await write(destination, batch([remove(0, id)]));
    const ids = [id, "003000000000000AAA", "junk"];
    const updates = await write(destination, batch(ids.map((target, n) => update(n, target, { Title: "x" }))));
    expect(updates.outcomes.map((o) => o.status === "rejected" && o.code)).toEqual([
      "ENTITY_IS_DELETED",
      "INVALID_CROSS_REFERENCE_KEY",
      "MALFORMED_ID",
    ]);
    const again = await write(destination, batch([remove(0, id)]));
    expect(again.outcomes).toEqual([{ key: id, status: "applied", id }]);
  });

  it("lets a locked row be tried again", async () => {
    const { destination, seed } = await connect({ faults: { lockRowEvery: 3 } });
    const ids = await seed("Contact", people(2));
    const { outcomes } = await write(destination, batch(ids.map((id, n) => update(n, id, { Title: "x" }))));
    expect(outcomes).toMatchObject([
      { status: "rejected", code: "UNABLE_TO_LOCK_ROW", retry: true },
      { status: "applied" },
    ]);
  });

  it("sees a lock inside another code's message", async () => {
    const errors = [
      { statusCode: "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message: "trigger: UNABLE_TO_LOCK_ROW, busy", fields: [] },
    ];
    const failNext = [{ match: "PATCH .*composite", status: 200, body: [{ success: false, errors }] }];
    const { destination } = await connect({ faults: { failNext } });
    const { outcomes } = await write(destination, batch([update(0, "003000000000000AAA", { Title: "x" })]));
    expect(outcomes).toMatchObject([{ status: "rejected", retry: true }]);
  });

  it("leaves all in doubt when results are missing, and when one is for another record", async () => {
    const { destination, seed, ask } = await connect({ faults: { emptyResults: true } });
    const [id = ""] = await seed("Contact", people(1));
    expect((await write(destination, batch([update(0, id, { Title: "x" })]))).outcomes).toEqual([]);
    const body = [{ id: "003000000000000AAA", success: true, errors: [] }];
    await ask("POST", "faults", { emptyResults: null, failNext: [{ match: "PATCH|POST", body, times: 2 }] });
    expect((await write(destination, batch([update(0, id, { Title: "y" })]))).outcomes).toEqual([]);
    const two = [0, 1].map((n) => create(n, `k${n}`, { LastName: "L" }));
    expect((await write(destination, batch(two))).outcomes).toEqual([]);
  });

  it.each([
    ["an empty 200", { status: 200, body: "" }, { code: "ANSWER_INVALID" }],
    ["a 502 in HTML", { status: 502, body: "<html>bad gateway</html>" }, { code: "UNAVAILABLE", unsent: false }],
    ["a 503", { status: 503, body: [{ errorCode: "SERVER_UNAVAILABLE" }] }, { code: "UNAVAILABLE" }],
    ["a 403", { status: 403, body: [{ errorCode: "API_DISABLED_FOR_ORG" }] }, { code: "ACCESS_DENIED" }],
    ["a broken connection", { reset: "after" }, { code: "NETWORK", unsent: false }],
  ])("classifies %s", async (_, failure, expected) => {
    const { destination } = await connect({ faults: { failNext: [{ match: "POST .*composite", ...failure }] } });
    const one = batch([create(0, "a@x.test", { Email: "a@x.test", LastName: "A" })]);
    await expect(write(destination, one)).rejects.toMatchObject(expected);
  });

  it("does the work before a connection breaks after it, and not when it breaks before", async () => {
    const failNext = [
      { match: "POST .*composite", reset: "before" },
      { match: "POST .*composite", reset: "after" },
    ];
    const { destination, stats } = await connect({ faults: { failNext } });
    const one = batch([create(0, "a@x.test", { Email: "a@x.test", LastName: "A" })]);
    await expect(write(destination, one)).rejects.toBeInstanceOf(TransientError);
    expect((await stats()).records.Contact).toBe(0);
    await expect(write(destination, one)).rejects.toBeInstanceOf(TransientError);
    expect((await stats()).records.Contact).toBe(1);
  });

  it("refuses a batch as a whole so that it can be split, without quoting a record", async () => {
    const { destination, stats } = await connect({ faults: { poisonEmail: "poison@example.com" } });
    const addresses = ["fine@example.com", "poison@example.com"];
    const changes = addresses.map((Email, n) => create(n, Email, { Email, LastName: "X" }));
    const error = await write(destination, batch(changes)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RecordError);
    expect(error).toMatchObject({ vendorCode: "JSON_PARSER_ERROR" });
    expect(String(error)).not.toContain("poison@");
    expect((await stats()).records.Contact).toBe(0);
    expect((await write(destination, batch(changes.slice(0, 1)))).outcomes).toMatchObject([{ status: "applied" }]);
  });

  it("takes 200 records and not 201", async () => {
    const { destination } = await connect();
    const changes = Array.from({ length: 201 }, (_, n) => create(n, `k${n}`, { LastName: `L${n}` }));
    expect((await write(destination, batch(changes.slice(0, 200)))).outcomes).toHaveLength(200);
    await expect(write(destination, batch(changes))).rejects.toMatchObject({ vendorCode: "EXCEEDED_ID_LIMIT" });
  });

  it("stops when storage is full, after telling what was applied", async () => {
    const { destination, seed, ask } = await connect();
    await seed("Contact", people(1));
    await ask("POST", "faults", { storageRecords: 2 });
    const changes = [0, 1].map((n) => create(n, `k${n}`, { LastName: `L${n}` }));
    const outcomes: Outcome[] = [];
    const writing = (async () => {
      for await (const receipt of destination.write(batch(changes), signal))
        if ("outcomes" in receipt) outcomes.push(...receipt.outcomes);
    })();
    await expect(writing).rejects.toMatchObject({ code: "QUOTA_EXHAUSTED", unsent: true });
    expect(outcomes).toMatchObject([{ key: "k0", status: "applied" }]);
  });
});

describe("limits", () => {
  it("tells the limiter what the header says", async () => {
    const { destination, signals } = await connect({ faults: { dailyQuota: 50 } });
    await scan(destination);
    expect(signals.at(-1)).toEqual({ bucket: "calls", quota: { used: 1, limit: 50 } });
  });

  it("stops at the daily quota", async () => {
    const { destination } = await connect({ faults: { dailyQuota: 1 } });
    await scan(destination);
    await expect(scan(destination)).rejects.toMatchObject({ code: "QUOTA_EXHAUSTED", unsent: true });
  });

  it("passes on how long a rolling window asks to wait", async () => {
    const { destination, signals, sleeps, stats } = await connect({ faults: { rate: { calls: 3, perMs: 60_000 } } });
    await scan(destination);
    await scan(destination);
    await expect(scan(destination)).rejects.toMatchObject({ code: "RATE_LIMITED", unsent: true });
    const pause = signals.find(({ pauseMs }) => pauseMs !== undefined)?.pauseMs ?? 0;
    expect(pause).toBeGreaterThan(50_000);
    expect(pause).toBeLessThanOrEqual(60_000);
    // A read waits as long as it is told before each further try.
    expect(sleeps).toHaveLength(3);
    expect(Math.min(...sleeps)).toBeGreaterThan(50_000);
    expect(await stats()).toMatchObject({ violations: 4 });
  });
});

describe("writing in bulk", () => {
  const awkward = 'He said "hi",\nthen left';

  it("creates with failures, each row found again in whatever order it comes back", async () => {
    const { destination } = await connect();
    const changes = Array.from({ length: 50 }, (_, n) =>
      create(n, `p${n}@x.test`, { Email: `p${n}@x.test`, LastName: n % 10 === 3 ? null : awkward }),
    );
    const { outcomes, tickets } = await write(destination, batch(changes, { route: "bulk" }));
    expect(tickets).toHaveLength(1);
    expect(outcomes).toHaveLength(50);
    const { records } = await scan(destination);
    expect(records).toHaveLength(45);
    for (const { id, fields } of records) {
      expect(fields.LastName).toBe(awkward);
      expect(outcomes).toContainEqual({ key: fields.Email, status: "applied", id });
    }
    const refused = outcomes.filter((o) => o.status === "rejected");
    expect(refused.map((o) => o.key).sort()).toEqual([3, 13, 23, 33, 43].map((n) => `p${n}@x.test`).sort());
    expect(refused[0]).toMatchObject({
      code: "REQUIRED_FIELD_MISSING",
      field: "LastName",
      message: "Required fields are missing: [LastName]",
    });
  });

  it("updates only the fields of each change, empties with the marker, and deletes", async () => {
    const { destination, seed, sent } = await connect();
    const [a = "", b = "", c = ""] = await seed("Contact", [
      { LastName: "A", Title: "old", Orders__c: 1 },
      { LastName: "B", Title: "old", Orders__c: 1 },
      { LastName: "C", Title: "old", Orders__c: 1 },
    ]);
    const changes = [update(0, a, { Title: null }), update(1, b, { Orders__c: "2" }), update(2, c, { Title: "#N/A" })];
    const { outcomes } = await write(destination, batch(changes, { route: "bulk" }));
    expect(outcomes.map((o) => o.status)).toEqual(["applied", "applied", "applied"]);
    expect(sent.find(({ method }) => method === "PUT")?.body).toBe(`Id,Title,Orders__c\n${a},#N/A,\n${b},,2\n`);
    const { records } = await scan(destination, ["Title", "Orders__c"]);
    expect(records.map(({ fields }) => [fields.Title, fields.Orders__c])).toEqual([
      [null, 1],
      ["old", 2],
      ["#N/A", 1],
    ]);
    const gone = await write(destination, batch([remove(0, a), remove(1, b)], { route: "bulk" }));
    expect(gone.outcomes.map((o) => o.key).sort()).toEqual([a, b].sort());
    expect((await scan(destination)).records).toHaveLength(1);
  });

  it("upserts by a unique external id", async () => {
    const { destination, seed, stats, sent } = await connect();
    const [id = ""] = await seed("Contact", [{ LastName: "Old", External_Id__c: "X-1" }]);
    const changes = ["X-1", "X-2"].map((key, n) => create(n, key, { External_Id__c: key, LastName: "New" }));
    const { outcomes } = await write(destination, batch(changes, { route: "bulk", matchOn: ["External_Id__c"] }));
    expect(outcomes).toContainEqual({ key: "X-1", status: "applied", id });
    expect(outcomes).toHaveLength(2);
    expect((await stats()).records.Contact).toBe(2);
    const asked = sent.find(({ method, path }) => method === "POST" && path.endsWith("/jobs/ingest"));
    expect(JSON.parse(asked?.body ?? "")).toMatchObject({ operation: "upsert", externalIdFieldName: "External_Id__c" });
  });

  it("writes nothing before the ticket is given, and finishes from the ticket", async () => {
    const { destination, open, stats } = await connect();
    const work = batch(
      [0, 1, 2].map((n) => create(n, `p${n}@x.test`, { Email: `p${n}@x.test`, LastName: "L" })),
      { route: "bulk" },
    );
    let ticket = "";
    for await (const receipt of destination.write(work, signal))
      if ("ticket" in receipt) {
        ticket = receipt.ticket;
        break;
      }
    expect((await stats()).records.Contact).toBe(0);
    for (let time = 0; time < 2; time++) {
      const outcomes: Outcome[] = [];
      const other = await open();
      for await (const receipt of other.resume?.(ticket, work, signal) ?? [])
        if ("outcomes" in receipt) outcomes.push(...receipt.outcomes);
      expect(outcomes.map((o) => [o.key, o.status]).sort()).toEqual(
        work.changes.map(({ key }) => [key, "applied"]).sort(),
      );
    }
    expect((await stats()).records.Contact).toBe(3);
  });

  it("waits for a job that was closed already", async () => {
    const { destination, sandbox, sent, sleeps } = await connect({ faults: { bulkDelayMs: 600 } });
    const work = batch([create(0, "a@x.test", { Email: "a@x.test", LastName: "A" })], { route: "bulk" });
    let ticket = "";
    for await (const receipt of destination.write(work, signal)) {
      if ("ticket" in receipt) ticket = receipt.ticket;
      break;
    }
    const closed = await fetch(`${sandbox.url}/services/data/v67.0/jobs/ingest/${ticket}`, {
      method: "PATCH",
      headers: { authorization: sent.at(-1)?.headers.authorization ?? "" },
      body: JSON.stringify({ state: "UploadComplete" }),
    });
    expect(closed.status).toBe(200);
    const outcomes: Outcome[] = [];
    for await (const receipt of destination.resume?.(ticket, work, signal) ?? [])
      if ("outcomes" in receipt) outcomes.push(...receipt.outcomes);
    expect(outcomes).toMatchObject([{ key: "a@x.test", status: "applied" }]);
    expect(sleeps.slice(0, 3)).toEqual([200, 400, 800]);
  });

  it("tells nothing of a job that is gone", async () => {
    const { destination } = await connect();
    const receipts: unknown[] = [];
    const work = batch([create(0, "a", { LastName: "A" })], { route: "bulk" });
    for await (const receipt of destination.resume?.("7505g0000099999AAA", work, signal) ?? []) receipts.push(receipt);
    expect(receipts).toEqual([]);
  });

  it("lets the rows an aborted job did not reach be tried again", async () => {
    const { destination } = await connect({ faults: { bulkAbortAfter: 2 } });
    const changes = [0, 1, 2].map((n) => create(n, `p${n}@x.test`, { Email: `p${n}@x.test`, LastName: "L" }));
    const { outcomes } = await write(destination, batch(changes, { route: "bulk" }));
    expect(outcomes.filter((o) => o.status === "applied")).toHaveLength(2);
    expect(outcomes.filter((o) => o.status === "rejected")).toMatchObject([
      { key: "p2@x.test", code: "JOB_ABORTED", retry: true },
    ]);
  });

  it("rejects every row of a job that failed, with the job's reason", async () => {
    const { destination } = await connect();
    const changes = [create(0, "a@x.test", { Email: "a@x.test", LastName: "A", Nope__c: "1" })];
    const { outcomes } = await write(destination, batch(changes, { route: "bulk" }));
    expect(outcomes).toMatchObject([
      { key: "a@x.test", code: "JOB_FAILED", message: "InvalidBatch : Field name not found : Nope__c" },
    ]);
    expect(outcomes[0]).not.toHaveProperty("retry");
  });

  it("leaves rows without a result in doubt", async () => {
    const { destination } = await connect({ faults: { emptyResults: true } });
    const changes = [create(0, "a@x.test", { Email: "a@x.test", LastName: "A" })];
    expect((await write(destination, batch(changes, { route: "bulk" }))).outcomes).toEqual([]);
  });
});

describe("texts", () => {
  it("reads back any CSV it writes", () => {
    const rows = [
      ["a", "", 'q"q', "x,y", "line\nbreak\r\n", " spaced ", "ü€😀"],
      ["1", "2", "3", "4", "5", "6", ""],
    ];
    expect([...csvRows(rows.map(csvLine).join(""))]).toEqual(rows);
    expect([...csvRows('a,b\r\n"1","x"\r\n')]).toEqual([
      ["a", "b"],
      ["1", "x"],
    ]);
    expect(csvLine(['say "hi"', "plain"])).toBe('"say ""hi""",plain\n');
  });

  it("quotes values and refuses names that are not names", () => {
    expect(literal("it's a \\ and\na tab\t")).toBe("'it\\'s a \\\\ and\\na tab\\t'");
    expect(literal("5", { kind: "integer" })).toBe("5");
    expect(literal("5 OR 1=1", { kind: "integer" })).toBe("'5 OR 1=1'");
    expect(() => [...selectKeys("Contact", ["Id FROM User"], ["Email"], [keyOf(["a"])], {})]).toThrow(ConfigError);
  });
});

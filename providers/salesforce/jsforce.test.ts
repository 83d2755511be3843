/**
 * jsforce, the client others wrote, as an oracle: it and the connector make the same updates, each in an organisation of
 * its own, and the records must come out the same.
 */
import { createSign, generateKeyPairSync } from "node:crypto";
import jsforce from "jsforce";
import { describe, expect, it, onTestFinished } from "vitest";
import type { FieldType, Value } from "../../src/connector/index.ts";
import { runner, testProject, testSync, testWorld } from "../../test/world.ts";
import memory from "../memory/index.ts";
import { memoryObject, memoryStore } from "../memory/store.ts";
import salesforce from "./index.ts";
import { app } from "./sandbox/oauth.ts";
import { startSandbox } from "./sandbox.ts";

/** What the warehouse wants of one contact, with the types it has there. */
interface Wanted {
  readonly email: string;
  readonly first: string | null;
  readonly value: string | null;
  readonly orders: string | null;
  readonly active: string;
  readonly day: string | null;
  readonly externalId: string | null;
}

const types: Readonly<Record<keyof Wanted, FieldType>> = {
  email: { kind: "text" },
  first: { kind: "text" },
  value: { kind: "decimal", precision: 18, scale: 2 },
  orders: { kind: "integer" },
  active: { kind: "boolean" },
  day: { kind: "date" },
  externalId: { kind: "text" },
};
const columns = Object.keys(types) as (keyof Wanted)[];
const fields = {
  FirstName: "first",
  Lifetime_Value__c: "value",
  Orders__c: "orders",
  Active__c: "active",
  Last_Order_Date__c: "day",
  External_Id__c: "externalId",
} as const satisfies Readonly<Record<string, keyof Wanted>>;

/** Names that break CSV, JSON and SOQL where they are not written with care. */
const names = ["Ada", 'A "quoted", name', "O'Brien \\", "Zoë 🦊", "two\nlines", "#N/A?", null];

/** Every contact there is, and what is wanted of it: each fifth is right already, some fields are emptied. */
function contacts(count: number) {
  const held = Array.from({ length: count }, (_, i) => ({
    Email: `user${i}@example.com`,
    LastName: `Last ${i}`,
    FirstName: "Before",
    Lifetime_Value__c: 12.5,
    Orders__c: i,
    Active__c: false,
    Last_Order_Date__c: "2026-01-31",
  }));
  const wanted = held.map(({ Email: email }, i): Wanted => {
    if (i % 5 === 0)
      return {
        email,
        first: "Before",
        value: "12.50",
        orders: String(i),
        active: "false",
        day: "2026-01-31",
        externalId: null,
      };
    return {
      email,
      first: names[i % names.length] ?? null,
      value: i % 3 === 0 ? null : `${i}.${String(i % 100).padStart(2, "0")}`,
      orders: i % 4 === 0 ? null : String(i * 3),
      active: String(i % 2 === 0),
      day: i % 6 === 0 ? null : "2026-02-28",
      externalId: `k${i}`,
    };
  });
  return { held, wanted };
}

/** An organisation with these contacts. */
async function organisation(held: readonly object[], faults: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const sandbox = await startSandbox({ port: 0, faults });
  onTestFinished(() => sandbox.close());
  const body = JSON.stringify({ Contact: held });
  expect((await fetch(`${sandbox.url}/__sandbox/seed`, { method: "POST", body })).status).toBe(200);
  return sandbox.url;
}

/** jsforce, signed in with client credentials or with an assertion. */
async function signIn(url: string, privateKey?: string) {
  const oauth2 = { loginUrl: url, clientId: app.clientId, clientSecret: app.clientSecret };
  const client = new jsforce.Connection({ oauth2, version: "67.0" });
  if (privateKey === undefined) await client.authorize({ grant_type: "client_credentials" });
  else {
    const claims = { iss: app.clientId, sub: "ebb@example.com", aud: url, exp: Math.floor(Date.now() / 1000) + 180 };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const unsigned = `${part({ alg: "RS256" })}.${part(claims)}`;
    const signature = createSign("RSA-SHA256").update(unsigned).sign(privateKey, "base64url");
    const grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    await client.authorize({ grant_type, assertion: `${unsigned}.${signature}` });
  }
  return client;
}
type Client = Awaited<ReturnType<typeof signIn>>;

const selected = ["Email", "LastName", ...Object.keys(fields)];

/** All contacts with their ids, page by page. */
async function read(client: Client) {
  const soql = `SELECT Id, ${selected.join(", ")} FROM Contact ORDER BY Id`;
  const { records, done } = await client.query(soql, { autoFetch: true, maxFetch: 1_000_000 });
  expect(done).toBe(true);
  return records.map(({ attributes: _, ...record }) => record);
}

/** What the organisation holds in the end, without the ids it gave. */
async function held(client: Client) {
  const records = await read(client);
  return records.map(({ Id: _, ...record }) => record).sort((a, b) => (String(a.Email) < String(b.Email) ? -1 : 1));
}

/** The updates as whoever writes a script with jsforce would make them: every field of every contact. */
async function updatesFor(client: Client, wanted: readonly Wanted[]) {
  const ids = new Map((await read(client)).map(({ Email, Id }) => [String(Email), String(Id)]));
  return wanted.map((row) => ({
    Id: ids.get(row.email) ?? "",
    FirstName: row.first,
    Lifetime_Value__c: row.value === null ? null : Number(row.value),
    Orders__c: row.orders === null ? null : Number(row.orders),
    Active__c: row.active === "true",
    Last_Order_Date__c: row.day,
    External_Id__c: row.externalId,
  }));
}

/** The same by the connector, planned and applied by the engine. */
async function applyWanted(url: string, wanted: readonly Wanted[]) {
  const rows = wanted.map((row, i): [string, Record<string, Value>] => [String(i), { ...row }]);
  const described = columns.map((name) => ({ name, type: types[name] }));
  memoryStore(url).set("rows", memoryObject(described, Object.fromEntries(rows)));
  const sync = testSync({
    key: ["email"],
    destination: { connection: "crm", object: "Contact", matchOn: ["Email"] },
    mode: "update",
    fields,
  });
  const given = { baseUrl: url, loginUrl: url, clientId: app.clientId, clientSecret: "env:SECRET" };
  const options = salesforce.connection.parse(given);
  const world = await testWorld({ systems: [memory, salesforce], env: { SECRET: app.clientSecret }, realTime: true });
  const connections = {
    warehouse: { system: "memory", options: { store: url } },
    crm: { system: "salesforce", options },
  };
  return runner(world, testProject([sync], connections)).run();
}

async function calls(url: string): Promise<Readonly<Record<string, number>>> {
  const stats = (await (await fetch(`${url}/__sandbox/stats`)).json()) as { readonly calls: Record<string, number> };
  return stats.calls;
}

describe("the connector and jsforce end in the same records", () => {
  it("few, by Collections", async () => {
    const { held: before, wanted } = contacts(450);
    const [ours, theirs] = [await organisation(before), await organisation(before)];
    const client = await signIn(theirs);
    const updates = await updatesFor(client, wanted);
    const results = await client.sobject("Contact").update(updates, { allowRecursive: true });
    expect(results.every(({ success }) => success)).toBe(true);
    expect(await applyWanted(ours, wanted)).toMatchObject({ status: "applied", rejected: [] });
    const after = await held(client);
    expect(after).toHaveLength(450);
    expect(after).toContainEqual({
      Email: "user9@example.com",
      LastName: "Last 9",
      FirstName: "O'Brien \\",
      Lifetime_Value__c: null,
      Orders__c: 27,
      Active__c: false,
      Last_Order_Date__c: "2026-02-28",
      External_Id__c: "k9",
    });
    expect(await held(await signIn(ours))).toEqual(after);
    expect(await calls(ours)).toMatchObject({ "PATCH /composite/sobjects": 2 });
    expect(await calls(theirs)).toMatchObject({ "PATCH /composite/sobjects": 3 });
  });

  it("many, by a job of Bulk API 2.0, read page by page", async () => {
    const { held: before, wanted } = contacts(4_500);
    const [ours, theirs] = [await organisation(before), await organisation(before)];
    const client = await signIn(theirs);
    const updates = await updatesFor(client, wanted);
    const input = updates.map((update) =>
      Object.fromEntries(Object.entries(update).map(([name, value]) => [name, value ?? "#N/A"])),
    );
    const results = await client.bulk2.loadAndWaitForResults({
      object: "Contact",
      operation: "update",
      input,
      pollInterval: 50,
    });
    expect(results.successfulResults).toHaveLength(4_500);
    expect(await applyWanted(ours, wanted)).toMatchObject({ status: "applied", rejected: [] });
    const after = await held(client);
    expect(after).toHaveLength(4_500);
    expect(await held(await signIn(ours))).toEqual(after);
    for (const url of [ours, theirs]) expect(await calls(url)).toMatchObject({ "POST /jobs/ingest": 1 });
    expect((await calls(theirs))["GET /query/{locator}"]).toBeGreaterThanOrEqual(4);
  });

  it("a record that Salesforce refuses is refused to both, with the same reason, and alone", async () => {
    const { held: before, wanted } = contacts(30);
    // Unique, and somebody else's: only Salesforce can tell.
    const all = [...before, { Email: "stranger@example.org", LastName: "Stranger", External_Id__c: "taken" }];
    const [ours, theirs] = [await organisation(all), await organisation(all)];
    const claimed = wanted.map((row, i) => ({ ...row, externalId: i === 7 ? "taken" : `k${i}` }));
    const client = await signIn(theirs);
    const updates = await updatesFor(client, claimed);
    const results = await client.sobject("Contact").update(updates, { allowRecursive: true });
    expect(results.filter(({ success }) => !success)).toHaveLength(1);
    expect(results[7]).toMatchObject({ success: false, errors: [{ statusCode: "DUPLICATE_VALUE" }] });

    const run = await applyWanted(ours, claimed);
    expect(run).toMatchObject({ status: "partial", rejected: [{ code: "DUPLICATE_VALUE", count: 1 }] });
    expect(await held(await signIn(ours))).toEqual(await held(client));
  });

  it("signed in with an assertion as well, as long as the key is the app's", async () => {
    const pair = () =>
      generateKeyPairSync("rsa", {
        modulusLength: 2048,
        publicKeyEncoding: { type: "spki", format: "pem" },
        privateKeyEncoding: { type: "pkcs8", format: "pem" },
      });
    const [own, foreign] = [pair(), pair()];
    const { held: before } = contacts(3);
    const url = await organisation(before, { jwtPublicKey: own.publicKey });
    expect(await held(await signIn(url, own.privateKey))).toHaveLength(3);
    await expect(signIn(url, foreign.privateKey)).rejects.toThrow(/invalid assertion/);
  });
});

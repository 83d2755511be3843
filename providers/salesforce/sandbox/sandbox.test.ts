import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startSandbox } from "../sandbox.ts";
import { parseQuery } from "./soql.ts";
import { longId, roundTo } from "./values.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A sandbox, and calls as a person makes them. */
async function start(faults: Record<string, unknown> = {}, directory?: string) {
  const sandbox = await startSandbox({ port: 0, faults, ...(directory ? { directory } : {}) });
  closers.push(() => sandbox.close());
  const { url, credentials } = sandbox;
  const { clientId = "", clientSecret = "" } = credentials;
  const form = { grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret };
  const reply = await fetch(`${url}/services/oauth2/token`, { method: "POST", body: new URLSearchParams(form) });
  const { access_token: token } = (await reply.json()) as { access_token: string };
  const rest = async <T = unknown>(method: string, path: string, json?: unknown) => {
    const answer = await fetch(`${url}/services/data/v67.0${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: (text === "" ? undefined : JSON.parse(text)) as T };
  };
  const seed = async (Contact: readonly object[]): Promise<string[]> => {
    const made = await fetch(`${url}/__sandbox/seed`, { method: "POST", body: JSON.stringify({ Contact }) });
    return ((await made.json()) as { Contact: string[] }).Contact;
  };
  const query = async (soql: string) => {
    const { body } = await rest<{ totalSize: number; records: { Id: string; LastName: string }[] }>(
      "GET",
      `/query?q=${encodeURIComponent(soql)}`,
    );
    return body;
  };
  return { url, rest, seed, query, close: () => sandbox.close() };
}

const abc = [
  { LastName: "A", Orders__c: 1, Email: "a@x.test" },
  { LastName: "B", Orders__c: 2, Email: "b@x.test" },
  { LastName: "C", Email: "c@x.test" },
];

describe("queries", () => {
  it.each([
    ["SELECT Id FROM Contact WHERE LastName = 'a' AND LastName = 'b' OR LastName = 'c'", "MALFORMED_QUERY"],
    ["SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"],
    ["SELECT Id Email FROM Contact", "MALFORMED_QUERY"],
    ["SELECT Id FROM Contact WHERE LastName LIKE 'a%'", "MALFORMED_QUERY"],
    ["SELECT Nope FROM Contact", "INVALID_FIELD"],
    ["SELECT Id FROM Nope", "INVALID_TYPE"],
    ["SELECT Id FROM Contact WHERE Orders__c = '5'", "INVALID_FIELD"],
    ["SELECT Id FROM Contact WHERE LastName = 5", "INVALID_FIELD"],
    ["SELECT Id FROM Contact WHERE SystemModstamp > 2026-01-01", "INVALID_FIELD"],
    ["SELECT Id FROM Contact WHERE Description = 'a'", "INVALID_FIELD"],
  ])("refuses %s as %s", (soql, vendorCode) => {
    expect(() => parseQuery(soql)).toThrow(expect.objectContaining({ vendorCode }));
  });

  it.each([
    ["WHERE Orders__c >= 1 ORDER BY LastName DESC", ["B", "A"]],
    ["WHERE Orders__c = null", ["C"]],
    ["WHERE Orders__c != 1", ["B", "C"]],
    ["WHERE (Email = 'A@X.TEST' OR Email IN ('c@x.test')) AND LastName != 'A'", ["C"]],
    ["WHERE NOT Email IN ('c@x.test', 'b@x.test')", ["A"]],
    ["WHERE LastName NOT IN ('A')", ["B", "C"]],
    ["WHERE SystemModstamp > 2020-01-01T00:00:00+01:00 AND Name = 'b'", ["B"]],
    ["ORDER BY Orders__c LIMIT 2", ["C", "A"]],
    ["LIMIT 1 OFFSET 1", ["B"]],
  ])("answers %s", async (clause, names) => {
    const { query, seed } = await start();
    await seed(abc);
    const { records } = await query(`SELECT LastName FROM Contact ${clause}`);
    expect(records.map(({ LastName }) => LastName)).toEqual(names);
  });

  it("keeps an index right when a value moves and when a record goes", async () => {
    const { query, seed, rest } = await start();
    const [id = ""] = await seed(Array.from({ length: 201 }, (_, i) => ({ LastName: "L", Email: `p${i}@x.test` })));
    const count = async (email: string) =>
      (await query(`SELECT COUNT() FROM Contact WHERE Email IN ('${email}', 'none@x.test')`)).totalSize;
    expect(await count("p0@x.test")).toBe(1);
    await rest("PATCH", `/sobjects/Contact/${id}`, { Email: "moved@x.test" });
    expect(await count("p0@x.test")).toBe(0);
    expect(await count("MOVED@x.test")).toBe(1);
    await rest("DELETE", `/sobjects/Contact/${id}`);
    expect(await count("moved@x.test")).toBe(0);
    const { body } = await rest<{ totalSize: number }>(
      "GET",
      `/queryAll?q=${encodeURIComponent("SELECT Id FROM Contact WHERE IsDeleted = true AND Email = 'moved@x.test'")}`,
    );
    expect(body.totalSize).toBe(1);
  });

  it("shows on later pages what was there when the query ran", async () => {
    const { seed, rest } = await start();
    const ids = await seed(Array.from({ length: 2_001 }, () => ({ LastName: "Before" })));
    const soql = encodeURIComponent("SELECT LastName FROM Contact");
    const first = await rest<{ nextRecordsUrl: string }>("GET", `/query?q=${soql}`);
    await rest("PATCH", `/sobjects/Contact/${ids[2_000]}`, { LastName: "After" });
    const { body } = await rest("GET", first.body.nextRecordsUrl.replace("/services/data/v67.0", ""));
    expect(body).toMatchObject({ totalSize: 2_001, done: true, records: [{ LastName: "Before" }] });
  });

  it("hides a new record while its index lags, not from reads by id", async () => {
    const { query, seed } = await start({ indexLagMs: 60_000 });
    const [id] = await seed(abc);
    expect((await query("SELECT Id FROM Contact WHERE Email = 'a@x.test'")).records).toEqual([]);
    expect((await query(`SELECT Id FROM Contact WHERE Id = '${id}'`)).totalSize).toBe(1);
  });
});

describe("records", () => {
  it("can be edited one by one", async () => {
    const { rest } = await start();
    const made = await rest<{ id: string }>("POST", "/sobjects/Contact", { LastName: "Hand", FirstName: "By" });
    expect(made.status).toBe(201);
    const path = `/sobjects/Contact/${made.body.id}`;
    expect((await rest("PATCH", path, { Title: "Editor" })).status).toBe(204);
    expect((await rest("GET", path)).body).toMatchObject({ LastName: "Hand", Title: "Editor", Name: "By Hand" });
    const refused = await rest("PATCH", path, { Segment__c: "Whale" });
    expect(refused).toMatchObject({ status: 400, body: [{ errorCode: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" }] });
    expect((await rest("DELETE", path)).status).toBe(204);
    expect((await rest("GET", path)).status).toBe(404);
    expect((await rest("PATCH", path, { Title: "x" })).body).toMatchObject([{ errorCode: "ENTITY_IS_DELETED" }]);
  });

  it("are saved by an external id, made where there is none", async () => {
    const { rest } = await start();
    const path = "/sobjects/Contact/External_Id__c/X%2F1";
    expect((await rest("PATCH", path, { LastName: "One" })).status).toBe(201);
    expect((await rest("PATCH", path, { LastName: "Two" })).status).toBe(200);
    expect((await rest("PATCH", "/sobjects/Contact/Title/x", { LastName: "Two" })).status).toBe(404);
  });

  it("are rolled back with a call that has to succeed as a whole", async () => {
    const { rest, seed, query } = await start();
    const [id] = await seed([{ LastName: "Before" }]);
    const attributes = { type: "Contact" };
    const changes = [
      { attributes, id, LastName: "After" },
      { attributes, id, LastName: null },
    ];
    const { body } = await rest("PATCH", "/composite/sobjects", { allOrNone: true, records: changes });
    expect(body).toMatchObject([
      { success: false, errors: [{ statusCode: "ALL_OR_NONE_OPERATION_ROLLED_BACK" }] },
      { success: false, errors: [{ statusCode: "REQUIRED_FIELD_MISSING" }] },
    ]);
    expect((await query("SELECT LastName FROM Contact")).records).toMatchObject([{ LastName: "Before" }]);
    const fresh = [{ attributes, LastName: "New" }, { attributes }];
    await rest("POST", "/composite/sobjects", { allOrNone: true, records: fresh });
    expect((await query("SELECT COUNT() FROM Contact")).totalSize).toBe(1);
  });

  it("round half away from zero, as the number is written", () => {
    const rounded = [1.005, -1.005, 2.5, 1e21, 0.1 + 0.2, 1e-7].map((number) => roundTo(number, 2));
    expect(rounded).toEqual([1.01, -1.01, 2.5, 1e21, 0.3, 0]);
  });

  it("have ids whose last three characters say which of the others are capitals", () => {
    expect(longId("001A0000006Vm9u")).toBe("001A0000006Vm9uIAC");
  });
});

describe("the server", () => {
  it("names a fault it does not know", async () => {
    await expect(startSandbox({ port: 0, faults: { rates: {} } })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("refuses what the vendor refuses before it looks at records", async () => {
    const { rest, url } = await start();
    expect((await rest("GET", `/query?q=${"x".repeat(16_500)}`)).status).toBe(414);
    expect((await rest("GET", "/composite/sobjects/Contact/External_Id__c")).body).toMatchObject([
      { errorCode: "METHOD_NOT_ALLOWED", message: "HTTP Method 'GET' not allowed. Allowed are PATCH" },
    ]);
    expect((await rest("POST", "/sobjects/Contact", "text")).body).toMatchObject([{ errorCode: "JSON_PARSER_ERROR" }]);
    const ids = Array.from({ length: 2_001 }, () => "003000000000000AAA");
    const many = await rest("POST", "/composite/sobjects/Contact", { ids, fields: ["Id"] });
    expect(many.body).toMatchObject([{ errorCode: "EXCEEDED_ID_LIMIT" }]);
    const answer = await fetch(`${url}/services/data/v67.0/query?q=x`);
    expect([answer.status, await answer.json()]).toMatchObject([401, [{ errorCode: "INVALID_SESSION_ID" }]]);
  });

  it("says the calls used on every answer", async () => {
    const { rest } = await start({ dailyQuota: 500 });
    await rest("GET", "/limits");
    const { headers, body } = await rest("GET", "/limits");
    expect(headers.get("sforce-limit-info")).toBe("api-usage=2/500");
    expect(body).toEqual({ DailyApiRequests: { Max: 500, Remaining: 498 } });
  });

  it("keeps records in a directory, also when it was killed in the middle of a line", async () => {
    const directory = await mkdtemp(join(tmpdir(), "salesforce-"));
    closers.push(() => rm(directory, { recursive: true }));
    const first = await start({}, directory);
    const made = await first.rest<{ id: string }>("POST", "/sobjects/Contact", { LastName: "Kept", Title: "1" });
    const path = `/sobjects/Contact/${made.body.id}`;
    await first.rest("PATCH", path, { Title: "line\nbreak" });
    const file = join(directory, "salesforce.ndjson");
    // Read before it is closed: what was answered has to be on disk already.
    const text = await readFile(file, "utf8");
    expect(text.split("\n")).toHaveLength(3);
    await first.close();
    await writeFile(file, `${text}["Contact",{"Id":"003`);
    const second = await start({}, directory);
    expect((await second.rest("GET", path)).body).toMatchObject({ LastName: "Kept", Title: "line\nbreak" });
    const next = await second.rest<{ id: string }>("POST", "/sobjects/Contact", { LastName: "Next" });
    expect(next.body.id).not.toBe(made.body.id);
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line)[1].LastName)).toEqual(["Kept", "Next"]);
  });
});

import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { PGlite } from "@electric-sql/pglite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type Batch,
  type Change,
  type Destination,
  type Extract,
  type FieldType,
  keyOf,
  type ObservedRecord,
  type Outcome,
  type ReadRequest,
  RecordError,
  type Source,
  TransientError,
} from "../../src/connector/index.ts";
import { testContext } from "../../test/context.ts";
import { type Client, openClient } from "./client.ts";
import { openDestination } from "./destination.ts";
import type { PostgresOptions } from "./index.ts";
import { serverPrograms, startServer } from "./server.ts";
import { openSource } from "./source.ts";

const signal = AbortSignal.timeout(120_000);
const bin = serverPrograms();
const noServer = "no PostgreSQL server is installed under /usr/lib/postgresql";
const context = testContext({ connection: "crm", now: () => 0 });

const create = (n: number, key: string, after: Record<string, string | null>): Change => ({
  action: "create",
  n,
  key: keyOf([key]),
  after,
});
type Texts = Record<string, string | null>;
const update = (n: number, id: string, before: Texts, after: Texts): Change => ({
  action: "update",
  n,
  key: keyOf([id]),
  id,
  before,
  after,
});
const remove = (n: number, id: string, before: Texts): Change => ({
  action: "delete",
  n,
  key: keyOf([id]),
  id,
  before,
});
const status = (outcomes: readonly Outcome[]) => Object.fromEntries(outcomes.map((o) => [o.key, o.status]));

async function write(
  to: Destination,
  changes: readonly Change[],
  { matchOn = ["id"], object = "people" }: { matchOn?: readonly string[]; object?: string } = {},
): Promise<Outcome[]> {
  const [first] = changes;
  if (!first) return [];
  const { fields } = await to.describe(object, signal);
  const types: Record<string, FieldType> = Object.fromEntries(fields.map((f) => [f.name, f.type]));
  const batch: Batch = { object, matchOn, action: first.action, route: "batch", types, changes, id: "b1" };
  const outcomes: Outcome[] = [];
  for await (const receipt of to.write(batch, signal)) if ("outcomes" in receipt) outcomes.push(...receipt.outcomes);
  return outcomes;
}

async function records(from: Destination, request: ReadRequest): Promise<ObservedRecord[]> {
  const all: ObservedRecord[] = [];
  for await (const page of from.read(request, signal)) all.push(...page);
  return all;
}

async function csv(extract: Extract): Promise<string> {
  if (extract.kind !== "csv") return expect.fail(`a ${extract.kind} extract`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of extract.bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

const people = `CREATE TABLE people (id bigint PRIMARY KEY, name varchar(40) NOT NULL, note text DEFAULT '-',
  mood mood, amount numeric(38,8), anything numeric, seen timestamptz, local timestamp, born date, at time, raw bytea,
  doc jsonb, old json, ok boolean, score double precision, small real, code char(4), tags integer[], ref uuid,
  loud text GENERATED ALWAYS AS (upper(name)) STORED, serial integer GENERATED ALWAYS AS IDENTITY)`;

const precious: Texts = {
  name: "quote \" ' back\\slash\nline\t, 😀 é \\N",
  note: "",
  mood: "it's fine",
  amount: "123456789012345678901234567890.12345678",
  anything: "1234567890123456789012345678901234567890.5",
  seen: "9999-12-31T23:59:59.123456Z",
  local: "2026-03-29T02:30:00.000001",
  born: "0001-01-01",
  at: "23:59:59.5",
  raw: "00ff10",
  doc: '{"a": [1, null], "n": 9007199254740993}',
  old: '{"b":1,"a":2}',
  ok: "true",
  score: "0.1",
  small: "0.1",
  code: "ab",
  tags: "{1,2}",
  ref: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
};
/** What the server writes differently, in a form that the engine brings to the same canonical value. */
const asRead: Texts = { ...precious, seen: "9999-12-31 23:59:59.123456+00", local: "2026-03-29 02:30:00.000001" };

const places: readonly { place: string; start(): Promise<{ options: PostgresOptions; stop(): Promise<void> }> }[] = [
  {
    place: "embedded",
    async start() {
      const embedded = await mkdtemp(join(tmpdir(), "ebb-pglite-"));
      await (await PGlite.create({ dataDir: embedded })).close();
      return { options: { embedded }, stop: () => rm(embedded, { recursive: true, force: true }) };
    },
  },
  {
    place: "server",
    async start() {
      const { url, stop } = await startServer(bin ?? "");
      return { options: { url }, stop };
    },
  },
];

describe.each(places)("Postgres, $place", ({ place, start }) => {
  let running: Awaited<ReturnType<typeof start>>;
  let admin: Client;
  let crm: Destination;
  let warehouse: Source;
  const rows = async (sql: string) => (await admin.query(sql, [], signal)).rows.map((row) => Object.values(row));

  beforeAll(async () => {
    if (place === "server" && bin === undefined) return;
    running = await start();
    admin = await openClient(running.options, context);
    crm = await openDestination(running.options, context);
    warehouse = await openSource(running.options, context);
  }, 120_000);
  afterAll(async () => {
    for (const open of [admin, crm, warehouse]) await open?.close?.();
    await running?.stop();
  });
  // What the embedded database has no notion of: accounts, and connections that break.
  const onServer = (name: string, run: () => Promise<void>) => {
    if (place === "server") test(name, run);
  };

  beforeEach(async ({ skip }) => {
    // Where a server must be there, its absence is a failure and no reason to skip.
    if (process.env.EBB_REQUIRE_POSTGRES) expect(bin).toBeDefined();
    skip(place === "server" && bin === undefined, noServer);
    for (const sql of [
      "DROP SCHEMA public CASCADE",
      "CREATE SCHEMA public",
      "CREATE TYPE mood AS ENUM ('sad', 'it''s fine')",
      people,
    ])
      await admin.query(sql, [], signal);
  });
  afterEach(async () => {
    // A table of the last test must not be remembered.
    await crm?.close?.();
    if (running) crm = await openDestination(running.options, context);
  });

  test("a query is described, and its rows come as CSV without loss", async () => {
    await write(crm, [create(0, "9007199254740993", precious), create(1, "2", { name: "n", note: null })]);
    const sql =
      "SELECT id, name, note, amount, anything, seen, born, raw, doc, ok, code, score FROM people ORDER BY id DESC;";
    const columns = await warehouse.describe({ sql }, signal);
    expect(Object.fromEntries(columns.map(({ name, type }) => [name, type]))).toEqual({
      id: { kind: "integer" },
      name: { kind: "text", maxLength: 40 },
      note: { kind: "text" },
      amount: { kind: "decimal", precision: 38, scale: 8 },
      anything: { kind: "text" },
      seen: { kind: "timestamp", digits: 6, zone: true },
      born: { kind: "date" },
      raw: { kind: "bytes" },
      doc: { kind: "json" },
      ok: { kind: "boolean" },
      code: { kind: "text", maxLength: 4 },
      score: { kind: "float" },
    });
    const extract = await warehouse.extract({ sql }, signal);
    expect(extract).toMatchObject({ kind: "csv", columns });
    const text = await csv(extract);
    expect(text).toContain("id,name,note,amount,anything,seen,born,raw,doc,ok,code,score\n");
    expect(text).toContain('9007199254740993,"quote "" \' back\\slash\nline\t, 😀 é \\N","",');
    expect(text).toContain(
      "1234567890123456789012345678901234567890.5,9999-12-31 23:59:59.123456+00,0001-01-01,00ff10,",
    );
    expect(text).toContain('"{""a"": [1, null], ""n"": 9007199254740993}",true,ab,0.1\n');
    expect(text).toContain("2,n,,,,,,,,,,\n");
    expect((await csv(await warehouse.extract({ table: "people" }, signal))).split("\n")[0]).toContain(
      "id,name,note,mood",
    );
  });

  test("DuckDB reads the CSV back", async () => {
    await write(crm, [create(0, "1", precious), create(1, "2", { name: "n", note: null })]);
    const directory = await mkdtemp(join(tmpdir(), "ebb-csv-"));
    const { writeFile } = await import("node:fs/promises");
    await writeFile(join(directory, "x.csv"), await csv(await warehouse.extract({ table: "people" }, signal)));
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    const read = `read_csv('${join(directory, "x.csv")}', header = true, all_varchar = true, allow_quoted_nulls = false)`;
    const { name, note, doc } = precious;
    expect((await connection.runAndReadAll(`SELECT name, note, doc FROM ${read} ORDER BY id`)).getRowsJson()).toEqual([
      [name, note, doc],
      ["n", null, null],
    ]);
    connection.closeSync();
    instance.closeSync();
    await rm(directory, { recursive: true });
  });

  test.each([
    [{ sql: "SELECT * FROM peple" }, /did you mean "people"\?/],
    [{ table: "peple" }, /did you mean "people"\?/],
    [{ sql: "SELECT nam FROM people" }, /"nam" does not exist.*people\.name/],
    [{ sql: "SELEC 1" }, /syntax error/],
    [{ sql: "SELECT 1; SELECT 2" }, /syntax error|multiple commands/],
    [{ sql: "SELECT 1) AS q; DROP TABLE people; SELECT * FROM (SELECT 2" }, /multiple commands/],
    [{ sql: "SELECT 1 AS a, 2 AS a" }, /two columns called "a"/],
    [{ sql: " " }, /empty/],
  ])("a failing query says why: %o", async (query, words) => {
    const failure = { code: "SOURCE_FAILED", message: expect.stringMatching(words) };
    await expect(warehouse.describe(query, signal)).rejects.toMatchObject(failure);
    await expect(warehouse.extract(query, signal)).rejects.toMatchObject(failure);
    expect(await rows("SELECT count(*)::text FROM people")).toEqual([["0"]]);
  });

  test("an error while rows are read does not repeat their values, and nothing can be written", async () => {
    await write(crm, [create(0, "1", { name: "secret-name" })]);
    const failing = await warehouse.extract({ sql: "SELECT name::integer FROM people" }, signal);
    const error: unknown = await csv(failing).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "SOURCE_FAILED", message: expect.stringContaining("22P02") });
    expect(String(error)).not.toContain("secret-name");
    await admin.query(
      "CREATE FUNCTION sneak() RETURNS integer LANGUAGE sql AS 'DELETE FROM people RETURNING 1'",
      [],
      signal,
    );
    await expect(warehouse.extract({ sql: "SELECT sneak() AS s" }, signal).then(csv)).rejects.toMatchObject({
      code: "SOURCE_FAILED",
      message: expect.stringContaining("read-only"),
    });
    expect(await csv(await warehouse.extract({ sql: "SELECT 1 AS a" }, signal))).toBe("a\n1\n");
  });

  test("describes a table, and suggests a name for an unknown one", async () => {
    const described = await crm.describe("people", signal);
    const field = (name: string) => described.fields.find((f) => f.name === name);
    expect(field("id")).toMatchObject({ type: { kind: "integer" }, required: true, createIsIdempotent: "key" });
    expect(field("name")).toMatchObject({ type: { kind: "text", maxLength: 40 }, required: true, matchable: true });
    expect(field("note")).toMatchObject({ required: false, creatable: true });
    expect(field("note")?.createIsIdempotent).toBeUndefined();
    expect(field("mood")).toMatchObject({ options: ["sad", "it's fine"] });
    expect(field("amount")?.type).toEqual({ kind: "decimal", precision: 38, scale: 8 });
    expect(field("loud")).toMatchObject({ creatable: false, updatable: false, required: false });
    expect(field("serial")).toMatchObject({ creatable: false, updatable: false, required: false });
    await expect(crm.describe("peple", signal)).rejects.toMatchObject({
      code: "OBJECT_UNKNOWN",
      message: expect.stringContaining('did you mean "people"?'),
    });
    expect(await crm.account(signal)).toMatch(/^postgres:\d+\/postgres$/);
  });

  test("values survive the round trip by keys, by scan and as columns", async () => {
    const changes = [create(0, "9007199254740993", precious), create(1, "2", { name: "n", note: null })];
    expect(status(await write(crm, changes))).toEqual({ "9007199254740993": "applied", "2": "applied" });
    const fields = Object.keys(precious);
    const read = (...keys: string[]) =>
      records(crm, { object: "people", fields, by: "keys", match: ["id"], keys: keys.map((key) => keyOf([key])) });
    const expected = [{ id: "9007199254740993", fields: asRead }];
    expect(await read("9007199254740993", "404")).toEqual(expected);
    expect(await read("9007199254740993", "not a number")).toEqual(expected);
    const scanned = await records(crm, { object: "people", fields: ["note"], match: ["id"], by: "scan" });
    expect(scanned.map(({ id, fields: { note } }) => [id, note]).sort()).toEqual([
      ["2", null],
      ["9007199254740993", ""],
    ]);
    const extract = await crm.extract?.("people", ["id", "note", "raw"], signal);
    if (!extract) return expect.fail("no extract");
    expect((await csv(extract)).split("\n").sort()).toEqual(["", "2,,", '9007199254740993,"",00ff10', "id,note,raw"]);
  });

  test("every kind of value compares equal to what was written", async () => {
    await write(crm, [create(0, "1", precious)]);
    expect(status(await write(crm, [update(0, "1", precious, { note: "new" })]))).toEqual({ "1": "applied" });
    const written = { ...precious, note: "new", doc: '{"n":9007199254740993,"a":[1,null]}', old: '{"a":2,"b":1}' };
    expect(status(await write(crm, [create(0, "1", written)]))).toEqual({ "1": "applied" });
    for (const name of Object.keys(precious))
      expect([name, status(await write(crm, [update(0, "1", { ...written, [name]: null }, { name: "x" })]))]).toEqual([
        name,
        { "1": "skipped" },
      ]);
  });

  test("a create sent twice is one row; another row with the key is drift", async () => {
    await write(crm, [create(0, "3", { name: "theirs" })]);
    const changes = [create(0, "1", { name: "a" }), create(1, "3", { name: "ours" }), create(2, "4", { name: "d" })];
    const expected = { "1": "applied", "3": "skipped", "4": "applied" };
    expect(status(await write(crm, changes))).toEqual(expected);
    expect(status(await write(crm, changes))).toEqual(expected);
    expect(await rows("SELECT id::text, name FROM people ORDER BY id")).toEqual([
      ["1", "a"],
      ["3", "theirs"],
      ["4", "d"],
    ]);
  });

  test("an update writes its fields alone, and leaves rows that drifted or are gone", async () => {
    await write(crm, [
      create(0, "1", { name: "a", note: "keep" }),
      create(1, "2", { name: "edited" }),
      create(2, "4", { name: "done" }),
      create(3, "5", { name: "e", note: "old" }),
    ]);
    const outcomes = await write(crm, [
      update(0, "1", { name: "a" }, { name: "b" }),
      update(1, "2", { name: "b" }, { name: "c" }),
      update(2, "3", { name: "b" }, { name: "c" }),
      update(3, "4", { name: "before" }, { name: "done" }),
      update(4, "5", { note: "old" }, { note: null }),
    ]);
    expect(status(outcomes)).toEqual({
      "1": "applied",
      "2": "skipped",
      "3": "skipped",
      "4": "applied",
      "5": "applied",
    });
    expect(await rows("SELECT id::text, name, note FROM people ORDER BY id")).toEqual([
      ["1", "b", "keep"],
      ["2", "edited", "-"],
      ["4", "done", "-"],
      ["5", "e", null],
    ]);
  });

  test("a delete leaves drifted rows, and one already gone is applied", async () => {
    await write(crm, [
      create(0, "1", { name: "a" }),
      create(1, "2", { name: "edited" }),
      create(2, "5", { name: "e" }),
    ]);
    const changes = [remove(0, "1", { name: "a" }), remove(1, "2", { name: "b" }), remove(2, "3", { name: "c" })];
    expect(status(await write(crm, changes))).toEqual({ "1": "applied", "2": "skipped", "3": "applied" });
    expect(await rows("SELECT id::text FROM people ORDER BY id")).toEqual([["2"], ["5"]]);
  });

  test.each([
    ["a value of the wrong type", { name: "x", amount: "much" }, "22P02", "amount"],
    ["a value that is too long", { name: "x".repeat(41) }, "22001", "name"],
    ["a missing required value", { name: null }, "23502", "name"],
    ["a value not in the list", { name: "x", mood: "glad" }, "22P02", "mood"],
    ["a NUL character", { name: "a\u0000b" }, "22021", undefined],
  ])("%s refuses the batch, and nothing of it is written", async (_, after, vendorCode, field) => {
    const error: unknown = await write(crm, [create(0, "1", { name: "good" }), create(1, "2", after)]).catch((e) => e);
    expect(error).toBeInstanceOf(RecordError);
    expect(error).toMatchObject({ code: "RECORD_REJECTED", vendorCode, field });
    expect(await rows("SELECT count(*)::text FROM people")).toEqual([["0"]]);
    expect(status(await write(crm, [create(0, "1", { name: "good" })]))).toEqual({ "1": "applied" });
  });

  test("another unique constraint refuses the record with its name", async () => {
    await admin.query("CREATE UNIQUE INDEX one_name ON people (name)", [], signal);
    await write(crm, [create(0, "1", { name: "a" })]);
    await expect(write(crm, [create(0, "2", { name: "a" })])).rejects.toMatchObject({
      vendorCode: "23505",
      field: "one_name",
    });
  });

  test("composite keys, tables without a unique key, quoted names and other schemas", async () => {
    const object = "odd.Pairs";
    for (const sql of [
      "DROP SCHEMA IF EXISTS odd CASCADE",
      "CREATE SCHEMA odd",
      'CREATE TABLE odd."Pairs" ("A ""q" text, b integer, v text)',
      `INSERT INTO odd."Pairs" VALUES ('x', 1, 'one'), ('x', 2, 'two'), ('y', 1, 'p'), ('y', 1, 'p')`,
    ])
      await admin.query(sql, [], signal);
    const matchOn = ['A "q', "b"];
    const key = (a: string, b: string) => keyOf([a, b]);
    const at = (n: number, a: string, b: string, v: string) => update(n, key(a, b), { v }, { v: `${v}!` });
    const updated = await write(crm, [at(0, "x", "1", "one"), at(1, "y", "1", "p")], { object, matchOn });
    expect(updated).toMatchObject([{ status: "applied" }, { status: "rejected", code: "AMBIGUOUS" }]);
    const fresh: Change = { ...create(0, "", { v: "new" }), key: key("z", "9") } as Change;
    expect(status(await write(crm, [fresh], { object, matchOn }))).toEqual({ '["z","9"]': "applied" });
    expect(status(await write(crm, [fresh], { object, matchOn }))).toEqual({ '["z","9"]': "applied" });
    const keys = [key("x", "1"), key("x", "3"), key("z", "9")];
    const found = await records(crm, { object, fields: ["v"], by: "keys", match: matchOn, keys });
    expect(found.sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
      { id: '["x","1"]', fields: { v: "one!" } },
      { id: '["z","9"]', fields: { v: "new" } },
    ]);
    expect(await rows('SELECT v FROM odd."Pairs" ORDER BY v')).toEqual([["new"], ["one!"], ["p"], ["p"], ["two"]]);
  });

  test("a large batch and pages of a scan", async () => {
    const changes = Array.from({ length: 10_000 }, (_, n) => create(n, String(n), { name: `n${n}` }));
    expect(new Set((await write(crm, changes)).map((o) => o.status))).toEqual(new Set(["applied"]));
    await write(crm, [create(0, "10000", { name: "last" })]);
    const seen = await records(crm, { object: "people", fields: ["name"], match: ["id"], by: "scan" });
    expect(new Set(seen.map(({ id }) => id)).size).toBe(10_001);
    for await (const _ of crm.read({ object: "people", fields: ["name"], match: ["id"], by: "scan" }, signal)) break;
    expect(await rows("SELECT count(*)::text FROM people")).toEqual([["10001"]]);
  });

  test("an unknown field is named, and an aborted signal stops it", async () => {
    await expect(records(crm, { object: "people", fields: ["nam"], match: ["id"], by: "scan" })).rejects.toMatchObject({
      code: "FIELD_UNKNOWN",
      message: expect.stringContaining('did you mean "name"?'),
    });
    await expect(crm.describe("people", AbortSignal.abort())).rejects.toThrow(/abort/i);
  });

  onServer("refused credentials and missing permissions", async () => {
    const { url = "" } = running.options;
    const wrong = await openDestination({ url: url.replace("test-password", "wrong-password") }, context);
    const error: unknown = await wrong.describe("people", signal).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "AUTH_REFUSED", effect: "auth" });
    expect(String(error)).not.toContain("wrong-password");
    await wrong.close?.();

    for (const sql of [
      "DROP ROLE IF EXISTS poor",
      "CREATE ROLE poor LOGIN PASSWORD 'p'",
      "GRANT USAGE ON SCHEMA public TO poor",
    ])
      await admin.query(sql, [], signal);
    const { hostname, port } = new URL(url);
    const login = { host: hostname, port: Number(port), user: "poor", password: "p", database: "postgres" };
    const poor = await openDestination(login, context);
    expect((await poor.describe("people", signal)).fields[0]).toMatchObject({ creatable: false, updatable: false });
    await expect(write(poor, [create(0, "1", { name: "a" })])).rejects.toMatchObject({ code: "ACCESS_DENIED" });
    await poor.close?.();
  });

  onServer("an abort cancels what the server is doing", async () => {
    const abort = new AbortController();
    const slow = admin.query("SELECT pg_sleep(60)::text", [], abort.signal).catch((e: unknown) => e);
    const running = async (): Promise<boolean> =>
      (await rows("SELECT 1::text FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"))
        .length > 0;
    while (!(await running()));
    abort.abort();
    expect(await slow).toMatchObject({ name: "AbortError" });
    expect(await running()).toBe(false);
  });

  onServer("a broken connection is transient, and the next call makes a new one", async () => {
    const slow = warehouse
      .extract({ sql: "SELECT pg_sleep(60)::text AS s" }, signal)
      .then(csv)
      .catch((e: unknown) => e);
    const kill =
      "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE query LIKE 'COPY%pg_sleep%' AND pid <> pg_backend_pid()";
    while ((await rows(kill)).length === 0);
    expect(await slow).toBeInstanceOf(TransientError);
    expect(await csv(await warehouse.extract({ sql: "SELECT 1 AS a" }, signal))).toBe("a\n1\n");
  });

  onServer("a connection that breaks before the commit has sent nothing", async () => {
    let release = () => {};
    let lock: Promise<void> | undefined;
    await new Promise<void>((locked) => {
      lock = admin.transaction(async (tx) => {
        await tx.query("LOCK TABLE people IN ACCESS EXCLUSIVE MODE");
        await new Promise<void>((released) => {
          release = released;
          locked();
        });
      }, signal);
    });
    const { url = "" } = running.options;
    const other = await openDestination({ url }, context);
    const batch: Batch = {
      object: "people",
      matchOn: ["id"],
      action: "create",
      route: "batch",
      types: {},
      changes: [create(0, "1", { name: "a" })],
      id: "b",
    };
    const failing = (async () => {
      for await (const _ of other.write(batch, signal));
    })().catch((e: unknown) => e);
    const kill =
      "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'COPY %'";
    while ((await rows(kill)).length === 0);
    expect(await failing).toMatchObject({ effect: "transient", unsent: true });
    release();
    await lock;
    await other.close?.();
    expect(await rows("SELECT count(*)::text FROM people")).toEqual([["0"]]);
  });

  test("a trigger that refuses a row rejects the record", async () => {
    for (const sql of [
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
      "CREATE TRIGGER refuse BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION refuse()",
    ])
      await admin.query(sql, [], signal);
    const failing = write(crm, [create(0, "1", { name: "a" })]);
    await expect(failing).rejects.toMatchObject({ code: "RECORD_REJECTED", vendorCode: "P0001" });
  });
});

test("a server that is not there is a network error, with nothing sent", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) return expect.fail("no address");
  const gone = await openDestination({ host: "127.0.0.1", port: address.port, user: "u", database: "d" }, context);
  await expect(gone.describe("people", signal)).rejects.toMatchObject({ code: "NETWORK", unsent: true });
  await gone.close?.();
});

test("a connection names exactly one place, and an embedded database must be there", async () => {
  await expect(openSource({}, context)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await expect(openSource({ host: "h", embedded: "x" }, context)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await expect(openSource({ embedded: "/nowhere" }, context)).rejects.toMatchObject({ code: "FILE_MISSING" });
});

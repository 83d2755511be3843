import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Batch,
  type Change,
  type ConfigError,
  type Destination,
  type Extract,
  type FieldType,
  keyOf,
  type ObservedRecord,
  type Outcome,
  type ReadRequest,
  RecordError,
  type Source,
} from "../../src/connector/index.ts";
import { testContext } from "../../test/context.ts";
import { openDestination } from "./destination.ts";
import { openSource } from "./source.ts";

const signal = AbortSignal.timeout(60_000);
const closers: (() => Promise<void> | undefined)[] = [];
let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ebb-duckdb-test-"));
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await rm(directory, { recursive: true, force: true });
});

const context = testContext({
  connection: "warehouse",
  path: (relative) => join(directory, relative),
  scratch: async () => directory,
  now: () => Date.UTC(2026, 0, 1),
});

async function database(...statements: string[]): Promise<string> {
  await execute("db.duckdb", ...statements);
  return "db.duckdb";
}

async function execute(file: string, ...statements: string[]): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(file === ":memory:" ? file : join(directory, file));
  const connection = await instance.connect();
  let rows: unknown[][] = [];
  for (const statement of statements) rows = (await connection.runAndReadAll(statement)).getRowsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

async function source(path?: string): Promise<Source> {
  const opened = await openSource(path === undefined ? {} : { path }, context);
  closers.push(() => opened.close?.());
  return opened;
}

async function destination(path: string): Promise<Destination> {
  const opened = await openDestination({ path }, context);
  closers.push(() => opened.close?.());
  return opened;
}

/** Reads a relation as the staging engine does: setup, then a subquery, next to fully qualified tables of its own. */
async function stage(extract: Extract, select = "*"): Promise<unknown[][]> {
  if (extract.kind !== "relation") return expect.fail(`a ${extract.kind} extract`);
  return execute(
    ":memory:",
    "ATTACH ':memory:' AS staging",
    "CREATE TABLE staging.main.customers (trap INTEGER)",
    "USE staging",
    ...extract.setup,
    ...extract.setup,
    `CREATE TABLE staging.main.rows AS SELECT * FROM (${extract.sql})`,
    `SELECT ${select} FROM staging.main.rows`,
  );
}

async function records(from: Destination, request: ReadRequest): Promise<ObservedRecord[]> {
  const all: ObservedRecord[] = [];
  for await (const page of from.read(request, signal)) all.push(...page);
  return all;
}

async function write(
  to: Destination,
  changes: readonly Change[],
  matchOn: readonly string[] = ["id"],
  object = "people",
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

const create = (n: number, key: string, after: Record<string, string | null>): Change => ({
  action: "create",
  n,
  key: keyOf([key]),
  after,
});
const update = (
  n: number,
  id: string,
  before: Record<string, string | null>,
  after: Record<string, string | null>,
): Change => ({ action: "update", n, key: keyOf([id]), id, before, after });
const remove = (n: number, id: string, before: Record<string, string | null>): Change => ({
  action: "delete",
  n,
  key: keyOf([id]),
  id,
  before,
});
const status = (outcomes: readonly Outcome[]) => Object.fromEntries(outcomes.map((o) => [o.key, o.status]));

describe("DuckDB as a source", () => {
  test("unqualified names of a query resolve in the staging engine", async () => {
    const path = await database(
      "CREATE TABLE customers AS SELECT 9007199254740993::BIGINT AS id, '12.50'::DECIMAL(10,2) AS ltv",
      "CREATE SCHEMA crm",
      "CREATE TABLE crm.leads AS SELECT 'x' AS name",
    );
    const warehouse = await source(path);
    const query = { sql: "SELECT id, ltv FROM customers; " };
    expect(await warehouse.describe(query, signal)).toEqual([
      { name: "id", type: { kind: "integer" } },
      { name: "ltv", type: { kind: "decimal", precision: 10, scale: 2 } },
    ]);
    expect(await stage(await warehouse.extract(query, signal))).toEqual([["9007199254740993", "12.50"]]);
    expect(await stage(await warehouse.extract({ table: "customers" }, signal), "id")).toEqual([["9007199254740993"]]);
    expect(await stage(await warehouse.extract({ table: "crm.leads" }, signal))).toEqual([["x"]]);
    expect(await stage(await warehouse.extract({ sql: "SELECT 1 AS a -- note" }, signal))).toEqual([[1]]);
  });

  test("two databases in one staging engine keep their own tables", async () => {
    await execute("a.duckdb", "CREATE TABLE customers AS SELECT 'a' AS of");
    await execute("b.duckdb", "CREATE TABLE customers AS SELECT 'b' AS of");
    const a = await (await source("a.duckdb")).extract({ table: "customers" }, signal);
    const b = await (await source("b.duckdb")).extract({ table: "customers" }, signal);
    if (a.kind !== "relation" || b.kind !== "relation") return expect.fail("not relations");
    expect(await stage({ ...b, setup: [...a.setup, ...b.setup] })).toEqual([["b"]]);
    expect(await stage({ ...a, setup: [...a.setup, ...b.setup, ...a.setup] })).toEqual([["a"]]);
  });

  test("data files are read by their extension, and null stays apart from the empty string", async () => {
    await mkdir(join(directory, "data"));
    await writeFile(join(directory, "data/a.csv"), 'id,name\n1,\n2,""\n3,"x,""y""\nz"\n');
    await writeFile(join(directory, "data/b.csv"), "id,name\n4,d\n");
    await writeFile(join(directory, "c.tsv"), "id\tname\n5\te\n");
    await writeFile(join(directory, "d.ndjson"), '{"id":9007199254740993,"tags":["a"]}\n');
    await execute(":memory:", `COPY (SELECT 1::DECIMAL(38,9) AS d) TO '${join(directory, "e.parquet")}'`);
    const files = await source();
    const read = async (file: string, select?: string) => stage(await files.extract({ file }, signal), select);
    expect(await read("data/*.csv")).toEqual([
      ["1", null],
      ["2", ""],
      ["3", 'x,"y"\nz'],
      ["4", "d"],
    ]);
    expect(await read("c.tsv")).toEqual([["5", "e"]]);
    expect(await read("d.ndjson")).toEqual([["9007199254740993", ["a"]]]);
    expect(await read("e.parquet")).toEqual([["1.000000000"]]);
    expect(await files.describe({ file: "d.ndjson" }, signal)).toEqual([
      { name: "id", type: { kind: "integer" } },
      { name: "tags", type: { kind: "json" } },
    ]);
    expect(await stage(await files.extract({ sql: "SELECT id FROM 'c.tsv'" }, signal))).toEqual([["5"]]);
  });

  test("a missing file or database names its path", async () => {
    const missing = { code: "FILE_MISSING", message: expect.stringContaining(join(directory, "none.")) };
    await expect(openSource({ path: "none.duckdb" }, context)).rejects.toMatchObject(missing);
    await expect((await source()).extract({ file: "none.csv" }, signal)).rejects.toMatchObject(missing);
    await expect((await source()).extract({ file: "data.xyz" }, signal)).rejects.toMatchObject({
      code: "FILE_MISSING",
    });
  });

  test.each([
    ["SELECT * FROM custmers", /Did you mean "customers"/],
    ["SELECT idd FROM customers", /"id"/],
    ["SELEC 1", /syntax error/],
    ["SELECT 1; SELECT 2", /2 statements/],
    ["DELETE FROM customers", /not/],
    ["COPY customers TO 'out.csv'", /not/],
    ["SELECT 1) AS a, (SELECT 2", /syntax error/],
    ["SELECT ?", /no parameters/],
    ["  ", /empty/],
  ])("a query that is not one readable SELECT fails: %s", async (sql, words) => {
    const warehouse = await source(await database("CREATE TABLE customers AS SELECT 1 AS id"));
    const error = await warehouse.extract({ sql }, signal).catch((e: ConfigError) => e);
    expect(error).toMatchObject({ code: "SOURCE_FAILED", message: expect.stringMatching(words) });
    await expect(warehouse.describe({ sql }, signal)).rejects.toMatchObject({ code: "SOURCE_FAILED" });
  });

  test("an aborted signal stops it", async () => {
    const warehouse = await source(await database("CREATE TABLE customers AS SELECT 1 AS id"));
    await expect(warehouse.describe({ table: "customers" }, AbortSignal.abort())).rejects.toThrow(/abort/i);
  });
});

const people = `CREATE TABLE people (id BIGINT PRIMARY KEY, name VARCHAR NOT NULL, note VARCHAR DEFAULT '-',
  mood ENUM ('sad', 'it''s fine'), amount DECIMAL(38,8), seen TIMESTAMPTZ, born DATE, raw BLOB, doc JSON, ok BOOLEAN,
  score DOUBLE, tags INTEGER[], big HUGEINT, loud VARCHAR GENERATED ALWAYS AS (upper(name)))`;

describe("DuckDB as a destination", () => {
  test("describes a table, and suggests a name for an unknown one", async () => {
    const crm = await destination(await database(people, "INSERT INTO people (id, name) VALUES (1, 'a')"));
    const described = await crm.describe("people", signal);
    expect(described.recordCount).toBe(1);
    const field = (name: string) => described.fields.find((f) => f.name === name);
    expect(field("id")).toMatchObject({ type: { kind: "integer" }, required: true, createIsIdempotent: "key" });
    expect(field("name")).toMatchObject({ required: true, matchable: true });
    expect(field("name")?.createIsIdempotent).toBeUndefined();
    expect(field("note")).toMatchObject({ required: false, creatable: true });
    expect(field("mood")).toMatchObject({ type: { kind: "text" }, options: ["sad", "it's fine"] });
    expect(field("loud")).toMatchObject({ creatable: false, updatable: false });
    await expect(crm.describe("peple", signal)).rejects.toMatchObject({
      code: "OBJECT_UNKNOWN",
      message: expect.stringContaining('did you mean "people"?'),
    });
    expect(await crm.account(signal)).toBe(`duckdb:${join(directory, "db.duckdb")}`);
  });

  test.each([
    ["none", "a INTEGER, b INTEGER", []],
    [
      "a primary key of two columns, and another constraint on one of them",
      "a INTEGER UNIQUE, b INTEGER, PRIMARY KEY (a, b)",
      ["a"],
    ],
    [
      "a primary key, and a constraint of two columns",
      "a INTEGER PRIMARY KEY, b INTEGER, c INTEGER, UNIQUE (b, c)",
      ["a"],
    ],
    ["a constraint alone", "a INTEGER, b INTEGER UNIQUE", ["b"]],
  ])("a create is repeatable by a column that is unique by itself: %s", async (_, columns, wanted) => {
    const crm = await destination(
      await database('CREATE SCHEMA "odd""one"', `CREATE TABLE "odd""one"."a ""table" (${columns})`),
    );
    const { fields } = await crm.describe('odd"one.a "table', signal);
    expect(fields.filter((f) => f.createIsIdempotent === "key").map((f) => f.name)).toEqual(wanted);
  });

  test.each(["db.duckdb", "memory.duckdb", "two.dots.duckdb"])(
    "a file of any name, with what it says of itself: %s",
    async (file) => {
      const catalog = file === "memory.duckdb" ? "" : `${file.split(".")[0]}.main.`;
      // No other engine would open a file that is called so.
      await execute("made.duckdb", "CREATE SEQUENCE numbers", "CREATE TABLE people (id BIGINT PRIMARY KEY, n BIGINT)");
      await rename(join(directory, "made.duckdb"), join(directory, file));
      if (catalog) await execute(file, `ALTER TABLE people ALTER n SET DEFAULT nextval('${catalog}numbers')`);
      const crm = await destination(file);
      expect(status(await write(crm, [create(0, "1", { id: "1" })]))).toEqual({ "1": "applied" });
      const all = { object: "people", fields: ["n"], match: ["id"], by: "scan" } as const;
      expect(await records(crm, all)).toEqual([{ id: "1", fields: { n: catalog ? "1" : null } }]);
    },
  );

  test("a view is no table", async () => {
    const crm = await destination(await database(people, "CREATE VIEW folk AS SELECT * FROM people"));
    await expect(crm.describe("folk", signal)).rejects.toMatchObject({ code: "OBJECT_UNKNOWN" });
  });

  const precious = {
    name: "quote \" ' back\\slash\nline, 😀 é",
    note: "",
    mood: "it's fine",
    amount: "123456789012345678901234567890.12345678",
    seen: "9999-12-31T23:59:59.123456Z",
    born: "0001-01-01",
    raw: "00ff10",
    doc: '{"a":[1,null],"b":"x"}',
    ok: "true",
    score: "0.1",
    tags: "[1,2]",
    big: null,
  };
  const names = Object.keys(precious);

  test("values survive the round trip by keys, by scan and as columns", async () => {
    const crm = await destination(await database(people));
    const changes = [create(0, "9007199254740993", precious), create(1, "2", { name: "n", note: null })];
    expect(status(await write(crm, changes))).toEqual({ "9007199254740993": "applied", "2": "applied" });
    const keys = [keyOf(["9007199254740993"]), keyOf(["404"]), keyOf(["not a number"])];
    const byKey = await records(crm, { object: "people", fields: ["id", ...names], by: "keys", match: ["id"], keys });
    expect(byKey).toEqual([{ id: "9007199254740993", fields: { id: "9007199254740993", ...precious } }]);
    const scanned = await records(crm, { object: "people", fields: ["note"], match: ["id"], by: "scan" });
    expect(scanned.map(({ id, fields }) => [id, fields.note]).sort()).toEqual([
      ["2", null],
      ["9007199254740993", ""],
    ]);
    const extract = await crm.extract?.("people", ["id", "amount", "doc", "raw", "note"], signal);
    if (extract?.kind !== "relation") return expect.fail("no relation");
    const rows = await execute(
      ":memory:",
      `SELECT id, amount, doc, lower(hex(raw)), note FROM (${extract.sql}) ORDER BY 1`,
    );
    expect(rows[1]).toEqual(["9007199254740993", precious.amount, precious.doc, precious.raw, ""]);
  });

  test("a scan that another statement cuts short is an error, not fewer rows", async () => {
    const crm = await destination(
      await database(people, "INSERT INTO people (id, name) SELECT range, 'a' FROM range(20000)"),
    );
    const scan = crm.read({ object: "people", fields: ["name"], match: ["id"], by: "scan" }, signal);
    const pages = scan[Symbol.asyncIterator]();
    expect((await pages.next()).done).toBe(false);
    await crm.describe("people", signal);
    const rest = async () => {
      while (!(await pages.next()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: "ANSWER_INVALID", effect: "transient" });
  });

  test("a create sent twice is one row; another row with the key is drift", async () => {
    const crm = await destination(await database(people, "INSERT INTO people (id, name) VALUES (3, 'theirs')"));
    const changes = [create(0, "1", { name: "a" }), create(1, "3", { name: "ours" })];
    expect(status(await write(crm, changes))).toEqual({ "1": "applied", "3": "skipped" });
    expect(status(await write(crm, changes))).toEqual({ "1": "applied", "3": "skipped" });
    await crm.close?.();
    expect(await execute("db.duckdb", "SELECT id, name FROM people ORDER BY id")).toEqual([
      ["1", "a"],
      ["3", "theirs"],
    ]);
  });

  test("an update writes its fields alone, and leaves rows that drifted or are gone", async () => {
    const rows =
      "(1, 'a', '{\"y\": 1, \"x\": 2}', 1.5, 'keep'), (2, 'edited', NULL, 1, '-'), (4, 'done', NULL, 1, '-')";
    const crm = await destination(
      await database(people, `INSERT INTO people (id, name, doc, amount, note) VALUES ${rows}`),
    );
    const outcomes = await write(crm, [
      update(0, "1", { name: "a", doc: '{"x":2,"y":1}', amount: "1.50000000" }, { name: "b" }),
      update(1, "2", { name: "b" }, { name: "c" }),
      update(2, "3", { name: "b" }, { name: "c" }),
      update(3, "4", { name: "before" }, { name: "done" }),
    ]);
    expect(status(outcomes)).toEqual({ "1": "applied", "2": "skipped", "3": "skipped", "4": "applied" });
    await crm.close?.();
    expect(await execute("db.duckdb", "SELECT id, name, note FROM people ORDER BY id")).toEqual([
      ["1", "b", "keep"],
      ["2", "edited", "-"],
      ["4", "done", "-"],
    ]);
  });

  test("a delete leaves drifted rows, and one already gone is applied", async () => {
    const crm = await destination(
      await database(people, "INSERT INTO people (id, name) VALUES (1, 'a'), (2, 'edited'), (5, 'other')"),
    );
    const changes = [remove(0, "1", { name: "a" }), remove(1, "2", { name: "b" }), remove(2, "3", { name: "c" })];
    expect(status(await write(crm, changes))).toEqual({ "1": "applied", "2": "skipped", "3": "applied" });
    await crm.close?.();
    expect(await execute("db.duckdb", "SELECT id FROM people ORDER BY id")).toEqual([["2"], ["5"]]);
  });

  test.each([
    ["a value of the wrong type", { name: "x", amount: "much" }, "CONVERSION", undefined],
    ["a missing required value", { name: null }, "CONSTRAINT", "name"],
  ])("%s refuses the batch, and nothing of it is written", async (_, after, vendorCode, field) => {
    const crm = await destination(await database(people));
    const failed = write(crm, [create(0, "1", { name: "good" }), create(1, "2", after)]);
    const error = await failed.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RecordError);
    expect(error).toMatchObject({ code: "RECORD_REJECTED", vendorCode, field });
    expect(await records(crm, { object: "people", fields: ["id"], match: ["id"], by: "scan" })).toEqual([]);
    expect(status(await write(crm, [create(0, "1", { name: "good" })]))).toEqual({ "1": "applied" });
  });

  test("composite keys and keys of two rows", async () => {
    const crm = await destination(
      await database(
        "CREATE TABLE pairs (a VARCHAR, b INTEGER, v VARCHAR)",
        "INSERT INTO pairs VALUES ('x', 1, 'one'), ('x', 2, 'two'), ('y', 1, 'p'), ('y', 1, 'q')",
      ),
    );
    const key = (a: string, b: string) => keyOf([a, b]);
    const at = (n: number, a: string, b: string, v: string) => update(n, key(a, b), { v }, { v: `${v}!` });
    const outcomes = await write(crm, [at(0, "x", "1", "one"), at(1, "y", "1", "p")], ["a", "b"], "pairs");
    expect(outcomes).toMatchObject([{ status: "applied" }, { status: "rejected", code: "AMBIGUOUS" }]);
    const keys = [key("x", "1"), key("x", "3")];
    expect(await records(crm, { object: "pairs", fields: ["v"], by: "keys", match: ["a", "b"], keys })).toEqual([
      { id: '["x","1"]', fields: { v: "one!" } },
    ]);
  });

  test("an unknown column is named, and a destination needs a database that is there", async () => {
    const crm = await destination(await database(people));
    await expect(records(crm, { object: "people", fields: ["nam"], match: ["id"], by: "scan" })).rejects.toMatchObject({
      code: "FIELD_UNKNOWN",
      message: expect.stringContaining('did you mean "name"?'),
    });
    await expect(openDestination({ path: "none.duckdb" }, context)).rejects.toMatchObject({ code: "FILE_MISSING" });
    await expect(openDestination({}, context)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("close releases the file and removes the snapshots", async () => {
    const crm = await destination(await database(people));
    const extract = await crm.extract?.("people", ["id"], signal);
    const file = extract?.kind === "relation" ? (/'(.*)'/.exec(extract.sql)?.[1] ?? "") : "";
    expect(existsSync(file)).toBe(true);
    await write(crm, [create(0, "1", { name: "a" })]);
    await crm.close?.();
    expect(existsSync(file)).toBe(false);
    expect(existsSync(join(directory, "db.duckdb.wal"))).toBe(false);
    expect(await execute("db.duckdb", "SELECT count(*) FROM people")).toEqual([["1"]]);
  });
});

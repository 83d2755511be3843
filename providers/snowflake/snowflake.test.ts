import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, describe, expect, it, test } from "vitest";
import { type Context, EbbError, type Extract, isSecret, type Query, type Source } from "../../src/connector/index.ts";
import { testContext } from "../../test/context.ts";
import { meaningOf } from "./errors.ts";
import snowflake from "./index.ts";
import type { Statement } from "./sandbox/wire/queries.ts";
import { startSandbox } from "./sandbox.ts";

const signal = AbortSignal.timeout(300_000);
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Stats {
  readonly logins: number;
  readonly renewals: number;
  readonly openSessions: number;
  readonly cancels: number;
  readonly chunks: number;
  readonly telemetry: number;
  readonly statements: readonly Statement[];
}

/** A connection to a new sandbox, with the table `t`. */
async function connect(
  setup: { faults?: object; options?: Record<string, unknown>; seed?: string; context?: Partial<Context> } = {},
) {
  const sandbox = await startSandbox({ port: 0, faults: { ...setup.faults } });
  closers.push(() => sandbox.close());
  const ask = async <T>(path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${sandbox.url}/__sandbox/${path}`, {
      method: body === undefined ? "GET" : "POST",
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    if (!answer.ok) throw new TypeError(await answer.text());
    return (await answer.json()) as T;
  };
  const scratch = await mkdtemp(join(tmpdir(), "ebb-test-"));
  closers.push(() => rm(scratch, { recursive: true, force: true }));
  const { account, user, token } = sandbox.credentials;
  const open = async (options: Record<string, unknown> = { token }): Promise<Source> => {
    const complete = { account, user, largeResultRows: 500_000, baseUrl: sandbox.url, ...options };
    const context = testContext({ connection: "warehouse", scratch: async () => scratch, ...setup.context });
    const source = await snowflake.source?.open(complete as never, context);
    if (!source) throw new TypeError("no source");
    closers.push(async () => source.close?.());
    return source;
  };
  await ask(
    "sql",
    setup.seed ??
      "CREATE TABLE t AS SELECT SEQ4() AS id, 'row ' || SEQ4() AS name FROM TABLE(GENERATOR(ROWCOUNT => 20))",
  );
  const source = await open({ token, ...setup.options });
  const faults = (given: object) => ask("faults", given);
  return { sandbox, source, open, ask, faults, scratch, stats: () => ask<Stats>("stats") };
}

/** All rows, by column. */
async function read(source: Source, query: Query | string, until = signal): Promise<Record<string, (string | null)[]>> {
  const extract = await source.extract(typeof query === "string" ? { sql: query } : query, until);
  return collect(extract);
}

async function collect(extract: Extract): Promise<Record<string, (string | null)[]>> {
  if (extract.kind !== "text") throw new TypeError(`rows came as ${extract.kind}`);
  const all: Record<string, (string | null)[]> = Object.fromEntries(extract.columns.map(({ name }) => [name, []]));
  for await (const batch of extract.batches)
    for (const [name, values] of Object.entries(batch)) all[name]?.push(...values);
  return all;
}

async function failure(work: Promise<unknown>): Promise<EbbError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof EbbError)) return expect.fail(`not an error with a code: ${error}`);
  expect(error.message).toContain("warehouse");
  return error;
}

const keys = (passphrase?: string) => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const secret = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
  return {
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
    privateKey: privateKey.export({ type: "pkcs8", format: "pem", ...secret } as never).toString(),
  };
};

describe("logging in", () => {
  const works = async (source: Source) =>
    expect(await read(source, "SELECT CURRENT_USER() AS who")).toEqual({ who: ["EBB"] });

  it("by key pair, plain, encrypted, and in one line", async () => {
    const plain = keys();
    const { open, faults } = await connect({ faults: { publicKey: plain.publicKey } });
    await works(await open({ privateKey: plain.privateKey }));
    await works(await open({ privateKey: plain.privateKey.replaceAll("\n", "\\n") }));
    const encrypted = keys("open sesame");
    await faults({ publicKey: encrypted.publicKey });
    await works(await open({ privateKey: encrypted.privateKey, passphrase: "open sesame" }));
    for (const wrong of [
      { privateKey: plain.privateKey },
      { privateKey: encrypted.privateKey, passphrase: "wrong" },
      { privateKey: encrypted.privateKey },
    ]) {
      const error = await failure(read(await open(wrong), "SELECT 1"));
      expect(error).toMatchObject({ code: "AUTH_REFUSED", effect: "auth" });
      expect(error.message).not.toContain("PRIVATE KEY");
    }
  });

  it("by password, programmatic token and OAuth token", async () => {
    const { open } = await connect();
    for (const [option, right] of [
      ["password", "ebb-sandbox-password"],
      ["token", "ebb-sandbox-token"],
      ["oauthToken", "ebb-sandbox-oauth-token"],
    ] as const) {
      await works(await open({ [option]: right }));
      const error = await failure(read(await open({ [option]: "wrong-secret" }), "SELECT 1"));
      expect(error, option).toMatchObject({ code: "AUTH_REFUSED", effect: "auth" });
      expect(error.message).not.toContain("wrong-secret");
    }
  });

  it("as a workload, by an OIDC token", async () => {
    process.env.SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES = "127.0.0.1";
    const { open } = await connect();
    await works(await open({ workloadIdentity: "OIDC", oidcToken: "ebb-sandbox-oidc-token" }));
    expect(await failure(read(await open({ workloadIdentity: "OIDC", oidcToken: "no" }), "SELECT 1"))).toMatchObject({
      code: "AUTH_REFUSED",
    });
  });

  it("with a browser only where somebody is", async () => {
    const { open, stats } = await connect();
    const error = await failure(read(await open({ externalBrowser: true }), "SELECT 1"));
    expect(error).toMatchObject({ code: "CONFIG_INVALID", effect: "config" });
    expect(error.next).toContain("privateKey");
    expect((await stats()).logins).toBe(0);
  });

  it("names a role that is not granted, and an account that is not there", async () => {
    const { open, faults } = await connect({ faults: { roles: ["EBB_READER"] } });
    const token = "ebb-sandbox-token";
    await works(await open({ token, role: "ebb_reader" }));
    const role = await failure(read(await open({ token, role: "NOBODY" }), "SELECT 1"));
    expect(role).toMatchObject({ code: "ACCESS_DENIED", effect: "auth" });
    expect(role.message).toContain("NOBODY");
    await faults({ failNext: [{ match: "login-request", status: 404, body: "<html></html>" }] });
    expect(await failure(read(await open(), "SELECT 1"))).toMatchObject({ code: "CONFIG_INVALID" });
    const shape = await failure(read(await open({ token, account: "not an account" }), "SELECT 1"));
    expect(shape).toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("takes the sandbox's own credentials before those declared, which are not resolved there", async () => {
    const { open } = await connect();
    await works(await open({ token: "ebb-sandbox-token", privateKey: "env:NOT_SET", passphrase: "env:NOT_SET" }));
  });

  it("is one when statements start together, and is not tried again when it is refused", async () => {
    const { source, open, stats, faults } = await connect();
    await Promise.all([1, 2, 3].map((n) => read(source, `SELECT ${n} AS n`)));
    expect((await stats()).logins).toBe(1);
    const refused = {
      code: "390100",
      message: "Incorrect username or password was specified.",
      success: false,
      data: {},
    };
    await faults({ failNext: [{ match: "login-request", body: refused }] });
    const second = await open();
    expect(await failure(read(second, "SELECT 1"))).toMatchObject({ code: "AUTH_REFUSED" });
    expect((await stats()).logins).toBe(1);
    await works(second);
  });

  it("is once for many statements, at the first of them, and ends with close", async () => {
    const { source, stats } = await connect();
    expect((await stats()).logins).toBe(0);
    for (let i = 0; i < 3; i++) await read(source, "SELECT 1 AS one");
    expect(await stats()).toMatchObject({ logins: 1, openSessions: 1 });
    await source.close?.();
    expect(await stats()).toMatchObject({ openSessions: 0 });
  });
});

describe("the options", () => {
  const valid = { account: "acme-eu", user: "EBB", token: "env:TOKEN" };
  const problem = (options: object) =>
    snowflake.connection
      .safeParse(options)
      .error?.issues.map(({ message }) => message)
      .join("; ");

  test.each([
    [{ account: "a", user: "u" }, /exactly one of privateKey, token/],
    [{ ...valid, password: "env:P" }, /given: token, password/],
    [{ account: "a", privateKey: "env:K" }, /privateKey needs user/],
    [{ account: "a", workloadIdentity: "OIDC" }, /oidcToken/],
    [{ account: "a", workloadIdentity: "AWS", oidcToken: "env:T" }, /oidcToken/],
    [{ ...valid, token: "in-the-code" }, /SECRET_LITERAL/],
    [{ ...valid, unknown: 1 }, /unknown/i],
  ])("%j is refused", (options, expected) => {
    expect(problem(options)).toMatch(expected);
  });

  test.each([
    valid,
    { account: "a", user: "u", privateKey: "env:K", passphrase: "file:p" },
    { account: "a", oauthToken: "env:T" },
    { account: "a", workloadIdentity: "AWS" },
    { account: "a", workloadIdentity: "OIDC", oidcToken: "env:T" },
    { account: "a", externalBrowser: true },
    { account: "a", baseUrl: "sandbox:.ebb" },
    { ...valid, baseUrl: "sandbox:.ebb" },
  ])("%j is taken", (options) => {
    expect(problem(options)).toBeUndefined();
  });

  test("every credential is a secret", () => {
    const secrets = Object.entries(snowflake.connection.shape).flatMap(([name, schema]) =>
      isSecret(schema as never) ? [name] : [],
    );
    expect(secrets).toEqual(["privateKey", "passphrase", "token", "oauthToken", "password", "oidcToken"]);
  });
});

const everything = `
  CREATE TABLE every (
    n18 NUMBER(18,0), n38 NUMBER(38,0), price NUMBER(18,2), tiny NUMBER(38,37), f FLOAT, b BOOLEAN, s VARCHAR(20), d DATE,
    t6 TIME(6), t9 TIME, n6 TIMESTAMP_NTZ(6), n9 TIMESTAMP_NTZ, l6 TIMESTAMP_LTZ(6), l9 TIMESTAMP_LTZ, z TIMESTAMP_TZ,
    v VARIANT, o OBJECT, a ARRAY, bin BINARY, g GEOGRAPHY, m GEOMETRY, vec VECTOR(FLOAT, 2), "Mixed Case" VARCHAR
  );
  INSERT INTO every SELECT 999999999999999999, 99999999999999999999999999999999999999, -0.01, 0.0000000000000000000000000000000000001,
    0.08072205302271099, TRUE, '', '0001-01-01', '23:59:59.999999', '23:59:59.123456789',
    '2026-03-29 01:30:00.123456', '2026-03-29 01:30:00.123456789', '2026-01-31 23:59:59.999999 +13:00',
    '1999-12-31 23:59:59.000000001 -09:30', '2026-01-31 23:59:59.120000000 +13:00',
    PARSE_JSON('{"b":1,"a":[null,9007199254740993,"x"]}'), OBJECT_CONSTRUCT('k', 'v'), ARRAY_CONSTRUCT(1, 2), TO_BINARY('00ff10'),
    TO_GEOGRAPHY('POINT(1 2.5)'), TO_GEOMETRY('POINT(3 4)'), [1.5, 2]::VECTOR(FLOAT, 2), 'x';
  INSERT INTO every (n18, f, d, n9, l9) VALUES (1, 'NaN'::FLOAT, '9999-12-31', '2026-03-29 01:30:00', '2026-03-29 01:30:00');
  INSERT INTO every (n18, f) VALUES (2, 'inf'::FLOAT), (3, '-inf'::FLOAT), (4, 1e20::FLOAT), (5, 5e-324::FLOAT)`;

describe("types", () => {
  it("are described without reading rows", async () => {
    const { source, stats } = await connect({ seed: everything, faults: { suspendWarehouse: true } });
    const columns = await source.describe({ table: "every" }, signal);
    const text = { kind: "text" };
    const json = { kind: "json" };
    const moment = (zone: boolean) => ({ kind: "timestamp", digits: 6, zone });
    expect(Object.fromEntries(columns.map(({ name, type }) => [name, type]))).toEqual({
      n18: { kind: "integer" },
      n38: { kind: "decimal", precision: 38, scale: 0 },
      price: { kind: "decimal", precision: 18, scale: 2 },
      tiny: { kind: "decimal", precision: 38, scale: 37 },
      f: { kind: "float" },
      b: { kind: "boolean" },
      s: text,
      d: { kind: "date" },
      t6: { kind: "time" },
      t9: text,
      n6: moment(false),
      n9: text,
      l6: moment(true),
      l9: text,
      z: text,
      v: json,
      o: json,
      a: json,
      bin: { kind: "bytes" },
      g: json,
      m: json,
      vec: json,
      "Mixed Case": text,
    });
    expect((await stats()).statements.at(-1)).toMatchObject({ describeOnly: true, state: "SUCCESS" });
  });

  const first = {
    n18: "999999999999999999",
    n38: "99999999999999999999999999999999999999",
    price: "-0.01",
    tiny: "0.0000000000000000000000000000000000001",
    b: "true",
    s: "",
    d: "0001-01-01",
    t6: "23:59:59.999999",
    t9: "23:59:59.123456789",
    n6: "2026-03-29T01:30:00.123456",
    n9: "2026-03-29T01:30:00.123456789",
    l6: "2026-01-31T10:59:59.999999Z",
    l9: "2000-01-01T09:29:59.000000001Z",
    // A value without nanoseconds reads as it does everywhere else.
    z: "2026-01-31T10:59:59.12Z",
    v: '{"b":1,"a":[null,9007199254740993,"x"]}',
    o: '{"k":"v"}',
    a: "[1,2]",
    g: '{"coordinates":[1,2.5],"type":"Point"}',
    m: '{"coordinates":[3,4],"type":"Point"}',
    vec: "[1.5,2.0]",
    "Mixed Case": "x",
  };

  it("come as text that loses nothing", async () => {
    const { source } = await connect({ seed: everything });
    const rows = await read(source, "SELECT * FROM every ORDER BY n18 DESC");
    const values = Object.fromEntries(Object.entries(rows).map(([name, [value]]) => [name, value]));
    expect(values).toMatchObject(first);
    expect(values.bin?.toLowerCase()).toBe("00ff10");
    expect(rows.f?.map(Number)).toEqual([0.08072205302271099, 5e-324, 1e20, Number.NaN, Number.NaN, Number.NaN]);
    expect(rows.f?.slice(3)).toEqual(["-inf", "inf", "NaN"]);
    expect(rows.d?.at(-1)).toBe("9999-12-31");
    expect(rows.n9?.at(-1)).toBe("2026-03-29T01:30:00");
    expect(rows.l9?.at(-1)).toBe("2026-03-29T01:30:00Z");
    expect(rows.s?.slice(0, 2)).toEqual(["", null]);
  });

  it("come the same by Parquet files", async () => {
    const { source } = await connect({ seed: everything, options: { largeResultRows: 0 } });
    const extract = await source.extract({ sql: "SELECT * FROM every ORDER BY n18 DESC" }, signal);
    if (extract.kind !== "relation") return expect.fail("no relation");
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run("CREATE MACRO ebb_json(x) AS x");
    const [row] = (await connection.runAndReadAll(extract.sql)).getRowObjectsJson();
    const moment = { n6: "2026-03-29 01:30:00.123456", l6: "2026-01-31 10:59:59.999999" };
    expect(row).toMatchObject({ ...first, ...moment, b: true, f: 0.08072205302271099, bin: "\\x00\\xFF\\x10" });
    connection.closeSync();
  });
});

describe("reading", () => {
  it("takes names as people write them, and refuses two of one name", async () => {
    const { source } = await connect();
    const rows = await read(
      source,
      'SELECT id AS ID, name AS "Full Name", COUNT(*) OVER () AS total FROM t WHERE id = 3;',
    );
    expect(rows).toEqual({ id: ["3"], "Full Name": ["row 3"], total: ["1"] });
    const error = await failure(read(source, 'SELECT id, name AS "id" FROM t'));
    expect(error).toMatchObject({ code: "SOURCE_FAILED" });
    expect(error.message).toContain('"id"');
  });

  it("reads a table by its name, which is never SQL", async () => {
    const { source } = await connect();
    expect((await read(source, { table: "demo.public.t" })).id).toHaveLength(20);
    const error = await failure(read(source, { table: "t; DROP TABLE t" }));
    expect(error.code).toBe("SOURCE_FAILED");
    expect((await read(source, { table: "t" })).id).toHaveLength(20);
  });

  it("puts chunks together, in order", async () => {
    const { source, stats } = await connect({ faults: { chunkRows: 3 } });
    const rows = await read(source, "SELECT id FROM t ORDER BY id");
    expect(rows.id).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
    expect((await stats()).chunks).toBe(6);
  });

  it("yields batches of some thousands", async () => {
    const { source } = await connect();
    const extract = await source.extract(
      { sql: "SELECT SEQ4() AS n FROM TABLE(GENERATOR(ROWCOUNT => 30000))" },
      signal,
    );
    const sizes: number[] = [];
    if (extract.kind === "text") for await (const { n = [] } of extract.batches) sizes.push(n.length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(30_000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4_096);
    expect(sizes.length).toBeLessThan(100);
  });

  it("waits for a statement that takes long", async () => {
    const { source, faults } = await connect();
    await faults({ asyncAfterMs: 50, statementDelayMs: 400, delayStatements: "WITH q" });
    expect((await read(source, "SELECT id FROM t")).id).toHaveLength(20);
  });

  it("labels its statements", async () => {
    const { source, stats } = await connect();
    await read(source, { sql: "SELECT id FROM t", label: "ebb sync=customers" });
    const tags = (await stats()).statements.map(({ tag }) => tag);
    expect(tags).toEqual(["ebb", "ebb sync=customers", "ebb sync=customers"]);
  });

  it("computes dates in UTC", async () => {
    const { source, ask } = await connect();
    await read(source, "SELECT 1 AS one");
    const { statements } = await ask<Stats>("stats");
    expect(statements[0]?.sql).toMatch(/^ALTER SESSION SET TIMEZONE = 'UTC'/);
  });
});

describe("large results", () => {
  it("come as files, of the very result that was counted, and leave nothing behind", async () => {
    const { source, stats, ask } = await connect({ options: { largeResultRows: 19 } });
    const extract = await source.extract({ sql: "SELECT id, name FROM t", label: "ebb sync=x" }, signal);
    if (extract.kind !== "relation") return expect.fail("no relation");
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const count = async () =>
      (await connection.runAndReadAll(`SELECT count(*), min(name) FROM (${extract.sql})`)).getRowsJson();
    expect(await count()).toEqual([["20", "row 0"]]);
    expect(await count()).toEqual([["20", "row 0"]]);
    connection.closeSync();
    const { statements } = await stats();
    // The query runs once: described, run, and its result unloaded.
    expect(statements.filter(({ sql, describeOnly }) => sql.includes("FROM t") && !describeOnly)).toHaveLength(1);
    expect(statements.map(({ sql }) => sql.split(" ")[0])).toEqual([
      "ALTER",
      "SELECT",
      "WITH",
      "COPY",
      "GET",
      "REMOVE",
    ]);
    expect(statements.slice(1).every(({ tag }) => tag === "ebb sync=x")).toBe(true);
    expect(await ask("sql", "LIST @~/")).toMatchObject({ rows: [] });
  });

  it("come as rows at the threshold, and where the role may not write to its stage", async () => {
    const { open, faults, stats, scratch } = await connect();
    const token = "ebb-sandbox-token";
    expect((await read(await open({ token, largeResultRows: 20 }), "SELECT id FROM t")).id).toHaveLength(20);
    await faults({ refuseUnload: true });
    expect((await read(await open({ token, largeResultRows: 5 }), "SELECT id FROM t")).id).toHaveLength(20);
    expect(
      (await stats()).statements.some(({ sql, state }) => sql.startsWith("COPY") && state === "FAILED_WITH_ERROR"),
    ).toBe(true);
    expect(await readdir(scratch)).toEqual([]);
  });

  it("are not fetched by halves", async () => {
    const { open, faults, ask } = await connect();
    const source = await open({ token: "ebb-sandbox-token", largeResultRows: 5 });
    await faults({ failStatements: [{ match: "^GET", code: "000001", sqlState: "XX000", message: "no" }] });
    expect((await read(source, "SELECT id FROM t")).id).toHaveLength(20);
    expect(await ask("sql", "LIST @~/")).toMatchObject({ rows: [] });
  });
});

describe("errors", () => {
  it("of the query say what Snowflake says, and where in the user's own text", async () => {
    const { source } = await connect();
    const column = await failure(read(source, "SELECT id,\n  nope\nFROM t"));
    expect(column).toMatchObject({ code: "SOURCE_FAILED", effect: "config" });
    expect(column.message).toContain("line 2 at position 2 invalid identifier 'NOPE'");
    expect((await failure(read(source, "SELEC 1"))).message).toContain("syntax error line 1 at position 6");
    expect((await failure(read(source, "  "))).code).toBe("SOURCE_FAILED");
    expect((await failure(read(source, "SELECT 1; SELECT 2"))).code).toBe("SOURCE_FAILED");
    expect((await failure(read(source, "DROP TABLE t"))).code).toBe("SOURCE_FAILED");
    expect((await read(source, "SELECT id FROM t")).id).toHaveLength(20);
  });

  it("of a table suggest another", async () => {
    const { source } = await connect({
      seed: "CREATE SCHEMA nexla; CREATE TABLE nexla.customer (id INT); CREATE TABLE customers (id INT)",
    });
    expect((await failure(read(source, "SELECT * FROM demo.nexla.custmer"))).message).toMatch(
      /DEMO\.NEXLA\.CUSTMER.*"customer"/,
    );
    expect((await failure(read(source, { table: "custmers" }))).message).toContain('"customers"');
  });

  it("of a value do not repeat it", async () => {
    const { source } = await connect({ seed: "CREATE TABLE t AS SELECT 'secret-value' AS id" });
    const error = await failure(read(source, "SELECT id::NUMBER AS n FROM t"));
    expect(error).toMatchObject({ code: "SOURCE_FAILED" });
    expect(`${error.message} ${error.next} ${JSON.stringify(error.cause)}`).not.toContain("secret");
    expect(error.message).toContain("100038");
  });

  it("of the warehouse say what to do", async () => {
    const { source, faults } = await connect();
    await faults({ suspendWarehouse: true });
    const suspended = await failure(read(source, "SELECT id FROM t"));
    expect(suspended).toMatchObject({ code: "SOURCE_FAILED", next: expect.stringContaining("AUTO_RESUME") });
    await faults({ suspendWarehouse: null, quotaReached: true });
    expect(await failure(read(source, "SELECT id FROM t"))).toMatchObject({
      code: "QUOTA_EXHAUSTED",
      effect: "transient",
    });
    await faults({ quotaReached: null });
    expect((await read(source, "SELECT id FROM t")).id).toHaveLength(20);
  });

  it("of time, cancellation and permission", async () => {
    const { open, source, faults } = await connect();
    await faults({ statementDelayMs: 5_000, delayStatements: "WITH q" });
    const slow = await failure(read(await open({ token: "ebb-sandbox-token", timeoutSeconds: 1 }), "SELECT id FROM t"));
    expect(slow).toMatchObject({ code: "SOURCE_FAILED", next: expect.stringContaining("timeoutSeconds") });
    await faults({ statementDelayMs: null });
    const fail = (code: string, sqlState: string, message: string) =>
      faults({ failStatements: [{ match: "WITH q", code, sqlState, message }] });
    await fail("000604", "57014", "SQL execution canceled");
    expect(await failure(read(source, "SELECT id FROM t"))).toMatchObject({ code: "UNAVAILABLE", effect: "transient" });
    await fail("003001", "42501", "SQL access control error:\nInsufficient privileges to operate on table 'T'.");
    expect(await failure(read(source, "SELECT id FROM t"))).toMatchObject({ code: "ACCESS_DENIED", effect: "auth" });
  });

  it("of a chunk that is damaged", async () => {
    const { source, faults } = await connect({ faults: { chunkRows: 3 } });
    await faults({ truncateChunk: { chunk: 2, how: "rows" } });
    expect(await failure(read(source, "SELECT id FROM t"))).toMatchObject({
      code: "ANSWER_INVALID",
      effect: "transient",
    });
    await faults({ truncateChunk: { chunk: 2, how: "json" } });
    expect(await failure(read(source, "SELECT id FROM t"))).toMatchObject({
      code: "ANSWER_INVALID",
      effect: "transient",
    });
    // Bytes lost on the way: the driver notices and fetches the chunk again.
    await faults({ truncateChunk: { chunk: 2, how: "bytes" } });
    expect((await read(source, "SELECT id FROM t")).id).toHaveLength(20);
  });

  it("of the network: a statement is not run twice, and a server that stays away is one error", async () => {
    const { source, open, faults, stats } = await connect();
    await read(source, "SELECT 1 AS one");
    await faults({ failNext: [{ match: "query-request", reset: "after" }] });
    expect((await read(source, "SELECT id FROM t")).id).toHaveLength(20);
    const { statements } = await stats();
    expect(statements.filter(({ describeOnly, sql }) => describeOnly && sql.includes("FROM t"))).toHaveLength(1);
    await faults({ failNext: [{ match: "query-request", status: 200, body: "<html>Sign in to the proxy</html>" }] });
    expect(await failure(read(source, "SELECT id FROM t"))).toMatchObject({
      code: "ANSWER_INVALID",
      effect: "transient",
    });
    await faults({ failNext: [{ match: "login-request", reset: "before", times: 100 }] });
    expect(await failure(read(await open(), "SELECT 1"))).toMatchObject({ code: "NETWORK", effect: "transient" });
    await faults({ failNext: [{ match: "login-request", status: 502, body: "<html>Bad Gateway</html>", times: 100 }] });
    expect(await failure(read(await open(), "SELECT 1"))).toMatchObject({ code: "UNAVAILABLE", effect: "transient" });
  });

  test.each([
    [
      { code: 401001, cause: { code: "ECONNREFUSED" } },
      { code: "NETWORK", unsent: true },
    ],
    [
      { code: 402001, cause: { code: "ECONNRESET" } },
      { code: "NETWORK", unsent: false },
    ],
    [{ code: 402001, cause: { code: "Z_DATA_ERROR" } }, { code: "ANSWER_INVALID" }],
    [{ code: 402001, cause: new SyntaxError("Unexpected token") }, { code: "ANSWER_INVALID" }],
    [{ code: 402002, response: { statusCode: 503 } }, { code: "UNAVAILABLE" }],
    [{ code: 401002, response: { statusCode: 429 } }, { code: "RATE_LIMITED" }],
    [{ code: 401003 }, { code: "ANSWER_INVALID" }],
    [{}, { code: "ANSWER_INVALID", effect: "transient" }],
    [{ code: "390114", name: "OperationFailedError" }, { code: "UNAVAILABLE" }],
    [{ code: "390422" }, { code: "AUTH_REFUSED" }],
    [{ code: "002140", sqlState: "42601" }, { code: "SOURCE_FAILED" }],
  ])("%j is known", (given, expected) => {
    expect(meaningOf(Object.assign(new TypeError("words"), given), "warehouse")).toMatchObject(expected);
  });
});

describe("sessions", () => {
  it("are renewed when their token expires, between statements and within a result", async () => {
    const { source, stats } = await connect({
      faults: { sessionLifetimeMs: 300, statementDelayMs: 200, asyncAfterMs: 50 },
    });
    for (let i = 0; i < 2; i++) expect((await read(source, "SELECT id FROM t")).id).toHaveLength(20);
    const { renewals, logins } = await stats();
    expect(renewals).toBeGreaterThan(0);
    expect(logins).toBe(1);
  });

  it("are opened anew when the server has ended them", async () => {
    const { source, ask, stats } = await connect();
    await read(source, "SELECT 1 AS one");
    await ask("revoke", {});
    expect((await read(source, "SELECT id FROM t")).id).toHaveLength(20);
    expect((await stats()).logins).toBe(2);
  });
});

describe("an aborted signal", () => {
  it("cancels the statement on the server", async () => {
    const { source, faults, stats } = await connect();
    await read(source, "SELECT 1 AS one");
    await faults({ statementDelayMs: 20_000, delayStatements: "WITH q" });
    const stop = new AbortController();
    const reading = read(source, "SELECT id FROM t", stop.signal);
    await expect.poll(async () => (await stats()).statements.at(-1)?.sql).toMatch(/^WITH q/);
    stop.abort(new TypeError("interrupted"));
    await expect(reading).rejects.toThrow("interrupted");
    await expect.poll(async () => (await stats()).statements.at(-1)?.state).toBe("ABORTED");
    expect((await stats()).cancels).toBe(1);
  });

  it("ends the reading of rows", async () => {
    const { source } = await connect({ faults: { chunkRows: 3 } });
    const stop = new AbortController();
    const extract = await source.extract({ sql: "SELECT id FROM t" }, stop.signal);
    stop.abort(new TypeError("interrupted"));
    await expect(collect(extract)).rejects.toThrow("interrupted");
    await expect(source.describe({ table: "t" }, stop.signal)).rejects.toThrow("interrupted");
  });
});

describe("doctor", () => {
  const findings = async (source: Source) => {
    const all = [];
    for await (const finding of source.examine?.(signal) ?? []) all.push(finding);
    return all;
  };

  it("finds nothing wrong with a role that reads", async () => {
    const { source } = await connect();
    const all = await findings(source);
    expect(all.map(({ status }) => status)).toEqual(["ok", "ok", "ok", "ok"]);
    expect(all.map(({ detail }) => detail).join("\n")).toMatch(
      /EBB_READER[\s\S]*EBB_WH is started[\s\S]*1 tables or views[\s\S]*only read/,
    );
  });

  it("warns of a role that writes, and gives the grants of the least one", async () => {
    const { source } = await connect({
      faults: { writes: true },
      options: { warehouse: "EBB_WH", database: "DEMO", schema: "PUBLIC" },
    });
    const warning = (await findings(source)).find(({ status }) => status === "warn");
    expect(warning?.detail).toMatch(/INSERT on tables, CREATE TABLE on schemas/);
    expect(warning?.next).toContain("GRANT SELECT ON ALL TABLES IN SCHEMA DEMO.PUBLIC TO ROLE EBB_READER;");
    expect(warning?.next).toContain("GRANT ROLE EBB_READER TO USER EBB;");
  });

  it("fails where the warehouse is suspended and does not resume by itself", async () => {
    const { source } = await connect({ faults: { suspendWarehouse: true } });
    expect((await findings(source)).filter(({ status }) => status === "fail")).toEqual([
      {
        status: "fail",
        detail: "warehouse EBB_WH is suspended; it does not resume by itself",
        next: 'ALTER WAREHOUSE "EBB_WH" SET AUTO_RESUME = TRUE;',
      },
    ]);
  });

  it("warns of an administrator", async () => {
    const { source } = await connect({ options: { role: "ACCOUNTADMIN" } });
    expect((await findings(source)).at(-1)).toMatchObject({
      status: "warn",
      detail: expect.stringContaining("ACCOUNTADMIN"),
    });
  });
});

describe("the driver", () => {
  it("writes no file, prints nothing and speaks to nobody else", { timeout: 60_000 }, async () => {
    const { sandbox } = await connect();
    const home = await mkdtemp(join(tmpdir(), "ebb-quiet-"));
    closers.push(() => rm(home, { recursive: true, force: true }));
    const folders = ["cwd", "tmp", "home"].map((name) => join(home, name));
    for (const folder of folders) await mkdir(folder);
    // A driver that read this would fail.
    await mkdir(join(home, "home", ".snowflake"));
    await writeFile(join(home, "home", ".snowflake", "connections.toml"), "not [toml", { mode: 0o600 });
    const script = `
      import net from "node:net"; import dns from "node:dns"; import { writeFileSync } from "node:fs";
      const reached = [];
      const connect = net.Socket.prototype.connect;
      net.Socket.prototype.connect = function (...args) {
        const [to] = Array.isArray(args[0]) ? args[0] : args;
        if (to?.port) reached.push(to.host + ":" + to.port);
        return connect.apply(this, args);
      };
      const lookup = dns.lookup;
      dns.lookup = (name, ...rest) => { reached.push(name); return lookup(name, ...rest); };
      const { openSource } = await import(${JSON.stringify(new URL("source.ts", import.meta.url).href)});
      const options = ${JSON.stringify({ ...sandbox.credentials, largeResultRows: 500_000, baseUrl: sandbox.url })};
      const source = await openSource(options, { connection: "warehouse", interactive: false });
      const extract = await source.extract({ sql: "SELECT id, 9007199254740993::NUMBER AS n FROM t" }, AbortSignal.timeout(30000));
      let rows = 0;
      for await (const { id } of extract.batches) rows += id.length;
      await source.close();
      writeFileSync(process.env.RESULT, JSON.stringify({ rows, reached: [...new Set(reached)] }));
    `;
    const result = join(home, "result.json");
    const child = spawn(
      process.execPath,
      ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", script],
      {
        cwd: join(home, "cwd"),
        env: {
          PATH: process.env.PATH,
          HOME: join(home, "home"),
          TMPDIR: join(home, "tmp"),
          TSX_DISABLE_CACHE: "1",
          RESULT: result,
        },
      },
    );
    let printed = "";
    child.stdout.on("data", (data) => (printed += data));
    child.stderr.on("data", (data) => (printed += data));
    const code = await new Promise((done) => child.on("exit", done));
    expect(printed).toBe("");
    expect(code).toBe(0);
    const { default: told } = await import(result, { with: { type: "json" } });
    expect(told).toEqual({ rows: 20, reached: [new URL(sandbox.url).host] });
    expect(await readdir(join(home, "cwd"))).toEqual([]);
    expect((await readdir(join(home, "tmp"))).filter((name) => !name.startsWith("tsx"))).toEqual([]);
    const below = await readdir(join(home, "home"), { recursive: true, withFileTypes: true });
    expect(below.filter((entry) => entry.isFile()).map(({ name }) => name)).toEqual(["connections.toml"]);
  });

  it("sends no telemetry", async () => {
    const { source, stats } = await connect();
    await read(source, "SELECT id FROM t");
    expect((await stats()).telemetry).toBe(0);
  });
});

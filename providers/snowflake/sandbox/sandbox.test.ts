import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, describe, expect, it, test } from "vitest";
import { testContext } from "../../../test/context.ts";
import type { StatementOptions } from "../driver.ts";
import { startSandbox } from "../sandbox.ts";
import { openSdkDriver } from "../sdk-driver.ts";

const signal = AbortSignal.timeout(300_000);
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function folder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "ebb-test-"));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A session of the real driver whose role may write. */
async function session(setup: { faults?: object; directory?: string } = {}) {
  const sandbox = await startSandbox({
    port: 0,
    faults: { writes: true, ...setup.faults },
    ...(setup.directory === undefined ? {} : { directory: setup.directory }),
  });
  const close = () => sandbox.close();
  closers.push(close);
  const options = { ...sandbox.credentials, largeResultRows: 1e6, baseUrl: sandbox.url };
  const driver = openSdkDriver(options as never, testContext());
  closers.push(() => driver.close());
  const run = async (sql: string, statement: StatementOptions = {}) => {
    const result = await driver.execute(sql, statement, signal);
    return result.rows(signal);
  };
  const script = async (...statements: readonly string[]) => {
    for (const statement of statements) await run(statement);
  };
  /** Cells as they stand in the answer, by the sandbox's own account. */
  const raw = async (sql: string) =>
    (await (await fetch(`${sandbox.url}/__sandbox/sql`, { method: "POST", body: sql })).json()) as {
      columns: string[];
      rows: (string | null)[][];
    };
  const stop = async () => {
    await driver.close();
    closers.splice(closers.indexOf(close), 1);
    await close();
  };
  return { sandbox, driver, run, script, raw, stop };
}

describe("results", () => {
  it("have the vendor's types and cells", async () => {
    const { driver, raw } = await session();
    const sql = `SELECT 1.50::NUMBER(18,2) AS a, 2::FLOAT AS b, TRUE AS c, '1970-01-11'::DATE AS d, '00:01:00.5'::TIME AS e,
      '1970-01-01 00:00:01.000000002'::TIMESTAMP_NTZ AS f, '1969-12-31 23:59:58.5'::TIMESTAMP_NTZ AS g,
      '1970-01-01 01:00:00 +0100'::TIMESTAMP_LTZ AS h, '1970-01-01 01:00:00 +0100'::TIMESTAMP_TZ AS i,
      PARSE_JSON('{"n":12345678901234567890}') AS j, TO_BINARY('00ff') AS k, NULL AS l, '' AS m, 'NaN'::FLOAT AS n`;
    expect((await raw(sql)).rows).toEqual([
      [
        "1.50",
        "2.0",
        "1",
        "10",
        "60.500000000",
        "1.000000002",
        "-1.500000000",
        "0.000000000",
        "0.000000000 1500",
        '{"n":12345678901234567890}',
        "00FF",
        null,
        "",
        "NaN",
      ],
    ]);
    const { columns } = await driver.execute(sql, { describeOnly: true }, signal);
    expect(columns.map(({ type, precision, scale }) => [type, precision, scale])).toEqual([
      ["fixed", 18, 2],
      ["real", null, null],
      ["boolean", null, null],
      ["date", null, null],
      ["time", 0, 9],
      ["timestamp_ntz", 0, 9],
      ["timestamp_ntz", 0, 9],
      ["timestamp_ltz", 0, 9],
      ["timestamp_tz", 0, 9],
      ["variant", null, null],
      ["binary", null, null],
      ["fixed", 10, 0],
      ["text", null, null],
      ["real", null, null],
    ]);
  });

  it("name their columns as the vendor does", async () => {
    const { raw, script } = await session();
    await script('CREATE TABLE n (id INT, "Mixed" VARCHAR)');
    const { columns } = await raw(
      'SELECT id, n."Mixed", count(*), max( id ) + 1, id AS alias, id other FROM n GROUP BY ALL',
    );
    expect(columns).toEqual(["ID", "Mixed", "COUNT(*)", "MAX( ID ) + 1", "ALIAS", "OTHER"]);
  });

  it("scan an earlier result", async () => {
    const { driver, run } = await session();
    const { queryId } = await driver.execute("SELECT 7 AS seven, COUNT(*) FROM (SELECT 1)", {}, signal);
    expect(await run("SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))")).toEqual([{ SEVEN: "7", "COUNT(*)": "1" }]);
    expect(await run(`SELECT seven + 1 AS eight FROM TABLE(RESULT_SCAN('${queryId}'))`)).toEqual([{ EIGHT: "8" }]);
  });
});

describe("expressions", () => {
  test.each([
    ["IFF(1 = 1, 'a', 'b')", "a"],
    ["NVL(NULL, 3)", "3"],
    ["ZEROIFNULL(NULL)", "0"],
    ["EQUAL_NULL(NULL, NULL)", "true"],
    ["TO_VARCHAR('2026-03-04 05:06:07.89'::TIMESTAMP_NTZ, 'DD.MM.YYYY HH24:MI:SS.FF3')", "04.03.2026 05:06:07.890"],
    ["TO_VARCHAR('2026-03-04'::DATE, 'DY, MON DD')", "Wed, Mar 04"],
    ["TO_VARCHAR(1.10::NUMBER(5,2))", "1.10"],
    ["TO_VARCHAR(0.08072205302271099::FLOAT)", "0.08072205302"],
    ["TO_VARCHAR(TO_BINARY('abcd'))", "ABCD"],
    ["TO_JSON(OBJECT_CONSTRUCT('a', 1, 'b', NULL))", '{"a":1}'],
    ["TO_JSON(ARRAY_AGG(1))", "[1]"],
    ['PARSE_JSON(\'{"Name": {"x": [1, 2]}}\'):Name.x[1]::NUMBER', "2"],
    ['PARSE_JSON(\'{"a": "text"}\'):a::STRING', "text"],
    ["TO_VARCHAR(DATEADD(month, 1, '2026-01-31'::DATE), 'YYYY-MM-DD')", "2026-02-28"],
    ["DATEDIFF(day, '2026-01-01'::DATE, '2026-03-01'::DATE)", "59"],
    ["TO_VARCHAR(DATE_TRUNC('month', '2026-03-04'::DATE), 'YYYY-MM-DD')", "2026-03-01"],
    ["TO_VARCHAR(TO_DATE('31/12/2026', 'DD/MM/YYYY'), 'YYYY-MM-DD')", "2026-12-31"],
    [
      "TO_VARCHAR(CONVERT_TIMEZONE('UTC', '2026-01-01 02:00 +0200'::TIMESTAMP_TZ), 'YYYY-MM-DD HH24:MI TZH:TZM')",
      "2026-01-01 00:00 +00:00",
    ],
    ["TRY_CAST('x' AS NUMBER)", null],
    ["TRY_TO_NUMBER('1.5', 10, 1)", "1.5"],
    ["CAST('1.005' AS NUMBER(10,2))", "1.01"],
    ["SHA2('a')", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"],
    ["HASH(1, 'a') = HASH(1, 'a') AND HASH(NULL) IS NOT NULL", "true"],
    ["MD5_NUMBER_LOWER64('a') > 0", "true"],
    ["COUNT_IF(TRUE)", "1"],
    ["'it''s \\n\\\\ $$' || $$raw '$$", "it's \n\\ $$raw '"],
    ["REGEXP_REPLACE('a1b2', '[0-9]')", "ab"],
    [
      "CURRENT_ROLE() || CURRENT_WAREHOUSE() || CURRENT_DATABASE() || CURRENT_SCHEMA() || CURRENT_ACCOUNT() || CURRENT_USER()",
      "EBB_READEREBB_WHDEMOPUBLICSANDBOXEBB",
    ],
    ["CURRENT_TIMESTAMP() > DATEADD(day, -1, CURRENT_TIMESTAMP)", "true"],
    ["(1 + 2)::VARCHAR || X'4142'::VARCHAR", "34142"],
  ])("%s", async (expression, expected) => {
    const { run } = await shared();
    expect(await run(`SELECT ${expression} AS v`)).toEqual([{ V: expected }]);
  });
  let opened: ReturnType<typeof session> | undefined;
  const shared = () => {
    opened ??= session().then((made) => {
      closers.length = 0;
      return made;
    });
    return opened;
  };

  it("take bound values", async () => {
    const { run } = await session();
    await expect(run("SELECT ? AS a, ? AS b, ? AS c", { binds: ["it's", null] })).rejects.toThrow("bound value");
    expect(await run("SELECT :1 AS a, :2 AS b", { binds: ["it's", null] })).toEqual([{ A: "it's", B: null }]);
  });
});

describe("statements", () => {
  it("a diff runs in the warehouse: stage, join, merge", async () => {
    const { run, script } = await session();
    await script(
      "CREATE SCHEMA IF NOT EXISTS demo.ebb",
      "CREATE OR REPLACE TABLE demo.public.source AS SELECT SEQ4() AS id, 'v' || SEQ4() AS v FROM TABLE(GENERATOR(ROWCOUNT => 10))",
      "CREATE OR REPLACE TRANSIENT TABLE demo.ebb.state (key VARCHAR, v VARCHAR, row_hash NUMBER(19,0), PRIMARY KEY (key))",
      "CREATE OR REPLACE TRANSIENT TABLE demo.ebb.stage DATA_RETENTION_TIME_IN_DAYS = 0 AS SELECT TO_VARCHAR(id) AS key, v, HASH(v) AS row_hash FROM demo.public.source",
      "MERGE INTO demo.ebb.state s USING demo.ebb.stage g ON s.key = g.key WHEN MATCHED AND s.row_hash <> g.row_hash THEN UPDATE SET s.v = g.v, s.row_hash = g.row_hash WHEN NOT MATCHED THEN INSERT (key, v, row_hash) VALUES (g.key, g.v, g.row_hash)",
      "UPDATE demo.public.source SET v = 'changed' WHERE id = 3",
      "DELETE FROM demo.public.source WHERE id = 4",
      "INSERT INTO demo.public.source (id, v) VALUES (99, 'new')",
      "CREATE OR REPLACE TRANSIENT TABLE demo.ebb.stage AS SELECT TO_VARCHAR(id) AS key, v, HASH(v) AS row_hash FROM demo.public.source",
    );
    const diff =
      await run(`SELECT COALESCE(g.key, s.key) AS key, IFF(s.key IS NULL, 'create', IFF(g.key IS NULL, 'delete', 'update')) AS action
      FROM demo.ebb.stage g FULL OUTER JOIN demo.ebb.state s ON g.key = s.key
      WHERE g.row_hash IS DISTINCT FROM s.row_hash ORDER BY 1`);
    expect(diff).toEqual([
      { KEY: "3", ACTION: "update" },
      { KEY: "4", ACTION: "delete" },
      { KEY: "99", ACTION: "create" },
    ]);
    const merged = await run(
      "MERGE INTO demo.ebb.state s USING demo.ebb.stage g ON s.key = g.key WHEN MATCHED AND s.row_hash <> g.row_hash THEN UPDATE SET v = g.v WHEN NOT MATCHED THEN INSERT (key, v) VALUES (g.key, g.v)",
    );
    expect(merged).toEqual([{ "number of rows inserted": "1", "number of rows updated": "1" }]);
    expect(await run("SELECT key FROM demo.ebb.stage QUALIFY ROW_NUMBER() OVER (ORDER BY key DESC) = 1")).toEqual([
      { KEY: "99" },
    ]);
  });

  it("transactions, swaps, temporary tables and views", async () => {
    const { run, script } = await session();
    await script(
      "CREATE TABLE a AS SELECT 1 AS v",
      "CREATE TABLE b LIKE a",
      "BEGIN",
      "INSERT INTO b VALUES (2)",
      "ROLLBACK",
      "INSERT INTO b VALUES (3)",
      "ALTER TABLE a SWAP WITH b",
      "CREATE TEMPORARY TABLE c (v INT DEFAULT 5 NOT NULL COMMENT 'x', w VARCHAR UNIQUE)",
      "INSERT INTO c (w) VALUES ('w')",
      "CREATE OR REPLACE VIEW d AS SELECT v FROM a",
      "ALTER TABLE b RENAME TO e",
      "ALTER TABLE e ADD COLUMN w TIMESTAMP_TZ",
    );
    expect(await run("SELECT (SELECT v FROM d) AS a, (SELECT v FROM e) AS b, (SELECT v FROM c) AS c")).toEqual([
      { A: "3", B: "1", C: "5" },
    ]);
    expect(await run("SHOW TERSE OBJECTS LIKE 'd'")).toMatchObject([{ name: "D", kind: "VIEW" }]);
    expect(await run("DESCRIBE TABLE e")).toMatchObject([{ name: "V" }, { name: "W", type: "TIMESTAMP_TZ(9)" }]);
    await script(
      "DROP VIEW d",
      "TRUNCATE TABLE e",
      "DROP TABLE IF EXISTS nothing",
      "CREATE DATABASE other",
      "USE SCHEMA other.public",
      "CREATE TABLE t (id INT)",
    );
    expect(await run("SHOW SCHEMAS IN DATABASE other")).toMatchObject([{ name: "PUBLIC" }]);
    expect(await run("SELECT COUNT(*) AS n FROM other.public.t")).toEqual([{ N: "0" }]);
  });

  it("files go up and down, and tables into files and back", async () => {
    const { run, script } = await session();
    const directory = await folder();
    const file = join(directory, "rows.parquet");
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run(`COPY (SELECT range AS id, 'v' || range AS v FROM range(5)) TO '${file}' (FORMAT parquet)`);
    expect(await run(`PUT 'file://${file}' @~/up/ AUTO_COMPRESS = FALSE OVERWRITE = TRUE`)).toMatchObject([
      { status: "UPLOADED", target: "rows.parquet" },
    ]);
    expect(await run("LIST @~/up/")).toMatchObject([{ name: "up/rows.parquet" }]);
    await script(
      "CREATE TABLE loaded (id INT, v VARCHAR)",
      "COPY INTO loaded FROM @~/up/ FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE",
      "COPY INTO loaded (id, v) FROM (SELECT $1:id::NUMBER + 10, $1:v::VARCHAR FROM @~/up/rows.parquet) FILE_FORMAT = (TYPE = PARQUET) PURGE = TRUE",
    );
    expect(await run("SELECT COUNT(*) AS n, MAX(id) AS id, MIN(v) AS v FROM loaded")).toEqual([
      { N: "10", ID: "14", V: "v0" },
    ]);
    expect(await run("LIST @~/up/")).toEqual([]);
    const unloaded = await run("COPY INTO @~/down/x_ FROM loaded FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE");
    expect(unloaded).toMatchObject([{ rows_unloaded: "10" }]);
    expect(await run(`GET @~/down/ 'file://${directory}/'`)).toMatchObject([{ status: "DOWNLOADED" }]);
    const [down = ""] = (await readdir(directory)).filter((name) => name.startsWith("x_"));
    const rows = await connection.runAndReadAll(`SELECT count(*), max("ID") FROM '${join(directory, down)}'`);
    expect(rows.getRowsJson()).toEqual([["10", "14"]]);
    expect(await run("REMOVE @~/down/")).toHaveLength(1);
    await expect(run("LIST @~/../../etc/")).rejects.toThrow("outside");
    connection.closeSync();
  });

  it("a role that only reads changes nothing", async () => {
    const { run } = await session({ faults: { writes: false } });
    for (const sql of [
      "CREATE TABLE x (id INT)",
      "CREATE SCHEMA s",
      "DROP SCHEMA demo.public",
      "INSERT INTO t VALUES (1)",
    ])
      await expect(run(sql), sql).rejects.toMatchObject({ code: "003001", sqlState: "42501" });
  });

  it("fail as the vendor's do", async () => {
    const { run } = await session();
    await expect(run("SELECT * FROM nothing.here.at_all")).rejects.toMatchObject({ code: "002003" });
    await expect(run("SELECT x FROM (SELECT 1 AS y)")).rejects.toMatchObject({
      code: "000904",
      message: expect.stringContaining("invalid identifier 'X'"),
    });
    await expect(run("SELECT FROM WHERE")).rejects.toMatchObject({ code: "001003" });
    await expect(run("SELECT 'a'::NUMBER")).rejects.toMatchObject({ code: "100038", sqlState: "22018" });
    await expect(run("SELECT no_such(1)")).rejects.toMatchObject({ code: "002140" });
    await expect(run("CALL something()")).rejects.toMatchObject({ code: "000002" });
  });
});

describe("the account", () => {
  it("keeps its databases in a folder, and is seeded once", async () => {
    const directory = await folder();
    await writeFile(
      join(directory, "seed.sql"),
      "CREATE SCHEMA demo.nexla; CREATE TABLE demo.nexla.customer (id INT, name VARCHAR); INSERT INTO demo.nexla.customer VALUES (1, 'a;b');",
    );
    const first = await session({ directory });
    await first.script("INSERT INTO demo.nexla.customer VALUES (2, 'c')", "CREATE DATABASE second");
    await first.stop();
    const second = await session({ directory });
    expect(await second.run("SELECT name FROM demo.nexla.customer ORDER BY id")).toEqual([
      { NAME: "a;b" },
      { NAME: "c" },
    ]);
    expect(await second.run("SHOW DATABASES")).toMatchObject([{ name: "DEMO" }, { name: "SECOND" }]);
  });

  it("tells of a fault it does not know", async () => {
    await expect(startSandbox({ port: 0, faults: { nonsense: 1 } })).rejects.toThrow("nonsense");
  });
});

import { afterAll, beforeAll } from "vitest";
import snowflake from "../../providers/snowflake/index.ts";
import { startSandbox } from "../../providers/snowflake/sandbox.ts";
import type { Sandbox } from "../../src/connector/index.ts";
import type { Fields, Value } from "../../src/core/types.ts";
import { type SourceFixture, testSource } from "./source.ts";

const columns = {
  id: "VARCHAR",
  name: "VARCHAR",
  size: "NUMBER(38,0)",
  price: "NUMBER(18,2)",
  score: "FLOAT",
  active: "BOOLEAN",
  born: "DATE",
  seen: "TIMESTAMP_LTZ(6)",
  extra: "VARIANT",
  raw: "BINARY",
} as const;

let sandbox: Sandbox;
beforeAll(async () => {
  // Results in many pieces, as large ones come; the role may keep marks.
  sandbox = await startSandbox({ port: 0, faults: { chunkRows: 7, writes: true } });
});
afterAll(() => sandbox.close());

async function execute(sql: string): Promise<void> {
  const answer = await fetch(`${sandbox.url}/__sandbox/sql`, { method: "POST", body: sql });
  if (!answer.ok) throw new TypeError(await answer.text());
}

const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;

function literal(name: string, value: Value): string {
  if (value === null) return "NULL";
  if (name === "extra") return `PARSE_JSON(${quoted(value)})`;
  return name === "raw" ? `TO_BINARY(${quoted(value)}, 'HEX')` : quoted(value);
}

async function fill(rows: readonly Fields[]): Promise<void> {
  const inserts = rows.map((row) => {
    const names = Object.keys(row);
    const values = names.map((name) => literal(name, row[name] ?? null));
    return `INSERT INTO people (${names.join(", ")}) SELECT ${values.join(", ")}`;
  });
  await execute(["TRUNCATE TABLE people", ...inserts].join(";\n"));
}

const all = Object.keys(columns).join(", ");

function fixture(form: "table" | "sql", options: Readonly<Record<string, unknown>> = {}) {
  return async (): Promise<SourceFixture> => {
    const definition = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
    await execute(`CREATE OR REPLACE TABLE people (${definition.join(", ")})`);
    const { account, user, token = "" } = sandbox.credentials;
    return {
      system: snowflake,
      options: { account, user, token: "env:TOKEN", baseUrl: sandbox.url, ...options },
      env: { TOKEN: token },
      query: form === "table" ? { table: "demo.public.people" } : { sql: `SELECT ${all} FROM people;` },
      columns: {
        text: "name",
        integer: "size",
        decimal: "price",
        float: "score",
        boolean: "active",
        date: "born",
        timestamp: "seen",
        json: "extra",
        bytes: "raw",
      },
      fill,
      unknownTable: form === "table" ? { table: "peopl" } : { sql: "SELECT * FROM peopl" },
      known: "people",
      nonsense: { sql: "SELEC id FROM people" },
      failsLater: { sql: `SELECT id::NUMBER::VARCHAR AS id, ${all.slice(4)} FROM people` },
    };
  };
}

testSource(snowflake, fixture("table"));
testSource({ ...snowflake, title: "Snowflake, by query," }, fixture("sql"));
testSource({ ...snowflake, title: "Snowflake, by Parquet files," }, fixture("sql", { largeResultRows: 0 }));

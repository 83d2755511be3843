import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import duckdb from "../../providers/duckdb/index.ts";
import type { Value } from "../../src/connector/index.ts";
import { ident, literal } from "../../src/core/sql.ts";
import { temporaryFolder } from "../world.ts";
import { testDestination } from "./destination.ts";
import type { DestinationFixture } from "./fixture.ts";
import { type SourceFixture, testSource } from "./source.ts";

const columns = {
  id: "VARCHAR PRIMARY KEY",
  name: "VARCHAR",
  size: "BIGINT",
  price: "DECIMAL(18,2)",
  score: "DOUBLE",
  active: "BOOLEAN",
  born: "DATE",
  seen: "TIMESTAMPTZ",
  extra: "JSON",
  raw: "BLOB",
  rank: "INTEGER CHECK (rank >= 0)",
} as const;

async function execute(file: string, ...statements: string[]): Promise<readonly Record<string, Value>[]> {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    let rows: readonly Record<string, Value>[] = [];
    for (const sql of statements)
      rows = (await connection.runAndReadAll(sql)).getRowObjectsJson() as unknown as readonly Record<string, Value>[];
    return rows;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function cell(column: string, value: Value): string {
  if (value === null) return "NULL";
  return column === "raw" ? `unhex(${literal(value)})` : literal(value);
}

async function fixture(): Promise<DestinationFixture> {
  const directory = await temporaryFolder();
  const file = join(directory, "crm.duckdb");
  const definition = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
  await execute(file, `CREATE TABLE people (${definition.join(", ")})`);
  const texts = Object.keys(columns).map((name) =>
    name === "raw" ? "lower(hex(raw)) AS raw" : `CAST(${name} AS VARCHAR) AS ${name}`,
  );
  return {
    system: duckdb,
    options: { path: "crm.duckdb" },
    directory,
    secrets: [],
    object: "people",
    matchOn: "id",
    fields: {
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
    key: (n) => `k${n}`,
    invalid: { rank: "-1" },
    virtualTime: true,
    async reset(records) {
      const rows = records.map((record) => {
        const names = Object.keys(record);
        const values = names.map((name) => cell(name, record[name] ?? null));
        return `INSERT INTO people (${names.map(ident).join(", ")}) VALUES (${values.join(", ")})`;
      });
      await execute(file, "DELETE FROM people", ...rows);
    },
    records: () => execute(file, `SELECT ${texts.join(", ")} FROM people ORDER BY id`),
    async edit(key, edited) {
      const set = Object.entries(edited ?? {}).map(([name, value]) => `${ident(name)} = ${cell(name, value)}`);
      const where = `WHERE id = ${literal(key)}`;
      await execute(
        file,
        edited === null ? `DELETE FROM people ${where}` : `UPDATE people SET ${set.join(", ")} ${where}`,
      );
    },
  };
}

testDestination(duckdb, fixture);

const sourceColumns: Readonly<Record<string, string>> = { ...columns, id: "VARCHAR" };

function sourceFixture(form: "table" | "sql") {
  return async (): Promise<SourceFixture> => {
    const directory = await temporaryFolder();
    const file = join(directory, "lake.duckdb");
    const definition = Object.entries(sourceColumns).map(([name, type]) => `${name} ${type}`);
    await execute(file, `CREATE TABLE people (${definition.join(", ")})`);
    return {
      system: duckdb,
      options: { path: "lake.duckdb" },
      directory,
      query: form === "table" ? { table: "people" } : { sql: "SELECT * FROM people;" },
      columns: { ...(await fixture()).fields },
      async fill(rows) {
        const inserts = rows.map((row) => {
          const names = Object.keys(row);
          const values = names.map((name) => cell(name, row[name] ?? null));
          return `INSERT INTO people (${names.map(ident).join(", ")}) VALUES (${values.join(", ")})`;
        });
        await execute(file, "DELETE FROM people", ...inserts);
      },
      unknownTable: form === "table" ? { table: "peopl" } : { sql: "SELECT * FROM peopl" },
      known: "people",
      nonsense: { sql: "SELEC id FROM people" },
      failsLater: { sql: "SELECT * REPLACE (CAST(CAST(id AS INTEGER) AS VARCHAR) AS id) FROM people" },
    };
  };
}

testSource(duckdb, sourceFixture("table"));
testSource({ ...duckdb, title: "DuckDB, by query," }, sourceFixture("sql"));

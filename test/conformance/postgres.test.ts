import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll } from "vitest";
import { type Client, openClient } from "../../providers/postgres/client.ts";
import postgres from "../../providers/postgres/index.ts";
import { ident, type Value } from "../../src/connector/index.ts";
import { testContext } from "../context.ts";
import { neverAborts } from "../world.ts";
import { testDestination } from "./destination.ts";
import type { DestinationFixture } from "./fixture.ts";
import { type SourceFixture, testSource } from "./source.ts";

const columns = {
  id: "varchar(20) PRIMARY KEY",
  name: "text",
  size: "bigint",
  price: "numeric(18,2)",
  score: "double precision",
  active: "boolean",
  born: "date",
  seen: "timestamptz",
  extra: "jsonb",
  raw: "bytea",
  rank: "integer CHECK (rank >= 0)",
} as const;

let folder = "";
let admin: Client;
const context = testContext({ connection: "admin", now: Date.now });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ebb-pglite-"));
  await (await PGlite.create({ dataDir: folder })).close();
  admin = await openClient({ embedded: folder }, context);
});
afterAll(async () => {
  await admin.close();
  await rm(folder, { recursive: true, force: true });
});

const execute = (sql: string, values: readonly Value[] = []) => admin.query(sql, values, neverAborts);
/** A bound text as a value of a column. */
const bound = (name: string, position: number) =>
  name === "raw"
    ? `decode($${position}, 'hex')`
    : `CAST($${position}::text AS ${columns[name as "name"].split(" ")[0]})`;
const typed = (name: string, position: number) => bound(name, position).replace("double)", "double precision)");

async function fixture(): Promise<DestinationFixture> {
  await execute("DROP TABLE IF EXISTS people");
  const definition = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
  await execute(`CREATE TABLE people (${definition.join(", ")})`);
  const texts = Object.keys(columns).map((name) =>
    name === "raw" ? "encode(raw, 'hex') AS raw" : `${name}::text AS ${name}`,
  );
  return {
    system: postgres,
    options: { embedded: folder },
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
      await execute("DELETE FROM people");
      for (const record of records) {
        const names = Object.keys(record);
        const values = names.map((name, i) => typed(name, i + 1));
        await execute(
          `INSERT INTO people (${names.map(ident).join(", ")}) VALUES (${values.join(", ")})`,
          names.map((name) => record[name] ?? null),
        );
      }
    },
    records: async () => (await execute(`SELECT ${texts.join(", ")} FROM people ORDER BY id`)).rows,
    async edit(key, edited) {
      const names = Object.keys(edited ?? {});
      const set = names.map((name, i) => `${ident(name)} = ${typed(name, i + 2)}`);
      if (edited === null) await execute("DELETE FROM people WHERE id = $1", [key]);
      else
        await execute(`UPDATE people SET ${set.join(", ")} WHERE id = $1`, [
          key,
          ...names.map((name) => edited[name] ?? null),
        ]);
    },
  };
}

testDestination(postgres, fixture);

function sourceFixture(form: "table" | "sql") {
  return async (): Promise<SourceFixture> => {
    const { fields, reset } = await fixture();
    await execute("ALTER TABLE people DROP CONSTRAINT people_pkey");
    await execute("ALTER TABLE people ALTER COLUMN id DROP NOT NULL");
    return {
      system: postgres,
      options: { embedded: folder },
      query: form === "table" ? { table: "people" } : { sql: "SELECT * FROM people;" },
      columns: fields,
      fill: reset,
      unknownTable: form === "table" ? { table: "peopl" } : { sql: "SELECT * FROM peopl" },
      known: "people",
      nonsense: { sql: "SELEC id FROM people" },
      failsLater: {
        sql: "SELECT id::integer::text AS id, name, size, price, score, active, born, seen, extra, raw FROM people",
      },
    };
  };
}

testSource(postgres, sourceFixture("table"));
testSource({ ...postgres, title: "Postgres, by query," }, sourceFixture("sql"));

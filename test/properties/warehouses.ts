/** Warehouses that can compare rows themselves, for the tests of that. @module */
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { PGlite } from "@electric-sql/pglite";
import { onTestFinished } from "vitest";
import duckdb from "../../providers/duckdb/index.ts";
import { openClient } from "../../providers/postgres/client.ts";
import postgres from "../../providers/postgres/index.ts";
import snowflake from "../../providers/snowflake/index.ts";
import { startSandbox } from "../../providers/snowflake/sandbox.ts";
import { testContext } from "../context.ts";
import { temporaryFolder } from "../world.ts";
import type { Warehouse } from "./pushdown-world.ts";

/** A warehouse whose owner can look into it. */
export interface OpenWarehouse extends Warehouse {
  rows(sql: string): Promise<readonly (readonly unknown[])[]>;
  /** Name of the schema with the marks, quoted. */
  readonly schema: string;
  /** A table's expression of thousand rows, and that of their number. */
  readonly thousand: readonly [from: string, n: string];
}

export async function duckdbWarehouse(): Promise<OpenWarehouse> {
  const path = join(await temporaryFolder(), "warehouse.duckdb");
  const rows = async (...statements: readonly string[]) => {
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    let last: readonly (readonly unknown[])[] = [];
    for (const statement of statements) last = (await connection.runAndReadAll(statement)).getRowsJson();
    connection.closeSync();
    instance.closeSync();
    return last;
  };
  await rows();
  return {
    system: duckdb,
    options: { path },
    schema: '"EBB"',
    thousand: ["generate_series(0, 999) t(i)", "i"],
    rows: (sql) => rows(sql),
    execute: async (statements) => void (await rows(...statements)),
  };
}

/** An embedded database. It has one connection, so what its owner does goes through the same client. */
export async function postgresWarehouse(): Promise<OpenWarehouse> {
  const folder = await temporaryFolder();
  await (await PGlite.create({ dataDir: folder })).close();
  const client = await openClient({ embedded: folder }, testContext({ connection: "owner" }));
  onTestFinished(() => client.close());
  const { signal } = new AbortController();
  return {
    system: postgres,
    options: { embedded: folder },
    schema: "ebb",
    thousand: ["generate_series(0, 999) t(i)", "i"],
    rows: async (sql) => (await client.query(sql, [], signal)).rows.map((row) => Object.values(row)),
    execute: (statements) =>
      client.transaction(async (tx) => {
        for (const statement of statements) await tx.query(statement);
      }, signal),
  };
}

/** The sandbox, with a role that may write. */
export async function snowflakeWarehouse(): Promise<OpenWarehouse> {
  const sandbox = await startSandbox({ port: 0, faults: { writes: true } });
  onTestFinished(() => sandbox.close());
  const ask = async (sql: string): Promise<{ readonly rows: readonly (readonly unknown[])[] }> => {
    const answer = await fetch(`${sandbox.url}/__sandbox/sql`, { method: "POST", body: sql });
    if (!answer.ok) throw new TypeError(await answer.text());
    return (await answer.json()) as { rows: readonly (readonly unknown[])[] };
  };
  const { account, user, token = "" } = sandbox.credentials;
  return {
    system: snowflake,
    env: { TOKEN: token },
    options: {
      account,
      user,
      token: "env:TOKEN",
      largeResultRows: 500_000,
      baseUrl: sandbox.url,
      database: "DEMO",
      schema: "PUBLIC",
    },
    schema: "ebb",
    thousand: ["TABLE(GENERATOR(ROWCOUNT => 1000))", "SEQ4()"],
    rows: async (sql) => (await ask(sql)).rows,
    execute: async (statements) => {
      for (const statement of statements) await ask(statement);
    },
  };
}

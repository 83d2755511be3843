/** Marks on their way into a table: a Parquet file in the scratch folder, put on the user's stage and loaded from there. @module */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Context, literal, loadDuckdb, type RecordRequest, withToken } from "../../src/connector/index.ts";
import type { Driver } from "./driver.ts";
import { quoted } from "./query.ts";

export async function loadMarks(
  driver: Driver,
  context: Context,
  target: string,
  next: string,
  marks: RecordRequest["marks"],
  signal: AbortSignal,
): Promise<void> {
  const label = "ebb marks";
  const stage = `@~/ebb/${randomUUID()}/`;
  const file = join(await context.scratch(), `${randomUUID()}.parquet`);
  // The driver sets the process's file mode mask for good where a stage is local.
  const mask = process.umask(0o077);
  try {
    await writeParquet(file, withToken(next, marks));
    await driver.execute(`PUT ${quoted(`file://${file}`)} ${stage} AUTO_COMPRESS = FALSE`, { label }, signal);
    await driver.execute(
      `COPY INTO ${target} FROM ${stage} FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE`,
      { label },
      signal,
    );
  } finally {
    process.umask(mask);
    await rm(file, { force: true });
    // An aborted signal must not leave keys behind on the stage.
    await driver.execute(`REMOVE ${stage}`, { label }, new AbortController().signal).catch(() => undefined);
  }
}

async function writeParquet(file: string, marks: RecordRequest["marks"]): Promise<void> {
  const duckdb = loadDuckdb();
  const instance = await duckdb.DuckDBInstance.create(":memory:", {
    memory_limit: "500MB",
    temp_directory: `${file}.spill`,
    autoinstall_known_extensions: "false",
  });
  const connection = await instance.connect();
  try {
    await connection.run("CREATE TABLE marks (key VARCHAR, hash VARCHAR)");
    for await (const page of marks) {
      const json = JSON.stringify(page.map(({ key, hash }) => [key, hash]));
      await connection.run(
        `INSERT INTO marks SELECT p[1], p[2] FROM (SELECT unnest(from_json($1, '[["VARCHAR"]]')) AS p)`,
        [json],
      );
    }
    await connection.run(`COPY marks TO ${literal(file)} (FORMAT parquet, COMPRESSION snappy)`);
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(`${file}.spill`, { recursive: true, force: true });
  }
}

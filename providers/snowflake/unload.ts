/** Large results: unloaded to the user's stage as Parquet, fetched to the scratch folder, and removed there. @module */
import { randomUUID } from "node:crypto";
import { mkdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  type Column,
  type Context,
  canonicalSql,
  type Extract,
  ident,
  literal,
  TransientError,
} from "../../src/connector/index.ts";
import type { Driver, Result } from "./driver.ts";
import { quoted } from "./query.ts";

/** Bytes of one file. */
const fileSize = 256 * 1024 * 1024;

/**
 * The rows of a result that has run already. The query does not run again: its result is what is unloaded. Rejects,
 * with nothing left behind, where the role may not do this.
 */
export async function unload(
  driver: Driver,
  result: Result,
  columns: readonly Column[],
  context: Context,
  label: string | undefined,
  signal: AbortSignal,
): Promise<Extract> {
  const stage = `@~/ebb/${randomUUID()}/`;
  const folder = join(await context.scratch(), randomUUID());
  await mkdir(folder, { mode: 0o700 });
  try {
    const copied = await driver.execute(
      `COPY INTO ${stage} FROM (SELECT * FROM TABLE(RESULT_SCAN(${quoted(result.queryId)}))) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE DETAILED_OUTPUT = TRUE MAX_FILE_SIZE = ${fileSize}`,
      { label },
      signal,
    );
    const parts = await copied.rows(signal);
    const rows = parts.reduce((sum, part) => sum + Number(part.ROW_COUNT), 0);
    if (rows !== result.rowCount) throw damaged(`${rows} of ${result.rowCount} rows were unloaded`);
    await fetchFiles(driver, stage, folder, label, signal);
    const files = await Promise.all(parts.map((part) => present(join(folder, basename(part.FILE_NAME ?? "")))));
    const typed = columns.map(
      ({ name, type }, i) => `${canonicalSql(ident(`c${i}`), "VARCHAR", type).sql} AS ${ident(name)}`,
    );
    const list = files.map(literal).join(", ");
    return { kind: "relation", setup: [], sql: `SELECT ${typed.join(", ")} FROM read_parquet([${list}])` };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    // An aborted signal must not leave rows behind on the stage.
    await driver.execute(`REMOVE ${stage}`, { label }, new AbortController().signal).catch(() => undefined);
  }
}

async function fetchFiles(
  driver: Driver,
  stage: string,
  folder: string,
  label: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  // The driver sets the process's file mode mask for good where a stage is local.
  const mask = process.umask(0o077);
  try {
    const fetched = await driver.execute(`GET ${stage} ${quoted(`file://${folder}/`)} PARALLEL = 4`, { label }, signal);
    // A file that could not be fetched is no error to the driver: it only says so in a row.
    for (const { status, message } of await fetched.rows(signal))
      if (status !== "DOWNLOADED") throw damaged(message ? "a file could not be fetched" : `a file is ${status}`);
  } finally {
    process.umask(mask);
  }
}

async function present(path: string): Promise<string> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size === 0) throw damaged("a file is missing");
  return path;
}

const damaged = (what: string) => new TransientError("ANSWER_INVALID", `the result arrived damaged: ${what}`);

/**
 * Instances of the embedded DuckDB. Making one costs more than a small plan does with it, so one that was given back is
 * used again: what was attached is detached, and whatever belongs to a session ends with its connection.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance } from "@duckdb/node-api";
import { canonicalJson } from "../../core/canonical-json.ts";
import { ident } from "../../core/sql.ts";
import { type PrivateFolder, privateFolder } from "./private-folder.ts";

export interface InstanceOptions {
  readonly memoryMb: number;
  readonly threads: number;
}

interface Idle {
  readonly instance: DuckDBInstance;
  readonly memoryMb: number;
  /** Folder it spills to: made when it first does, gone when it is closed. */
  readonly spill: string;
}

export interface Opened extends Idle {
  readonly connection: DuckDBConnection;
}

type Duckdb = typeof import("@duckdb/node-api");

/** Kept for later; what is beyond is closed. */
const MOST_IDLE = 2;
const ATTACH = "ATTACH ':memory:' AS staging";
const idle: Idle[] = [];
let made = 0;
/** Of this process; gone when it ends. */
let spills: PrivateFolder | undefined;

/** An instance with an empty database `staging`, which lies in memory and spills: it needs no log and no checkpoints. */
export async function openInstance(duckdb: Duckdb, { memoryMb, threads }: InstanceOptions): Promise<Opened> {
  const at = idle.findIndex((one) => one.memoryMb === memoryMb);
  const [used] = at < 0 ? [] : idle.splice(at, 1);
  if (used) {
    const connection = await used.instance.connect();
    await connection.run(ATTACH);
    return { ...used, connection };
  }
  spills ??= privateFolder("ebb-spill-");
  const spill = join(spills.directory, String(++made));
  const instance = await duckdb.DuckDBInstance.create(":memory:", {
    memory_limit: `${memoryMb}MB`,
    threads: String(threads),
    temp_directory: spill,
    preserve_insertion_order: "false",
    autoinstall_known_extensions: "false",
  });
  const connection = await instance.connect();
  connection.registerScalarFunction(jsonFunction(duckdb));
  await connection.run(`${ATTACH}; SET GLOBAL TimeZone = 'UTC'`);
  return { instance, connection, memoryMb, spill };
}

/** @param catalogs more may be attached than `staging` */
export async function closeInstance(opened: Opened, catalogs: boolean): Promise<void> {
  const { connection, ...kept } = opened;
  const clean = () => emptied(connection, catalogs).catch(() => false);
  const reusable = idle.length < MOST_IDLE && !existsSync(kept.spill) && (await clean());
  connection.closeSync();
  if (reusable && idle.length < MOST_IDLE) idle.push(kept);
  else kept.instance.closeSync();
}

async function emptied(connection: DuckDBConnection, catalogs: boolean): Promise<boolean> {
  await connection.run("USE memory; DETACH staging; SET GLOBAL preserve_insertion_order = false");
  if (!catalogs) return true;
  const others = await connection.runAndReadAll(
    "SELECT database_name FROM duckdb_databases() WHERE NOT internal AND database_name <> 'memory'",
  );
  for (const [name] of others.getRowsJson()) await connection.run(`DETACH ${ident(String(name))}`);
  return true;
}

/** `ebb_json(text)`: JSON with its keys sorted and without spaces, so that equal documents are equal text. */
function jsonFunction(duckdb: Duckdb) {
  return duckdb.DuckDBScalarFunction.create({
    name: "ebb_json",
    parameterTypes: [duckdb.VARCHAR],
    returnType: duckdb.VARCHAR,
    mainFunction: (_info, input: DuckDBDataChunk, output) => {
      input.getColumnValues(0).forEach((value, row) => {
        output.setItem(row, typeof value === "string" ? canonicalJson(value) : null);
      });
      output.flush();
    },
  });
}

/**
 * Instances of the embedded DuckDB. Making one costs more than a small plan does with it, so one that was given back is
 * used again: what was attached is detached, and whatever belongs to a session ends with its connection.
 * @module
 */
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance } from "@duckdb/node-api";
import { canonicalJson } from "../../core/canonical-json.ts";
import { ident, literal } from "../../core/sql.ts";

export interface InstanceOptions {
  readonly memoryMb: number;
  readonly threads: number;
  /** Folder it spills to. */
  readonly spill: string;
}

export interface Opened {
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
  readonly memoryMb: number;
}

type Duckdb = typeof import("@duckdb/node-api");

/** Kept for later; what is beyond is closed. */
const MOST_IDLE = 2;
const idle: Omit<Opened, "connection">[] = [];

/** An instance with an empty database `staging`, which lies in memory and spills: it needs no log and no checkpoints. */
export async function openInstance(duckdb: Duckdb, { memoryMb, threads, spill }: InstanceOptions): Promise<Opened> {
  const at = idle.findIndex((one) => one.memoryMb === memoryMb);
  const [used] = at < 0 ? [] : idle.splice(at, 1);
  if (used) {
    const connection = await used.instance.connect();
    try {
      // One that has spilled keeps to its folder, which is gone, and says so.
      await connection.run(`SET GLOBAL temp_directory = ${literal(spill)}; ATTACH ':memory:' AS staging`);
      return { ...used, connection };
    } catch {
      connection.closeSync();
      used.instance.closeSync();
    }
  }
  const instance = await duckdb.DuckDBInstance.create(":memory:", {
    memory_limit: `${memoryMb}MB`,
    threads: String(threads),
    temp_directory: spill,
    preserve_insertion_order: "false",
    autoinstall_known_extensions: "false",
  });
  const connection = await instance.connect();
  connection.registerScalarFunction(jsonFunction(duckdb));
  await connection.run("ATTACH ':memory:' AS staging; SET GLOBAL TimeZone = 'UTC'");
  return { instance, connection, memoryMb };
}

/** @param catalogs more may be attached than `staging` */
export async function closeInstance({ instance, connection, memoryMb }: Opened, catalogs: boolean): Promise<void> {
  const clean = idle.length < MOST_IDLE && (await emptied(connection, catalogs).catch(() => false));
  connection.closeSync();
  if (clean && idle.length < MOST_IDLE) idle.push({ instance, memoryMb });
  else instance.closeSync();
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

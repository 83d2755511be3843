/**
 * Instances of the embedded DuckDB, with nothing but an empty database in memory. Making one costs more than a small plan
 * does with it, so one that was given back is used again: what was attached is detached, and whatever belongs to a session
 * ends with its connection.
 * @module
 */
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance } from "@duckdb/node-api";
import { canonicalJson } from "../core/canonical-json.ts";
import { ident } from "../core/sql.ts";
import { loadDuckdb } from "./duckdb.ts";

/** DuckDB's own settings, for all that is done with an instance. */
export type InstanceSettings = Readonly<Record<string, string>>;

interface Instance {
  readonly kind: string;
  readonly settings: InstanceSettings;
  readonly instance: DuckDBInstance;
  /** Files may be attached besides the database in memory. */
  readonly attached: boolean;
}

export interface Taken extends Instance {
  readonly connection: DuckDBConnection;
}

/** Kept of each kind, for plans beside each other; what is beyond is closed. */
const MOST_IDLE = 4;
const idle: Instance[] = [];
let holders = 0;

/**
 * Until the function that it answers is called, idle instances keep the files that are attached to them: attaching reads
 * all that a file has, and one plan attaches the same files for each of its syncs.
 */
export function holdAttached(): () => Promise<void> {
  holders += 1;
  let held = true;
  return async () => {
    if (held) holders -= 1;
    held = false;
    if (holders > 0) return;
    const all = idle.splice(0);
    idle.push(...all.filter(({ attached }) => !attached));
    for (const one of all.filter(({ attached }) => attached))
      await giveBack({ ...one, connection: await one.instance.connect() });
  };
}

/**
 * An instance that nobody else has. It knows the function `ebb_json(text)`: JSON with its keys sorted and without spaces,
 * so that equal documents are equal text.
 *
 * @param kind instances of one kind stand for each other
 * @param settings of a new one
 */
export async function takeInstance(kind: string, settings: () => InstanceSettings): Promise<Taken> {
  const at = idle.findIndex((one) => one.kind === kind);
  const [used] = at < 0 ? [] : idle.splice(at, 1);
  const one = used ?? (await makeInstance(kind, settings()));
  return { ...one, connection: await one.instance.connect() };
}

/**
 * Detaches what is attached, which releases its files. Global settings that were changed stay so.
 *
 * @param keep false where it cannot be used again
 * @param own the one database to detach while somebody holds the others; all when absent
 */
export async function giveBack(
  { connection, kind, settings, instance }: Taken,
  { keep = true, own }: { readonly keep?: boolean; readonly own?: string } = {},
): Promise<void> {
  const room = () => idle.filter((one) => one.kind === kind).length < MOST_IDLE;
  const some = own !== undefined && holders > 0 ? [own] : undefined;
  const clean = () => detach(connection, some).catch(() => false);
  const cleaned = keep && room() && (await clean());
  connection.closeSync();
  const attached = some !== undefined;
  if (cleaned && room() && !(attached && holders === 0)) idle.push({ kind, settings, instance, attached });
  else instance.closeSync();
}

async function makeInstance(kind: string, settings: InstanceSettings): Promise<Instance> {
  const duckdb = loadDuckdb();
  const instance = await duckdb.DuckDBInstance.create(":memory:", {
    // A missing extension must fail at once instead of being fetched from the internet.
    autoinstall_known_extensions: "false",
    ...settings,
  });
  const connection = await instance.connect();
  connection.registerScalarFunction(
    duckdb.DuckDBScalarFunction.create({
      name: "ebb_json",
      parameterTypes: [duckdb.VARCHAR],
      returnType: duckdb.VARCHAR,
      mainFunction: (_info, input: DuckDBDataChunk, output) => {
        input.getColumnValues(0).forEach((value, row) => {
          output.setItem(row, typeof value === "string" ? canonicalJson(value) : null);
        });
        output.flush();
      },
    }),
  );
  connection.closeSync();
  return { kind, settings, instance, attached: false };
}

async function detach(connection: DuckDBConnection, some?: readonly string[]): Promise<true> {
  const names = some ?? (await attachedTo(connection));
  await connection.run(["USE memory", ...names.map((name) => `DETACH ${ident(name)}`)].join("; "));
  return true;
}

async function attachedTo(connection: DuckDBConnection): Promise<readonly string[]> {
  const found = await connection.runAndReadAll(
    "SELECT database_name FROM duckdb_databases() WHERE NOT internal AND database_name <> 'memory'",
  );
  return found.getRowsJson().map(([name]) => String(name));
}

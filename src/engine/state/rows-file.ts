/** Files of rows in the state: ledger segments, marks, quarantine. A file is never written again under its name. @module */
import { dirname } from "node:path";
import { literal } from "../../core/sql.ts";
import type { Staging } from "../staging/staging.ts";
import type { World } from "../world.ts";
import { fileName, type StateStore } from "./state.ts";

/** Path of a file within the state: what kind it is, of which sync, which serial it belongs to and which run wrote it. */
export function rowsFile(kind: "ledger" | "marks" | "quarantine", sync: string, serial: number, run: string): string {
  return `${kind}/${fileName(sync)}/${String(serial).padStart(8, "0")}-${run}.parquet`;
}

/** Writes the rows of a query; the file is on the disk when this returns. @returns the number of rows */
export async function writeRows(
  world: Pick<World, "disk">,
  store: StateStore,
  staging: Staging,
  file: string,
  sql: string,
): Promise<number> {
  const path = store.path(file);
  await world.disk.makeDirectory(dirname(path));
  const { Count } = await staging.row<{ Count: string }>(
    `COPY (${sql}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  await world.disk.flush(path);
  return Number(Count);
}

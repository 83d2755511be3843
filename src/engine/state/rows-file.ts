/** Files of rows in the state: ledger segments, marks, quarantine. A file is never written again under its name. @module */
import { dirname } from "node:path";
import { literal } from "../../core/sql.ts";
import type { Staging } from "../staging/staging.ts";
import type { World } from "../world.ts";
import { fileName, type StateStore } from "./state.ts";

export interface RowsFile {
  readonly kind: "ledger" | "marks" | "quarantine";
  readonly sync: string;
  readonly serial: number;
  readonly run: string;
}

/**
 * A new path within the state. Its end is by chance: a run that is taken up writes files of its own, since whoever had it
 * before may only have been stopped for a while, and go on writing his.
 */
export function rowsFile(world: Pick<World, "randomName">, { kind, sync, serial, run }: RowsFile): string {
  const chance = world.randomName().slice(0, 6);
  return `${kind}/${fileName(sync)}/${String(serial).padStart(8, "0")}-${run}-${chance}.parquet`;
}

/** Whether a file of rows was written by a run. */
export function isOfRun(file: string, run: string): boolean {
  return file.includes(`-${run}-`);
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

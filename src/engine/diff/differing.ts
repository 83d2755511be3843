/**
 * Keys whose two row hashes differ, found part by part when a side is large.
 *
 * One join over all rows holds one side's keys in memory and, beyond the engine's limit, writes both sides to disk with
 * every column. So both are first written out as key and hash alone, and then joined one part of the keys after another:
 * the memory stays that of one part, however many rows there are.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { literal } from "../../core/sql.ts";
import { type Staging, table } from "../staging/staging.ts";

/** Rows of the larger side that are joined in one go: what fits in the engine's memory limit. */
const WHOLE_ROWS = 10_000_000;
/** In parts, rows of the larger side that are joined at once: less, for what is written and read again wants room too. */
const PART_ROWS = 5_000_000;

/** How many parts sides of so many rows are joined in. */
export function partsFor(...rows: readonly number[]): number {
  const most = Math.max(...rows);
  return most <= WHOLE_ROWS ? 1 : Math.ceil(most / PART_ROWS);
}

export interface DifferingInput {
  /** Relations with `key` and `h`; keys that are null are left out. */
  readonly desired: string;
  readonly ledger: string;
  readonly parts: number;
}

/** Fills `differing`: key, whether it is wanted (`present`) and whether it is recorded (`known`); each key once. */
export async function stageDiffering(staging: Staging, { desired, ledger, parts }: DifferingInput): Promise<number> {
  // A folder of its own: the engine may remember what it last read under a path.
  const folder = await mkdtemp(join(staging.directory, "hashes-"));
  const write = async (side: string, relation: string) => {
    const file = join(folder, `${side}.parquet`);
    await staging.run(
      `COPY (SELECT key, h FROM ${relation} WHERE key IS NOT NULL) TO ${literal(file)} (FORMAT parquet, COMPRESSION snappy)`,
    );
    return file;
  };
  const wanted = await write("desired", desired);
  const recorded = await write("ledger", ledger);
  const part = (file: string, n: number) =>
    `(SELECT key, h FROM read_parquet(${literal(file)}) WHERE hash(key) % ${parts} = ${n})`;
  await staging.run(
    `CREATE OR REPLACE TABLE ${table("differing")} AS ${differingSql(part(wanted, 0), part(recorded, 0))}`,
  );
  for (let n = 1; n < parts; n++)
    await staging.run(`INSERT INTO ${table("differing")} ${differingSql(part(wanted, n), part(recorded, n))}`);
  await rm(folder, { recursive: true, force: true });
  const { n } = await staging.row<{ n: string }>(`SELECT count(*) AS n FROM ${table("differing")}`);
  return Number(n);
}

function differingSql(wanted: string, recorded: string): string {
  return `SELECT DISTINCT coalesce(d.key, r.key) AS key, d.key IS NOT NULL AS present, r.key IS NOT NULL AS known
    FROM ${wanted} d FULL JOIN ${recorded} r ON d.key = r.key WHERE d.h IS DISTINCT FROM r.h`;
}

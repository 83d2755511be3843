/** The ledger after a run, without a plan: whole, and knowing what the run was told. @module */
import type { Change } from "../../src/core/types.ts";
import { Status } from "../../src/engine/run/progress.ts";
import type { LoadedRun } from "../../src/engine/run/runs.ts";
import { checksumOfFile } from "../../src/engine/staging/digest.ts";
import { withStaging } from "../../src/engine/staging/scratch.ts";
import { openState } from "../../src/engine/state/state.ts";
import { spared } from "./process.ts";
import type { Stage } from "./stage.ts";

interface Row extends Readonly<Record<string, unknown>> {
  readonly key: string;
  readonly id: string | null;
  readonly gone: boolean;
}

export async function checkLedger(stage: Stage, changes: readonly Change[], run: LoadedRun | undefined): Promise<void> {
  const { witness, store: records, config } = stage.model;
  const world = stage.world(stage.start("inspector", spared));
  const store = openState(world, ".ebb");
  const ledger = (await store.read()).syncs.people;
  const paths: string[] = [];
  for (const { file, checksum } of ledger?.segments ?? []) {
    const path = store.path(file);
    const found = (await world.disk.exists(path)) ? await checksumOfFile(path) : "no file";
    if (checksum !== undefined && found !== checksum)
      witness.broken("result", `ledger segment ${file} has checksum ${found} and should have ${checksum}`);
    paths.push(path);
  }
  if (witness.violations.length > 0 || !run) return;
  const rows = new Map<string, Row>();
  const one = (path: string, n: number) => `SELECT ${n} AS segment, key, id, gone FROM read_parquet('${path}')`;
  if (paths.length > 0)
    await withStaging({}, async (staging) => {
      const all = `SELECT * FROM (${paths.map(one).join(" UNION ALL ")}) ORDER BY segment`;
      for (const row of await staging.rows<Row>(all)) rows.set(String(row.key), row);
    });
  const status = run.progress.get("people")?.status ?? new Uint8Array();
  for (const { n, action, key, ...change } of changes) {
    if (status[n] !== Status.applied) continue;
    const row = rows.get(key);
    const owned = row && !row.gone;
    if (action === "delete" && owned) witness.broken("result", `#${n} deleted ${key}, and the ledger still has it`);
    if (action === "delete") continue;
    if (!owned)
      witness.broken("nothing lost", `#${n} ${action} ${key} is told as applied, and the ledger has no such record`);
    else if (row.id !== null && records.records.get(row.id)?.key !== key)
      witness.broken("result", `#${n} ${action} ${key}: the ledger says ${row.id}, which is not there`);
    else if ("id" in change && row.id !== null && row.id !== change.id)
      witness.broken("result", `#${n} ${action} ${key}: the ledger says ${row.id}, the plan ${change.id}`);
    else if (row.id === null && !config.idIsKey)
      witness.broken("result", `#${n} ${action} ${key}: the ledger has no id`);
  }
}

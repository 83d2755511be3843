/** What earlier runs did to one record. @module */
import { literal } from "../../core/sql.ts";
import type { Action } from "../../core/types.ts";
import { changesFrom } from "../diff/changes.ts";
import { startedAt } from "../run/journal.ts";
import { type StatusName, statusName } from "../run/progress.ts";
import { listRuns, loadRun } from "../run/runs.ts";
import type { Staging } from "../staging/staging.ts";
import type { StateStore } from "../state/state.ts";
import type { World } from "../world.ts";

export interface RunOfRecord {
  readonly run: string;
  readonly started: string;
  readonly action: Action;
  readonly status: StatusName;
  /** The vendor's own code, field and sentence, where it refused. The sentence may quote values. */
  readonly refused?: { readonly code: string; readonly field: string | null; readonly message: string };
}

const LOOKED_AT = 20;

/** The last twenty runs, newest first, as far as they had a change for this record. */
export async function recordHistory(
  world: World,
  store: StateStore,
  staging: Staging,
  sync: string,
  key: string,
): Promise<readonly RunOfRecord[]> {
  const names = (await listRuns(world, store)).slice(-LOOKED_AT).reverse();
  const found: RunOfRecord[] = [];
  for (const name of names) {
    const run = await loadRun(world, store, name);
    const planned = run.manifest.syncs.find((one) => one.sync.name === sync);
    const progress = run.progress.get(sync);
    if (!planned || !progress || planned.changes === 0) continue;
    const rows = await staging.rows<{ n: string; action: Action }>(
      `SELECT n, action FROM ${changesFrom(run.files.plan, planned)} WHERE key = ${literal(key)}`,
    );
    for (const { n, action } of rows) {
      const status = statusName(progress.status[Number(n)]);
      const rejected = progress.rejected.get(Number(n));
      const refused = rejected && { code: rejected[1], field: rejected[2], message: rejected[3] };
      found.push({ run: name, started: startedAt(run.entries), action, status, ...(refused ? { refused } : {}) });
    }
  }
  return found;
}

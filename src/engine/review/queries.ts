/** A sync's own SQL beside that of its last run. @module */
import { join } from "node:path";
import type { PlanManifest } from "../../core/plan.ts";
import { listRuns, runFiles } from "../run/runs.ts";
import type { StateStore } from "../state/state.ts";
import type { World } from "../world.ts";

export interface ChangedQuery {
  readonly before: string;
  readonly after: string;
}

/** Runs looked at, newest first. */
const MOST_RUNS = 20;

/** Queries that differ from those of the last run of the same sync, by the sync's name. */
export async function changedQueries(
  world: World,
  store: StateStore,
  { syncs }: PlanManifest,
): Promise<ReadonlyMap<string, ChangedQuery>> {
  const left = new Map(syncs.flatMap(({ sync }) => (sync.source.query ? [[sync.name, sync.source.query]] : [])));
  const changed = new Map<string, ChangedQuery>();
  const runs = (await listRuns(world, store)).toReversed().slice(0, MOST_RUNS);
  for (const run of runs) {
    if (left.size === 0) break;
    const text = await world.disk.read(join(runFiles(store, run).plan, "manifest.json"));
    const manifest: PlanManifest | null = text === null ? null : JSON.parse(text);
    for (const { sync } of manifest?.syncs ?? []) {
      const after = left.get(sync.name);
      const before = sync.source.query;
      if (after !== undefined && before !== undefined && before !== after) changed.set(sync.name, { before, after });
      left.delete(sync.name);
    }
  }
  return changed;
}

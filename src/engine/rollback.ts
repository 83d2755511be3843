/** The verb rollback: a plan that puts back what a run has changed, as far as it still stands. @module */
import type { Project } from "../core/decode.ts";
import { ConfigError, ConflictError } from "../core/errors.ts";
import { type PlanOptions, plan } from "./plan.ts";
import type { OpenPlan } from "./plan-file.ts";
import { loadRun } from "./run/runs.ts";
import { openState } from "./state/state.ts";
import type { Listener, World } from "./world.ts";

/**
 * Plans the inverse of a run that has ended. It is a plan like any other: read from the destination, held by guards,
 * saved, reviewed, applied. Fields that somebody changed since, or a later run, are left as they are.
 */
export async function rollback(
  world: World,
  project: Project,
  name: string,
  options: Omit<PlanOptions, "refresh" | "rollback">,
  listen: Listener,
  signal: AbortSignal,
): Promise<OpenPlan> {
  const run = await loadRun(world, openState(world, project.state.directory), name);
  if (!run.result) throw new ConflictError("RUN_UNFINISHED", `run ${name} stopped before its end`);
  const declared = new Set(project.syncs.map((sync) => sync.name));
  for (const { sync } of run.manifest.syncs)
    if (!declared.has(sync.name))
      throw new ConfigError("SYNC_UNKNOWN", `run ${name} wrote for sync "${sync.name}", which is no longer declared`, {
        next: "Declare it again, as it was, to roll the run back.",
      });
  return plan(world, project, { ...options, rollback: run }, listen, signal);
}

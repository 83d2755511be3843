/** The verb replan: plans a reviewed plan's syncs again, now that the world may have moved. Writes nothing. @module */
import type { Project } from "../core/decode.ts";
import { ConflictError } from "../core/errors.ts";
import type { Refresh } from "../core/sync.ts";
import { checkApplicable } from "./apply.ts";
import { type Containment, containmentOf, isContained } from "./contained.ts";
import { type PlanOptions, plan } from "./plan.ts";
import { type OpenPlan, readPlan } from "./plan-file.ts";
import { rollback } from "./rollback.ts";
import { unfinishedRuns } from "./run/runs.ts";
import { openState } from "./state/state.ts";
import type { Listener, World } from "./world.ts";

export interface ReplanOptions extends Pick<PlanOptions, "judge"> {
  /** How long ago the reviewed plan may have been made, in milliseconds. */
  readonly withinMs: number;
  /** An empty folder for the new plan's files. The caller removes it. */
  readonly directory: string;
}

/** A plan to apply in place of the reviewed one. Whoever applies it refuses it first where it is not contained. */
export interface Replanned {
  readonly plan: OpenPlan;
  /** It is the plan of a run that stopped before its end: applying it goes on with that run. */
  readonly resumes: boolean;
  readonly containment: Containment;
}

/**
 * Plans again what was reviewed, at the same refresh level, and compares. Where a run stopped before its end, it is that
 * run's plan that is compared: a job that is started anew finishes what it had begun.
 *
 * @throws ConflictError PLAN_EXPIRED when the reviewed plan is too old; PLAN_INCOMPLETE, GUARD_STOPPED, POLICY_DENIED or PLAN_FOREIGN of
 * either plan; RUN_UNFINISHED when the run that stopped does what was not reviewed
 */
export async function replan(
  world: World,
  project: Project,
  reviewed: OpenPlan,
  { withinMs, ...settings }: ReplanOptions,
  listen: Listener,
  signal: AbortSignal,
): Promise<Replanned> {
  const store = openState(world, project.state.directory);
  checkApplicable(project, await store.read(), reviewed);
  const [unfinished] = await unfinishedRuns(world, store);
  if (unfinished) {
    const begun = await readPlan(world, unfinished.files.plan);
    const containment = await containmentOf(begun, reviewed);
    if (!isContained(containment))
      throw new ConflictError(
        "RUN_UNFINISHED",
        `run ${unfinished.run} stopped before its end, and was not reviewed so`,
      );
    return { plan: begun, resumes: true, containment };
  }
  const { created } = reviewed.manifest;
  if (Date.parse(created) + withinMs < world.now())
    throw new ConflictError("PLAN_EXPIRED", `the plan was made at ${created}, and may not be as old as that`);
  const made = await planAgain(world, project, reviewed, settings, listen, signal);
  checkApplicable(project, await store.read(), made);
  checkAccounts(made, reviewed);
  return { plan: made, resumes: false, containment: await containmentOf(made, reviewed) };
}

function planAgain(
  world: World,
  project: Project,
  { manifest, summary }: OpenPlan,
  settings: Omit<ReplanOptions, "withinMs">,
  listen: Listener,
  signal: AbortSignal,
): Promise<OpenPlan> {
  const targets = manifest.syncs.map(({ sync }) => sync.name);
  if (summary.rollback !== undefined)
    return rollback(world, project, summary.rollback, { targets, ...settings }, listen, signal);
  const levels = new Set<Refresh>(summary.syncs.map(({ basis }) => basis.refresh));
  const [refresh] = levels.size === 1 ? levels : [];
  return plan(world, project, { targets, ...settings, ...(refresh ? { refresh } : {}) }, listen, signal);
}

function checkAccounts(made: OpenPlan, reviewed: OpenPlan): void {
  for (const { sync, account } of made.manifest.syncs) {
    const before = reviewed.manifest.syncs.find((one) => one.sync.name === sync.name);
    if (before && before.account !== account)
      throw new ConflictError("PLAN_FOREIGN", `the plan is for ${before.account}, the connection reaches ${account}`);
  }
}

/** The refusal of a plan that is not contained in the reviewed one, with numbers and no keys. */
export function movedError({ changes, unreviewed, different, newFields }: Containment): ConflictError {
  const how = [
    ...(unreviewed > 0 ? [`${unreviewed} of records it does not change`] : []),
    ...(different > 0 ? [`${different} that it makes otherwise`] : []),
  ];
  const what = [
    ...(how.length > 0
      ? [`${unreviewed + different} of ${changes} changes are not in the reviewed plan (${how.join(", ")})`]
      : []),
    ...(newFields.length > 0 ? [`fields would be made that were not reviewed: ${newFields.join(", ")}`] : []),
  ];
  return new ConflictError("PLAN_MOVED", `planned again, ${what.join("; ")}`);
}

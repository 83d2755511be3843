/** Where policies meet a plan: when it is made, and again when a saved one is shown or applied. @module */
import type { PlanOptions } from "../engine/plan.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import { judge, loadPolicies } from "./policies.ts";

/** What the verb plan needs to judge its plan; loads every file, so that a broken one ends the command at once. */
export async function judging(files: readonly string[]): Promise<Pick<PlanOptions, "judge">> {
  if (files.length === 0) return {};
  const policies = await loadPolicies(files);
  return { judge: (input, signal) => judge(policies, input, signal) };
}

/** The same, but files are loaded when there is a plan to be judged. */
export function judgingLater(files: readonly string[]): Pick<PlanOptions, "judge"> {
  if (files.length === 0) return {};
  return { judge: async (input, signal) => judge(await loadPolicies(files), input, signal) };
}

/**
 * A saved plan with what further policies say of it today. Of a policy that judged it before, the newer word counts.
 *
 * @param now milliseconds since the epoch
 */
export async function judgedAgain(
  plan: OpenPlan,
  files: readonly string[],
  now: number,
  signal: AbortSignal,
): Promise<OpenPlan> {
  if (files.length === 0) return plan;
  const policies = await loadPolicies(files);
  const { digest: _, policies: before = [], ...judged } = plan.summary;
  const input = { plan: judged, syncs: plan.manifest.syncs.map(({ sync }) => sync), at: new Date(now).toISOString() };
  const again = new Set(policies.map(({ policy }) => policy.code));
  const results = [...before.filter(({ code }) => !again.has(code)), ...(await judge(policies, input, signal))];
  return { ...plan, summary: { ...plan.summary, policies: results } };
}

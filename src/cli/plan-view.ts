/** What a plan's commands share: the text or the JSON of a plan, and the exit code it means. @module */
import { isEmpty, isStopped } from "../core/plan.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import { Exit } from "./exit.ts";
import type { Shell } from "./shell.ts";

export interface PlanViewOptions {
  /** Show the values of every field. */
  readonly showValues: boolean;
  /** Records of each kind to show. */
  readonly limit: number;
  readonly next: readonly string[];
  /** File the plan was saved to. */
  readonly file?: string;
  /** A run that stopped before its end. */
  readonly unfinished?: string | null;
}

/** A plan as the shell wants it. */
export async function planText(shell: Shell, plan: OpenPlan, options: PlanViewOptions): Promise<string> {
  const { reviewPlan } = await import("../engine/review/review.ts");
  const review = (samplesOnly: boolean) => reviewPlan(plan, { limit, samplesOnly });
  const { showValues, limit, next, file, unfinished } = options;
  const { summary, manifest } = plan;
  if (shell.json) {
    const { planJson } = await import("../report/json.ts");
    const samples = showValues ? { samples: await review(true) } : {};
    return planJson(summary, { ...samples, ...(file === undefined ? {} : { file }), unfinished: unfinished ?? null });
  }
  const [{ renderPlan }, { createReveal, saltOf }] = await Promise.all([
    import("../report/terminal.ts"),
    import("../report/reveal.ts"),
  ]);
  const reveal = createReveal(
    manifest.syncs.map(({ sync }) => sync),
    { all: showValues || shell.interactive, salt: saltOf(manifest) },
  );
  return renderPlan({ summary, samples: await review(false), reveal, next }, shell.style);
}

/** The exit code of `ebb plan`. */
export function exitOfPlan({ summary }: OpenPlan, detailed: boolean): number {
  if (!summary.complete) return Exit.refused;
  if (isStopped(summary)) return Exit.stopped;
  return detailed && !isEmpty(summary) ? Exit.changes : Exit.done;
}

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

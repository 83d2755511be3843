/** What a plan's commands share: the text or the JSON of a plan, and the exit code it means. @module */
import { isEmpty, isStopped } from "../core/plan.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import type { ReviewOptions } from "../engine/review/review.ts";
import type { MarkdownView } from "../report/markdown/plan.ts";
import type { PlanView } from "../report/terminal.ts";
import { Exit } from "./exit.ts";
import { invocation } from "./invocation.ts";
import type { LevelOptions } from "./options.ts";
import type { Shell } from "./shell.ts";

/** Numbers alone, or so many records of each kind as well. */
export type ShownLevel = "summary" | { readonly detail: number };

export interface PlanViewOptions extends Pick<PlanView, "next" | "queries" | "showing"> {
  /** Show the values of every field. */
  readonly all: boolean;
  readonly level: ShownLevel;
  /** File the plan was saved to. */
  readonly file?: string;
  /** A run that stopped before its end. */
  readonly unfinished?: string | null;
}

export function levelOf({ summary = false, detail }: LevelOptions): ShownLevel {
  return summary ? "summary" : { detail };
}

/** A plan as the shell wants it. */
export async function planText(shell: Shell, plan: OpenPlan, options: PlanViewOptions): Promise<string> {
  const { reviewPlan } = await import("../engine/review/review.ts");
  const { all, level, file, unfinished, ...view } = options;
  const { summary, manifest } = plan;
  if (shell.json) {
    const { planJson } = await import("../report/json.ts");
    const samples = all ? { samples: await reviewPlan(plan, { ...looking(level), samplesOnly: true }) } : {};
    return planJson(summary, { ...samples, ...(file === undefined ? {} : { file }), unfinished: unfinished ?? null });
  }
  const [{ renderPlan }, { createReveal, saltOf }, { toAscii }] = await Promise.all([
    import("../report/terminal.ts"),
    import("../report/reveal.ts"),
    import("../report/ascii.ts"),
  ]);
  const reveal = createReveal(
    manifest.syncs.map(({ sync }) => sync),
    { all, salt: saltOf(manifest) },
  );
  const reviews = await reviewPlan(plan, looking(level));
  const text = renderPlan(
    { ...view, summary, reviews, reveal, level: level === "summary" ? "summary" : "records" },
    shell.style,
  );
  return shell.ascii ? toAscii(text) : text;
}

/** A plan as a comment of a pull request. */
export async function planMarkdown(
  { stack }: Shell,
  plan: OpenPlan,
  { level, apply, show }: Pick<MarkdownView, "apply" | "show"> & { readonly level: ShownLevel },
): Promise<string> {
  const [{ reviewPlan }, { renderMarkdown }, { createReveal, saltOf }] = await Promise.all([
    import("../engine/review/review.ts"),
    import("../report/markdown/plan.ts"),
    import("../report/reveal.ts"),
  ]);
  const { summary, manifest } = plan;
  const reveal = createReveal(
    manifest.syncs.map(({ sync }) => sync),
    { all: false, salt: saltOf(manifest) },
  );
  // Whatever changes between two plans of a request, the comment stays the one that was written first.
  const name = stack ?? "plan";
  return renderMarkdown({ summary, reviews: await reviewPlan(plan, looking(level)), reveal, name, apply, show });
}

function looking(level: ShownLevel): ReviewOptions {
  return level === "summary" ? { limit: 0, samplesOnly: true } : { limit: level.detail };
}

/** The exit code of `ebb plan`. */
export function exitOfPlan({ summary }: OpenPlan, detailed: boolean): number {
  if (!summary.complete) return Exit.refused;
  if (isStopped(summary)) return Exit.stopped;
  return detailed && !isEmpty(summary) ? Exit.changes : Exit.done;
}

/** The command that applies exactly this plan and no other; null where it cannot be applied. */
export function applyCommand({ summary, manifest }: OpenPlan, file: string, expired = false): string | null {
  const nothing = manifest.syncs.every(({ changes, confirmed }) => changes + confirmed === 0);
  if (!summary.complete || isStopped(summary) || nothing || expired) return null;
  return `${invocation()} apply ${quoted(file)} --digest ${summary.digest}`;
}

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A plan as a tool answers it: the summary as JSON, the review as markdown, both without private values. @module */
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { type PlanSummary, type Verdict, verdictOf } from "../../core/plan.ts";
import type { OpenPlan } from "../../engine/plan-file.ts";
import { planJson } from "../../report/json.ts";
import { saltOf } from "../../report/reveal.ts";
import { createMask } from "../../report/sanitise.ts";
import { invocation } from "../invocation.ts";
import { planMarkdown, quoted } from "../plan-view.ts";
import type { Shell } from "../shell.ts";
import { resultOf } from "./result.ts";
import type { Withhold } from "./withheld.ts";

/** What a saved plan comes to now. */
type Told = Verdict | "expired";

const words: Readonly<Record<Told, string>> = {
  incomplete: "INCOMPLETE: something could not be read, so this plan does not know everything and cannot be applied.",
  stopped: "STOPPED: a guard or a policy holds this plan back. It cannot be applied.",
  expired: "EXPIRED: plan again.",
  empty: "Nothing to change.",
  ready: "No guard and no policy stops it.",
};

export interface PlanResultOptions {
  /** Records of each kind. */
  readonly detail: number;
  /** File it is saved in, from the project's folder; null where it is not. */
  readonly file: string | null;
  readonly unfinished?: string | undefined;
  readonly withhold: Withhold;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export async function planResult(shell: Shell, plan: OpenPlan, options: PlanResultOptions): Promise<CallToolResult> {
  const { detail, file, unfinished, withhold, now } = options;
  const summary = tellable(plan.summary, withhold, createMask(saltOf(plan.manifest)));
  const verdict = verdictNow(summary, now);
  const json = planJson(summary, { ...(file === null ? {} : { file }), unfinished: unfinished ?? null });
  const show = file === null ? `${invocation()} plan` : `${invocation()} show ${quoted(file)}`;
  return resultOf({
    said: [words[verdict], saved(verdict, file)],
    data: { verdict, ...(JSON.parse(json) as object) },
    text: await planMarkdown(shell, { ...plan, summary }, { level: { detail }, apply: undefined, show }),
    records: true,
  });
}

function saved(verdict: Told, file: string | null): string {
  if (file === null) return "Nothing was saved, and nothing was written anywhere.";
  return verdict === "ready"
    ? "It is saved in the file below. A person looks at it with `ebb show FILE`; nothing is applied before that."
    : "It is saved in the file below.";
}

function verdictNow(summary: PlanSummary, now: number): Told {
  const verdict = verdictOf(summary);
  const holds = verdict === "incomplete" || verdict === "stopped" || Date.parse(summary.expires) >= now;
  return holds ? verdict : "expired";
}

/** An account is an address, and a vendor's words may hold one. */
function tellable(summary: PlanSummary, withhold: Withhold, mask: (text: string) => string): PlanSummary {
  return {
    ...summary,
    syncs: summary.syncs.map((sync) => ({
      ...sync,
      destination: { ...sync.destination, account: mask(sync.destination.account) },
      problem: sync.problem === null ? null : withhold(sync.problem),
      warnings: sync.warnings.map(withhold),
    })),
  };
}

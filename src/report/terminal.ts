/** A plan as text for a terminal or a log. @module */
import { denials, type PlanSummary, totalChanges } from "../core/plan.ts";
import type { SyncSamples } from "../engine/review/samples.ts";
import { wrap } from "./layout.ts";
import { counted, moment, thousands } from "./numbers.ts";
import { policyLines } from "./policies.ts";
import type { Reveal } from "./reveal.ts";
import { sampleLines } from "./samples.ts";
import type { Style } from "./style.ts";
import { summaryLines } from "./summary.ts";

export interface PlanView {
  readonly summary: PlanSummary;
  readonly samples: readonly SyncSamples[];
  readonly reveal: Reveal;
  /** What to do next: lines that may hold commands. */
  readonly next: readonly string[];
}

/** A plan, sync by sync, with samples, totals and the next step. No line is wider than 80 columns. */
export function renderPlan({ summary, samples, reveal, next }: PlanView, style: Style): string {
  const syncs = summary.syncs.flatMap((sync) => {
    const own = samples.find((one) => one.sync === sync.name);
    return [
      ...summaryLines(sync, own?.rejected ?? [], reveal, style),
      ...(own ? sampleLines(sync, own, reveal, style) : []),
      "",
    ];
  });
  const masked =
    reveal.masks && samples.some((one) => hasRecords(one))
      ? wrap(
          [
            {
              text: "Fields that are not declared public are masked; --show-values shows them.",
              format: "dim",
            },
          ],
          "",
          "",
          style,
        )
      : [];
  const title = summary.rollback === undefined ? [] : [style("bold", `Rollback of run ${summary.rollback}`), ""];
  const policies = policyLines(summary.policies ?? [], style);
  return [...title, ...syncs, ...policies, ...masked, ...totals(summary, style), ...nextLines(next, style)].join("\n");
}

function hasRecords({ creates, updates, deletes, drifted, rejected }: SyncSamples): boolean {
  return [creates, updates, deletes, drifted, rejected].some((list) => list.length > 0);
}

function totals(summary: PlanSummary, style: Style): string[] {
  const sum = (action: "create" | "update" | "delete") =>
    summary.syncs.reduce((total, { counts }) => total + counts[action], 0);
  const stopped = summary.syncs.filter(({ guards }) => guards.length > 0).length;
  const denied = new Set(denials(summary.policies).map(({ code }) => code)).size;
  const unread = summary.syncs.filter(({ complete }) => !complete).length;
  const changes = summary.syncs.reduce((total, { counts }) => total + totalChanges(counts), 0);
  const verdict = [
    unread > 0 ? [style("red", `INCOMPLETE: ${counted(unread, "sync", "syncs")} could not be read.`)] : [],
    stopped > 0 ? [style("red", `STOPPED: a guard holds back ${counted(stopped, "sync", "syncs")}.`)] : [],
    denied > 0 ? [style("red", `DENIED: ${counted(denied, "policy denies", "policies deny")} this plan.`)] : [],
    changes === 0 && unread === 0 ? [style("green", "Nothing to change.")] : [],
  ].flat();
  return [
    style(
      "bold",
      `Total  + ${thousands(sum("create"))}   ~ ${thousands(sum("update"))}   - ${thousands(sum("delete"))}`,
    ),
    style("dim", `Plan ${shortDigest(summary.digest)}, expires ${moment(summary.expires)}`),
    ...verdict,
  ];
}

/** @example shortDigest("7f3a12c9b1e0…") // "7f3a12c9b1e0" */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}

/** The last lines of an output: what to do now. */
export function nextLines(next: readonly string[], style: Style): string[] {
  return next.length === 0 ? [] : ["", style("bold", "Next"), ...next.map((line) => `  ${line}`)];
}

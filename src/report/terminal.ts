/** A plan as text for a terminal or a log. @module */
import { denials, type PlanSummary, totalChanges } from "../core/plan.ts";
import type { SyncReview } from "../engine/review/review.ts";
import { wrap } from "./layout.ts";
import { counted, moment, thousands } from "./numbers.ts";
import { policyLines } from "./policies.ts";
import type { Reveal } from "./reveal.ts";
import { deletes, samples } from "./samples.ts";
import { sanitise } from "./sanitise.ts";
import type { QueryChange, Section } from "./section.ts";
import { numbers, transitions, where } from "./statistics.ts";
import type { Style } from "./style.ts";
import * as of from "./summary.ts";

/** How much is told: numbers alone, or records as well. */
export type Level = "summary" | "records";

export interface PlanView {
  readonly summary: PlanSummary;
  readonly reviews: readonly SyncReview[];
  readonly reveal: Reveal;
  readonly level: Level;
  /** What to do next: lines that may hold commands. */
  readonly next: readonly string[];
  /** SQL that differs from the last run's, by sync. */
  readonly queries?: ReadonlyMap<string, QueryChange>;
  /** The command that shows so many records of each kind. */
  readonly showing?: (records: number) => string;
}

/** What is said of each sync, in this order. */
const sections: Readonly<Record<Level, readonly Section[]>> = {
  summary: [of.header, of.counts, of.newFields, of.reasons, of.rejected, of.warnings, of.guards, deletes],
  records: [
    of.header,
    of.read,
    of.query,
    of.counts,
    of.newFields,
    of.masked,
    of.also,
    of.reasons,
    of.fields,
    numbers,
    transitions,
    where,
    of.rejected,
    of.cost,
    of.warnings,
    of.guards,
    deletes,
    samples,
  ],
};

/** What is said of the plan as a whole, after its syncs. */
const closing: readonly ((view: PlanView, style: Style) => readonly string[])[] = [policies, masked, totals];

/** A plan, sync by sync, then totals and the next step. No line is wider than 80 columns. */
export function renderPlan(view: PlanView, style: Style): string {
  const { summary, reviews, reveal, level, next, queries, showing } = view;
  const syncs = summary.syncs.flatMap((sync) => {
    const review = reviews.find((one) => one.sync === sync.name);
    const part = { sync, review, reveal, query: queries?.get(sync.name), showing };
    const said = sync.complete ? sections[level] : [of.header, of.unread];
    return [...said.flatMap((section) => section(part, style)), ""];
  });
  const title =
    summary.rollback === undefined ? [] : [style("bold", `Rollback of run ${sanitise(summary.rollback)}`), ""];
  return [...title, ...syncs, ...closing.flatMap((say) => say(view, style)), ...nextLines(next, style)].join("\n");
}

function policies({ summary }: PlanView, style: Style): readonly string[] {
  return policyLines(summary.policies ?? [], style);
}

function masked({ reveal, reviews }: PlanView, style: Style): string[] {
  if (!reveal.masks || !reviews.some((one) => hasRecords(one))) return [];
  const text =
    "Fields that are not public are masked: x… stands for letters, 0… for digits; what ends alike behind ••• is alike. A terminal shows all.";
  return wrap([{ text, format: "dim" }], "", "", style);
}

function hasRecords({ creates, updates, deletes, drifted, rejected }: SyncReview): boolean {
  return [creates, updates, deletes, drifted, rejected].some((list) => list.length > 0);
}

function totals({ summary }: PlanView, style: Style): string[] {
  const sum = (action: "create" | "update" | "delete") =>
    summary.syncs.reduce((total, { counts }) => total + counts[action], 0);
  const counts = `+ create ${thousands(sum("create"))}   ~ update ${thousands(sum("update"))}   - delete ${thousands(sum("delete"))}`;
  return [
    ...wrap([{ text: `Total  ${summary.complete ? "" : "at least "}${counts}`, format: "bold" }], "", "  ", style),
    style("dim", `Plan ${shortDigest(summary.digest)}, expires ${moment(summary.expires)}`),
    ...verdicts(summary).map(({ text, good }) => style(good ? "green" : "red", text)),
  ];
}

/** What a plan comes to, besides its numbers. */
export function verdicts(summary: PlanSummary): readonly { readonly text: string; readonly good: boolean }[] {
  const stopped = summary.syncs.filter(({ guards }) => guards.length > 0).length;
  const unread = summary.syncs.filter(({ complete }) => !complete).length;
  const denied = new Set(denials(summary.policies).map(({ code }) => code)).size;
  const changes = summary.syncs.reduce((total, { counts }) => total + totalChanges(counts), 0);
  return [
    unread > 0 ? [{ text: `INCOMPLETE: ${counted(unread, "sync")} could not be read.`, good: false }] : [],
    stopped > 0 ? [{ text: `STOPPED: a guard holds back ${counted(stopped, "sync")}.`, good: false }] : [],
    denied > 0
      ? [{ text: `DENIED: ${counted(denied, "policy denies", "policies deny")} this plan.`, good: false }]
      : [],
    changes === 0 && unread === 0 ? [{ text: "Nothing to change.", good: true }] : [],
    changes > 0 && stopped + denied + unread === 0 ? [{ text: "No guard stops it.", good: true }] : [],
  ].flat();
}

/** @example shortDigest("7f3a12c9b1e0…") // "7f3a12c9b1e0" */
export function shortDigest(digest: string): string {
  return sanitise(digest.slice(0, 12));
}

/** The last lines of an output: what to do now. */
export function nextLines(next: readonly string[], style: Style): string[] {
  return next.length === 0 ? [] : ["", style("bold", "Next"), ...next.map((line) => `  ${line}`)];
}

/**
 * A plan as one comment of a pull request, in GitHub's markdown. It is found again by its first line, fits into 60,000
 * UTF-16 units and shows no value that a log would not show.
 * @module
 */
import { isEmpty, type PlanSummary, type SyncSummary } from "../../core/plan.ts";
import type { SyncReview } from "../../engine/review/review.ts";
import { codeBlock, codeSpan, proseMarkdown } from "../escape.ts";
import { counted, moment, thousands } from "../numbers.ts";
import { policyCounts, policyWords } from "../policies.ts";
import type { Reveal } from "../reveal.ts";
import { verdicts } from "../terminal.ts";
import { type Block, fill, MOST_UNITS, markdownTable, shorter } from "./blocks.ts";
import { planMark } from "./mark.ts";
import { syncBlocks } from "./sync.ts";

export interface MarkdownView {
  readonly summary: PlanSummary;
  readonly reviews: readonly SyncReview[];
  /** One that masks: a comment stays in mails and histories. */
  readonly reveal: Reveal;
  /** Tells the comments of several projects or stacks apart. */
  readonly name: string;
  /** The command that applies exactly this plan; null where it cannot be applied; undefined where nothing is to be said. */
  readonly apply: string | null | undefined;
  /** The command that shows all of it. */
  readonly show: string;
}

/** Units of the table of all syncs: what is said of each needs room too. */
const MOST_TABLE = 20_000;
/** Room for the line that says what is left out. */
const ROOM_LEFT_OUT = 1_000;

export function renderMarkdown({ summary, reviews, reveal, name, apply, show }: MarkdownView): string {
  const top = [planMark(summary, name), title(summary), verdictLine(summary)].join("\n\n");
  const bottom = footer(summary, apply);
  const blocks = [
    { priority: 0, heading: null, what: "syncs of the table", forms: totals(summary) },
    ...policyBlocks(summary),
    ...summary.syncs.flatMap((sync) =>
      syncBlocks(
        sync,
        reviews.find((one) => one.sync === sync.name),
        reveal,
      ),
    ),
  ] satisfies readonly Block[];
  const { text, left } = fill(blocks, MOST_UNITS - top.length - bottom.length - ROOM_LEFT_OUT);
  const out = [...left].map(([what, count]) => (count === 1 ? what : `${what} (${thousands(count)} times)`));
  const said =
    out.length === 0
      ? []
      : [`_Left out or shortened here: ${out.join(", ")}._ All of it:\n\n${codeBlock([show], "sh")}`];
  return `${[top, text, ...said, bottom].join("\n\n")}\n`;
}

function title({ rollback, complete, syncs }: PlanSummary): string {
  const sum = (action: "create" | "update" | "delete") =>
    thousands(syncs.reduce((total, { counts }) => total + counts[action], 0));
  const what = rollback === undefined ? "Ebb plan" : `Ebb rollback of run ${codeSpan(rollback)}`;
  return `### ${what}: ${complete ? "" : "at least "}create ${sum("create")}, update ${sum("update")}, delete ${sum("delete")}`;
}

function verdictLine(summary: PlanSummary): string {
  return verdicts(summary)
    .map(({ text, good }) => (good ? text : `**${text}**`))
    .join(" ");
}

const HEAD = ["sync", "from → to", "create", "update", "delete", "unchanged", "rejected", "drifted", ""];

function totals({ syncs }: PlanSummary): readonly string[] {
  // What wants a look comes first when not all have room.
  const rows = syncs.toSorted((a, b) => weight(b) - weight(a)).map(row);
  const forms = shorter(rows, [200, 50, 10, 1], (some, left) => {
    const table = markdownTable(HEAD, some, [2, 3, 4, 5, 6, 7]);
    return left > 0 ? `${table}\n\nand ${counted(left, "more sync")}` : table;
  });
  return forms.filter(({ length }, i) => length <= MOST_TABLE || i === forms.length - 1);
}

function weight({ complete, guards, counts }: SyncSummary): number {
  if (!complete) return 4;
  if (guards.length > 0) return 3;
  if (counts.delete > 0) return 2;
  return counts.create + counts.update > 0 ? 1 : 0;
}

function row({ name, source, destination, counts, unchanged, rejected, reasons, complete, guards }: SyncSummary) {
  const span = (text: string) => codeSpan(text, { inTable: true, max: 60 });
  const rejects = rejected.reduce((sum, { count }) => sum + count, 0);
  const numbers = [counts.create, counts.update, counts.delete, unchanged, rejects, reasons.drift + reasons.conflict];
  return [
    span(name),
    `${span(source.connection)} → ${span(destination.connection)} ${span(destination.object)}`,
    ...(complete ? numbers.map(thousands) : numbers.map(() => "?")),
    complete ? (guards.length > 0 ? "**STOPPED**" : "") : "**UNREAD**",
  ];
}

function policyBlocks({ policies = [] }: PlanSummary): readonly Block[] {
  if (policies.length === 0) return [];
  const heading = { text: "#### Policies" };
  const counts = policyCounts(policies).join(", ");
  const forms = shorter(policyWords(policies), [200, 20, 5, 0], (some, left) =>
    [
      `${counts}\n`,
      ...some.map(({ level, text }) => `- **${level.toUpperCase()}** ${proseMarkdown(text)}`),
      ...(left > 0 ? [`- and ${thousands(left)} more`] : []),
    ].join("\n"),
  );
  return [{ priority: 1, heading, what: "what policies say", forms }];
}

function footer(summary: PlanSummary, apply: MarkdownView["apply"]): string {
  const { digest, created, expires } = summary;
  return [
    "---",
    [
      `Plan ${codeSpan(digest)}, made ${codeSpan(moment(created))}, expires ${codeSpan(moment(expires))}.`,
      "Values of fields that are not public are masked: `x…` stands for letters, `0…` for digits; what ends alike behind `•••` is alike.",
    ].join("\n"),
    ...applying(summary, apply),
  ].join("\n\n");
}

function applying(summary: PlanSummary, apply: MarkdownView["apply"]): readonly string[] {
  if (apply === undefined) return [];
  if (apply !== null) return [`To apply exactly this:\n\n${codeBlock([apply], "sh")}`];
  return isEmpty(summary) ? [] : ["It cannot be applied."];
}

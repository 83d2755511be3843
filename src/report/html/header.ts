/** The head of the report: verdict, totals, what the plan is and how it is applied. @module */
import { type PlanSummary, totalChanges } from "../../core/plan.ts";
import { moment, thousands } from "../numbers.ts";
import { policyCounts, policyWords } from "../policies.ts";
import { shortDigest, verdicts } from "../terminal.ts";
import { element, type Html, join, text } from "./markup.ts";

export interface HeaderView {
  readonly summary: PlanSummary;
  /** Values are shown only where they are declared public. */
  readonly masks: boolean;
  /** What to do next: lines that may hold commands. */
  readonly next: readonly string[];
  readonly expired: boolean;
  /** Most changes that the report carries. */
  readonly cap: number;
}

export function header(view: HeaderView): Html {
  const { summary } = view;
  const title = summary.rollback === undefined ? "Plan" : `Rollback of run ${summary.rollback}, plan`;
  return element(
    "header",
    { class: "top" },
    element("h1", {}, text(`${title} `), element("code", {}, text(shortDigest(summary.digest)))),
    verdict(view),
    totals(summary),
    policies(view),
    nextSteps(view.next),
    element(
      "div",
      { class: "meta" },
      element("p", {}, text(`Made ${moment(summary.created)}, expires ${moment(summary.expires)}`)),
      element("details", {}, element("summary", {}, text("Digest")), element("code", {}, text(summary.digest))),
      notes(view),
    ),
  );
}

function verdict({ summary, expired }: HeaderView): Html {
  const said = [...verdicts(summary), ...(expired ? [{ text: "Expired: plan again to apply it.", good: false }] : [])];
  const wrong = said.some(({ good }) => !good);
  return element(
    "p",
    { class: "verdict" },
    ...said
      .filter(({ good }) => !(good && wrong))
      .map(({ text: words, good }) => element("strong", { class: good ? "good" : "bad" }, text(words))),
  );
}

/** What policies found wrong; nothing where there are no policies. */
function policies({ summary: { policies: results = [] } }: HeaderView): Html | null {
  if (results.length === 0) return null;
  return element(
    "section",
    { class: "policies", "aria-label": "Policies" },
    element("p", {}, element("b", {}, text("Policies ")), text(policyCounts(results).join("   "))),
    element(
      "ul",
      {},
      ...policyWords(results).map(({ level, text: words }) =>
        element("li", {}, element("strong", { class: level }, text(`${level.toUpperCase()} `)), text(words, 500)),
      ),
    ),
  );
}

function totals({ syncs }: PlanSummary): Html {
  const sum = (count: (sync: PlanSummary["syncs"][number]) => number) => syncs.reduce((n, sync) => n + count(sync), 0);
  const cells: readonly [kind: string, sign: string, count: number, word: string][] = [
    ["create", "+", sum(({ counts }) => counts.create), "create"],
    ["update", "~", sum(({ counts }) => counts.update), "update"],
    ["delete", "−", sum(({ counts }) => counts.delete), "delete"],
    ["unchanged", "=", sum(({ unchanged }) => unchanged), "unchanged"],
    ["rejected", "!", sum(({ rejected }) => rejected.reduce((n, { count }) => n + count, 0)), "rejected"],
    ["drift", "≠", sum(({ reasons }) => reasons.drift + reasons.conflict), "edited by others"],
  ];
  const shown = cells.filter(([kind, , count]) => count > 0 || ["create", "update", "delete"].includes(kind));
  return element(
    "ul",
    { class: "totals", "aria-label": "Totals" },
    ...shown.map(([kind, sign, count, word]) =>
      element(
        "li",
        { class: count > 0 ? kind : `${kind} none` },
        element("span", { class: "sign", "aria-hidden": "true" }, text(sign)),
        element("b", {}, text(thousands(count))),
        text(` ${word}`),
      ),
    ),
  );
}

function nextSteps(next: readonly string[]): Html | null {
  if (next.length === 0) return null;
  return element(
    "div",
    { class: "next" },
    element("span", { class: "label" }, text("Next")),
    element("code", { id: "command" }, text(next.join("\n"), 2_000)),
    element("button", { type: "button", id: "copy", hidden: true }, text("Copy")),
  );
}

function notes({ summary, masks, cap }: HeaderView): Html {
  const changes = summary.syncs.reduce((sum, { counts }) => sum + totalChanges(counts), 0);
  const deletes = summary.syncs.reduce((sum, { counts }) => sum + counts.delete, 0);
  const kept = deletes <= cap ? "every delete and an even sample of the others" : "an even sample of the deletes alone";
  return join(
    changes > cap
      ? element(
          "p",
          { class: "sampled" },
          text(
            `The table holds ${thousands(cap)} of ${thousands(changes)} changes: ${kept}. All figures are of the whole plan.`,
          ),
        )
      : null,
    element(
      "p",
      {},
      text(
        masks
          ? "Values of fields that are not declared public are masked: equal values have equal tokens."
          : "All values are shown: this file is as private as the records in it.",
      ),
    ),
  );
}

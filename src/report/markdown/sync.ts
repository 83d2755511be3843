/** One sync of a plan as blocks of markdown. Data is in code spans, or between words that are harmless. @module */
import { rejectCodes, type SyncSummary, totalChanges } from "../../core/plan.ts";
import type { SyncReview } from "../../engine/review/review.ts";
import { codeSpan, proseMarkdown } from "../escape.ts";
import { percent, thousands } from "../numbers.ts";
import type { Reveal } from "../reveal.ts";
import { shownNumbers, shownTransitions, shownWhere } from "../statistics.ts";
import { alsoText, basisText, costText, whyText } from "../summary.ts";
import { type Block, folded, markdownTable, shorter } from "./blocks.ts";
import { recordBlocks } from "./records.ts";

const FEW_DELETES = 10;
const LABEL = 60;

export function syncBlocks(sync: SyncSummary, review: SyncReview | undefined, reveal: Reveal): readonly Block[] {
  const heading = { text: `#### ${codeSpan(sync.name, { max: LABEL })}` };
  const block = (priority: number, what: string, forms: readonly string[]): readonly Block[] =>
    forms.length === 0 || forms[0] === "" ? [] : [{ priority, heading, what, forms }];
  if (!sync.complete) return block(1, "what could not be read", [problem("UNREAD", sync.problem ?? "not read")]);
  const changes = totalChanges(sync.counts) + sync.newFields.length > 0 || sync.rejected.length > 0;
  return [
    ...block(1, "guards and warnings", [guards(sync)]),
    ...(changes ? block(3, "what the changes are based on", [notes(sync)]) : []),
    ...(review ? block(2, "deletes", deletes(sync, review, reveal)) : []),
    ...block(3, "rejected rows", [rejected(sync, review, reveal)]),
    ...block(4, "fields", fields(sync, review, reveal)),
    ...(review ? block(5, "where changes are concentrated", [where(sync, review, reveal)]) : []),
    ...(review ? recordBlocks(sync, review, heading, reveal) : []),
  ];
}

function problem(label: string, text: string): string {
  return `- **${label}** ${proseMarkdown(text)}`;
}

function guards({ guards: stopped, warnings }: SyncSummary): string {
  return [
    ...stopped.map(({ code, message }) => problem("STOPPED", `${code}: ${message}`)),
    ...warnings.map((text) => problem("warning", text)),
  ].join("\n");
}

function notes(sync: SyncSummary): string {
  const why = whyText(sync);
  const also = alsoText(sync);
  return [
    `- read: ${proseMarkdown(`${thousands(sync.source.rows)} source rows; ${basisText(sync.basis)}`)}`,
    ...sync.newFields.map(
      ({ name, type }) => `- new field: ${codeSpan(name)} (${proseMarkdown(type.kind)}), made first`,
    ),
    ...(why === null ? [] : [`- why: ${proseMarkdown(why)}`]),
    ...(also === null ? [] : [`- also: ${proseMarkdown(also)}`]),
    `- cost: ${proseMarkdown(costText(sync))}`,
  ].join("\n");
}

function deletes(sync: SyncSummary, { deletes: shown }: SyncReview, reveal: Reveal): readonly string[] {
  return shorter(shown, [shown.length, 20, 5], (some) => {
    if (some.length === 0) return "";
    const keys = some.map(({ change }) => codeSpan(reveal.key(sync.name, change.key))).join(", ");
    const left = sync.counts.delete - some.length;
    const list = left > 0 ? `${keys} and ${thousands(left)} more` : keys;
    if (some.length <= FEW_DELETES && left === 0) return `**Deletes** ${list}`;
    return folded(`${thousands(sync.counts.delete)} deletes, ${some.length} of them by key`, list);
  });
}

function rejected(sync: SyncSummary, review: SyncReview | undefined, reveal: Reveal): string {
  return sync.rejected
    .map(({ code, field, count }) => {
      const found = review?.rejected.find((one) => one.code === code && one.field === field);
      const keys = (found?.keys ?? []).map((key) => codeSpan(reveal.key(sync.name, key)));
      const some = keys.length === 0 ? "" : ` (${keys.join(", ")}${found?.more ? ", …" : ""})`;
      const where = field === null ? "" : ` ${codeSpan(field, { max: LABEL })}`;
      return `- **rejected** ${thousands(count)} ${proseMarkdown(code)}${where}: ${proseMarkdown(rejectCodes[code] ?? "")}${some}`;
    })
    .join("\n");
}

function fields(sync: SyncSummary, review: SyncReview | undefined, reveal: Reveal): readonly string[] {
  const shapes = review?.shapes ?? [];
  const span = (text: string) => codeSpan(text, { inTable: true, max: LABEL });
  const rows = sync.fields.map(({ name, changed, filled, cleared }) => {
    const shape = shapes.find((one) => one.field === name);
    const seen = shape?.kind === "numbers" ? shownNumbers(sync.name, shape, reveal) : null;
    const became = shape?.kind === "transitions" ? shownTransitions(sync.name, shape, reveal) : null;
    const bars = seen?.sides.map(({ side, bars: row, words }) => `${side} ${row ?? "none"}${words ? ` ${words}` : ""}`);
    const changes = became?.shown.map(
      ({ from, to, count }) => `${span(from)} → ${span(to)} ${thousands(count)} (${percent(count, became.changed)})`,
    );
    const others = became?.others ? [`others ${became.others}`] : [];
    const told = seen ? [seen.words.replaceAll("->", "→"), ...(bars ?? [])] : [...(changes ?? []), ...others];
    return [
      span(name),
      thousands(changed),
      percent(changed, sync.counts.update),
      thousands(filled),
      thousands(cleared),
      told.join("; "),
    ];
  });
  if (rows.length === 0) return [];
  const head = ["field", "updates", "share", "from empty", "to empty", "before → after"];
  return shorter(rows, [40, 10, 3], (some, left) => {
    const table = markdownTable(head, some, [1, 2, 3, 4]);
    return left > 0 ? `${table}\n\nand ${thousands(left)} more fields` : table;
  });
}

function where({ name }: SyncSummary, { concentrations }: SyncReview, reveal: Reveal): string {
  return concentrations
    .flatMap((one) => shownWhere(name, one, reveal) ?? [])
    .map(({ field, value, words }) => `- **where** ${codeSpan(field)} = ${codeSpan(value)} ${words}`)
    .join("\n");
}

/** The HTML report of a plan, in pieces. @module */
import type { OpenPlan } from "../engine/plan-file.ts";
import { changeKinds, withColumns } from "../engine/review/columns.ts";
import { reviewPlan } from "../engine/review/review.ts";
import { type Assets, renderHtml } from "../report/html/page.ts";
import { createReveal, saltOf } from "../report/reveal.ts";

export interface HtmlReport {
  /** Show the values of every field (default: of those declared public). */
  readonly all: boolean;
  readonly next: readonly string[];
  readonly expired: boolean;
  /** Most changes that it carries (default: what a browser opens at once). */
  readonly cap?: number;
}

const CAP = 200_000;
/** Keys listed for each reason to reject. */
const REJECTED = 20;

/** Has the pieces used while the plan's records can be read. */
export function withHtmlReport<T>(
  plan: OpenPlan,
  { all, next, expired, cap = CAP }: HtmlReport,
  assets: Assets,
  use: (pieces: AsyncIterable<string>) => Promise<T>,
): Promise<T> {
  const { summary, manifest, concentrations } = plan;
  const reveal = createReveal(
    manifest.syncs.map(({ sync }) => sync),
    { all, salt: saltOf(manifest) },
  );
  const reviews = reviewPlan(plan, { limit: 0, rejected: REJECTED, threads: 1 });
  // Whoever waits for them is told.
  reviews.catch(() => undefined);
  // What updates have in common can be looked for, although they leave it as it is.
  const common = (sync: string, field: string) => concentrations[sync]?.some((one) => one.field === field) ?? false;
  const carriesUnchanged = (sync: string, field: string) => reveal.shows(sync, field) || common(sync, field);
  // A masked identifier says no more than the masked key does.
  const carriesIds = !reveal.masks;
  return withColumns(plan, { cap, carriesUnchanged, carriesIds }, (columns) =>
    use(renderHtml({ summary, reviews, reveal, kinds: changeKinds, next, expired, cap }, columns, assets)),
  );
}

/** The whole of it as one text. */
export function htmlReport(plan: OpenPlan, report: HtmlReport, assets: Assets): Promise<string> {
  return withHtmlReport(plan, report, assets, async (pieces) => {
    let html = "";
    for await (const piece of pieces) html += piece;
    return html;
  });
}

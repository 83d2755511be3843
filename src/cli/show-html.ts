/** A plan as an HTML file. @module */
import type { OpenPlan } from "../engine/plan-file.ts";
import { writeWhole } from "../engine/write-whole.ts";
import { pageAssets } from "./page-assets.ts";
import type { Shell } from "./shell.ts";

export interface HtmlOptions {
  /** Show the values of every field. */
  readonly all: boolean;
  readonly next: readonly string[];
  readonly expired: boolean;
  /** File it is written to; without one, stdout. */
  readonly out?: string;
}

/** Most changes that a report carries: what a browser opens at once. */
const CAP = 200_000;
/** Keys listed for each reason to reject. */
const REJECTED = 20;

export async function showHtml(shell: Shell, plan: OpenPlan, options: HtmlOptions): Promise<void> {
  const [{ reviewPlan }, { withColumns, changeKinds }, { createReveal, saltOf }, { renderHtml }] = await Promise.all([
    import("../engine/review/review.ts"),
    import("../engine/review/columns.ts"),
    import("../report/reveal.ts"),
    import("../report/html/page.ts"),
  ]);
  const { summary, manifest, concentrations } = plan;
  const { all, next, expired, out } = options;
  const reveal = createReveal(
    manifest.syncs.map(({ sync }) => sync),
    { all, salt: saltOf(manifest) },
  );
  const assets = await pageAssets();
  const reviews = reviewPlan(plan, { limit: 0, rejected: REJECTED, threads: 1 });
  // Whoever waits for them is told.
  reviews.catch(() => undefined);
  // What updates have in common can be looked for, although they leave it as it is.
  const common = (sync: string, field: string) => concentrations[sync]?.some((one) => one.field === field) ?? false;
  const carriesUnchanged = (sync: string, field: string) => reveal.shows(sync, field) || common(sync, field);
  // A masked identifier says no more than the masked key does.
  const carriesIds = !reveal.masks;
  await withColumns(plan, { cap: CAP, carriesUnchanged, carriesIds }, async (columns) => {
    const view = { summary, reviews, reveal, kinds: changeKinds, next, expired, cap: CAP };
    const pieces = renderHtml(view, columns, assets);
    if (out !== undefined) return writeWhole(out, pieces, "the report");
    for await (const piece of pieces) shell.print(piece);
  });
}

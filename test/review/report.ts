/** Reports for tests: the page of a plan, made from the sources, and what its data blocks hold. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { pageAssets } from "../../scripts/page-assets.ts";
import type { OpenPlan } from "../../src/engine/plan-file.ts";
import { changeKinds, withColumns } from "../../src/engine/review/columns.ts";
import { reviewPlan } from "../../src/engine/review/review.ts";
import { renderHtml } from "../../src/report/html/page.ts";
import { createReveal, saltOf } from "../../src/report/reveal.ts";

const root = join(import.meta.dirname, "../..");
const assets = pageAssets(root);

export interface ReportOptions {
  /** Show every value (default: those declared public). */
  readonly all?: boolean;
  readonly cap?: number;
  readonly expired?: boolean;
  readonly next?: readonly string[];
}

export async function reportOf(plan: OpenPlan, options: ReportOptions = {}): Promise<string> {
  const { all = false, cap = 200_000, expired = false, next = ["ebb apply plan.ebb"] } = options;
  const reveal = createReveal(
    plan.manifest.syncs.map(({ sync }) => sync),
    { all, salt: saltOf(plan.manifest) },
  );
  const reviews = reviewPlan(plan, { limit: 0, rejected: 20 });
  const carriesUnchanged = (sync: string, field: string) => reveal.shows(sync, field);
  return withColumns(plan, { cap, carriesUnchanged, carriesIds: !reveal.masks }, async (columns) => {
    const view = { summary: plan.summary, reviews, reveal, kinds: changeKinds, next, expired, cap };
    let html = "";
    for await (const piece of renderHtml(view, columns, assets)) html += piece;
    return html;
  });
}

/** Writes the report beside the plan, and gives its address. */
export async function reportFile(plan: OpenPlan, name: string, options?: ReportOptions): Promise<string> {
  const file = join(plan.directory, `${name}.html`);
  await writeFile(file, await reportOf(plan, options));
  return `file://${file}`;
}

/** What the data blocks of a page hold, by their ids. */
export function blocksOf(html: string): ReadonlyMap<string, Buffer> {
  const found = html.matchAll(/<script type="application\/octet-stream" id="(\w+)">([A-Za-z0-9+/=]*)<\/script>/g);
  const blocks = new Map<string, Buffer>();
  for (const [, id = "", data = ""] of found) {
    if (blocks.has(id)) throw new TypeError(`two blocks are called ${id}`);
    blocks.set(id, gunzipSync(Buffer.from(data, "base64")));
  }
  return blocks;
}

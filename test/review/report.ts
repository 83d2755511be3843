/** Reports for tests: the page of a plan, made from the sources, and what its data blocks hold. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { pageAssets } from "../../scripts/page-assets.ts";
import { type HtmlReport, htmlReport } from "../../src/cli/html-report.ts";
import type { OpenPlan } from "../../src/engine/plan-file.ts";

const root = join(import.meta.dirname, "../..");
const assets = pageAssets(root);

export type ReportOptions = Partial<HtmlReport>;

export function reportOf(plan: OpenPlan, options: ReportOptions = {}): Promise<string> {
  return htmlReport(plan, { all: false, expired: false, next: ["ebb apply plan.ebb"], ...options }, assets);
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

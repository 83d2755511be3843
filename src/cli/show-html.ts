/** A plan as an HTML file. @module */
import type { OpenPlan } from "../engine/plan-file.ts";
import { writeWhole } from "../engine/write-whole.ts";
import type { HtmlReport } from "./html-report.ts";
import { pageAssets } from "./page-assets.ts";
import type { Shell } from "./shell.ts";

/** @param out file it is written to; without one, stdout */
export async function showHtml(shell: Shell, plan: OpenPlan, report: HtmlReport, out?: string): Promise<void> {
  const [{ withHtmlReport }, assets] = await Promise.all([import("./html-report.ts"), pageAssets()]);
  await withHtmlReport(plan, report, assets, async (pieces) => {
    if (out !== undefined) return writeWhole(out, pieces, "the report");
    for await (const piece of pieces) shell.print(piece);
  });
}

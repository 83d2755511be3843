/** A plan as an HTML report: how long it takes to make, how large it is, how fast it opens and filters. */
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { savePlan } from "../src/engine/plan-file.ts";
import { makeLargePlan } from "../test/review/plans.ts";
import { inFolder } from "./harness.ts";

const root = join(import.meta.dirname, "..");
const browser = process.env.EBB_CHROMIUM ?? "/usr/bin/chromium";

export interface HtmlFigures {
  readonly seconds: number;
  readonly peakMb: number;
  readonly fileMb: number;
  /** Null without a browser. */
  readonly page: PageFigures | null;
}

interface PageFigures {
  readonly paintMs: number;
  /** Until the table has its lines. */
  readonly readyMs: number;
  readonly filterMs: readonly number[];
}

const filters = [
  "text=user4711",
  "text=cust",
  "text=no such text",
  "op=create",
  "op=update&field=stage&from=lead&to=customer",
  "field=mrr&to=9",
  "where=country&is=DE",
  "op=update&where=country&is=FR&text=1",
];

export function benchHtml(changes: number): Promise<HtmlFigures> {
  return inFolder(async (directory) => {
    const plan = join(directory, "plan.ebb");
    const report = join(directory, "plan.html");
    await savePlan(await makeLargePlan(changes, directory), plan);
    const { seconds, peakMb } = made(plan, report);
    const fileMb = statSync(report).size / 1e6;
    return { seconds, peakMb, fileMb, page: existsSync(browser) ? await opened(`file://${report}`) : null };
  });
}

/** Runs the built command line, and asks its process for its peak. */
function made(plan: string, report: string): { readonly seconds: number; readonly peakMb: number } {
  const tell = "process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS))";
  const watched = ["--import", `data:text/javascript,${encodeURIComponent(tell)}`];
  const args = [...watched, join(root, "bin/ebb.js"), "show", plan, "--format", "html", "--out", report];
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new TypeError(`ebb show ended with ${status}: ${stderr}`);
  const [, peak = "0"] = /peak (\d+)/.exec(stderr) ?? [];
  return { seconds: (performance.now() - started) / 1000, peakMb: Math.round(Number(peak) / 1024) };
}

async function opened(url: string): Promise<PageFigures> {
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const running = await chromium.launch({ executablePath: browser, args });
  try {
    const page = await running.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(url);
    await page.waitForSelector("[data-ready]");
    const entry = (name: string) => page.evaluate<number>(`performance.getEntriesByName("${name}")[0].startTime`);
    const paintMs = Math.round(await entry("first-contentful-paint"));
    const readyMs = Math.round(await entry("ready"));
    const filterMs: number[] = [];
    for (const filter of filters) filterMs.push(Math.round(await filtered(page, filter)));
    return { paintMs, readyMs, filterMs };
  } finally {
    await running.close();
  }
}

/** Milliseconds until the lines stand, the median of five. */
async function filtered(page: Page, filter: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    await page.evaluate(`new Promise((done) => {
      performance.clearMeasures();
      location.hash = "";
      location.hash = "${filter}";
      requestAnimationFrame(() => requestAnimationFrame(done));
    })`);
    times.push(await page.evaluate<number>(`performance.getEntriesByName("filtered").at(-1).duration`));
  }
  return times.sort((a, b) => a - b)[2] ?? 0;
}

if (process.argv[2] === "--child")
  process.stdout.write(`${JSON.stringify(await benchHtml(Number(process.argv[3])))}\n`);

/**
 * A plan of a million changes as text, numbers, a comment and JSON: seconds from opening its folder (digests checked) to the
 * last character, and peak memory of a process that does nothing else. The plan is made once, in a process of its own.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type OpenPlan, readPlan } from "../src/engine/plan-file.ts";
import { reviewPlan } from "../src/engine/review/review.ts";
import { planJson } from "../src/report/json.ts";
import { renderMarkdown } from "../src/report/markdown/plan.ts";
import { createReveal, saltOf } from "../src/report/reveal.ts";
import { plain } from "../src/report/style.ts";
import { renderPlan } from "../src/report/terminal.ts";
import { makeLargePlan } from "../test/review/plans.ts";
import { benchWorld, inFolder, peakMb, timed } from "./harness.ts";

export interface ReviewFigures {
  readonly format: Format;
  readonly seconds: number;
  /** Of all threads, the start of the process included: what a busy machine does not change. */
  readonly cpuSeconds: number;
  readonly peakMb: number;
  readonly characters: number;
}

const formats = ["text", "summary", "markdown", "json", "json with records"] as const;
type Format = (typeof formats)[number];

async function render(format: Format, plan: OpenPlan): Promise<string> {
  const { summary, manifest } = plan;
  if (format === "json") return planJson(summary, {});
  const samplesOnly = format === "summary" || format === "json with records";
  const reviews = await reviewPlan(plan, { limit: format === "summary" ? 0 : 5, samplesOnly });
  if (format === "json with records") return planJson(summary, { samples: reviews });
  const reveal = createReveal(
    manifest.syncs.map(({ sync }) => sync),
    { all: format !== "markdown", salt: saltOf(manifest) },
  );
  const show = "ebb show plan.ebb";
  if (format === "markdown")
    return renderMarkdown({ summary, reviews, reveal, name: "bench", apply: "ebb apply plan.ebb", show });
  const level = format === "summary" ? "summary" : "records";
  return renderPlan({ summary, reviews, reveal, level, next: [] }, plain);
}

async function measure(format: Format, directory: string): Promise<ReviewFigures> {
  const { seconds, value } = await timed(async () =>
    render(format, await readPlan(benchWorld(directory), join(directory, "plan"))),
  );
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1e6;
  return { format, seconds, cpuSeconds, peakMb: peakMb(), characters: value.length };
}

function aside(...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--import", "tsx", import.meta.filename, ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new TypeError(stderr);
  return stdout;
}

/** Figures of every format, for `npm run bench`. */
function all(changes: string, directory: string): readonly ReviewFigures[] {
  aside("--make", changes, directory);
  return formats.map((format) => JSON.parse(aside("--format", format, directory)) as ReviewFigures);
}

const [, , asked, what = "", folder = ""] = process.argv;
if (asked === "--make") await makeLargePlan(Number(what), folder);
if (asked === "--format") {
  const format = formats.find((one) => one === what);
  if (!format) throw new RangeError(`no format ${what}`);
  process.stdout.write(JSON.stringify(await measure(format, folder)));
}
if (asked === "--child") {
  const figures = await inFolder(async (directory) => all(what, directory));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

/** What a reviewer reads of the five plans. `UPDATE_GOLDENS=1` writes the files anew; read every one of them then. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { OpenPlan } from "../../src/engine/plan-file.ts";
import { reviewPlan, type SyncReview } from "../../src/engine/review/review.ts";
import { planJson } from "../../src/report/json.ts";
import { renderMarkdown } from "../../src/report/markdown/plan.ts";
import { createReveal, saltOf } from "../../src/report/reveal.ts";
import { plain } from "../../src/report/style.ts";
import { type Level, renderPlan } from "../../src/report/terminal.ts";
import { makePlan, type PlanName, planNames } from "./plans.ts";

const folder = join(import.meta.dirname, "golden");
/** Plans small enough to read every record of. */
const withRecords: readonly PlanName[] = ["tiny", "drifted", "hostile"];
const update = process.env.UPDATE_GOLDENS === "1";

/** What differs from run to run by a word for it; masked values that are alike stay alike. */
function normalised(text: string, { manifest, directory }: OpenPlan): string {
  const tokens = new Map<string, string>();
  const numbered = (token: string) => {
    const known = tokens.get(token) ?? `•••${String(tokens.size + 1).padStart(4, "0")}`;
    tokens.set(token, known);
    return known;
  };
  return `${text
    .replaceAll(manifest.digest, "<digest>")
    .replaceAll(manifest.digest.slice(0, 12), "<digest 12>")
    .replaceAll(dirname(directory), "<dir>")
    .replace(/•••[0-9a-f]{4}/g, numbered)}\n`;
}

function isGolden(name: string, text: string): void {
  const path = join(folder, name);
  if (update) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, text);
  } else expect(text, `${name}; UPDATE_GOLDENS=1 writes it anew`).toBe(readFileSync(path, "utf8"));
}

describe.each(planNames)("the plan %s", (name) => {
  let plan: OpenPlan;
  let reviews: readonly SyncReview[];
  let numbersOnly: readonly SyncReview[];
  beforeAll(async () => {
    const scratch = mkdtempSync(join(tmpdir(), "ebb-golden-"));
    plan = await makePlan(name, scratch);
    reviews = await reviewPlan(plan, { limit: 5 });
    numbersOnly = await reviewPlan(plan, { limit: 0, samplesOnly: true });
    return () => rmSync(scratch, { recursive: true, force: true });
  });
  const reveal = (all: boolean) =>
    createReveal(
      plan.manifest.syncs.map(({ sync }) => sync),
      { all, salt: saltOf(plan.manifest) },
    );
  const text = (all: boolean, level: Level) =>
    renderPlan(
      {
        summary: plan.summary,
        reviews: level === "summary" ? numbersOnly : reviews,
        reveal: reveal(all),
        level,
        next: plan.manifest.stopped ? [] : ["ebb apply plan.ebb"],
        showing: (records) => `ebb show plan.ebb --detail ${records}`,
      },
      plain,
    );

  it.each([
    ["on a terminal", `${name}.txt`, true, "records"],
    ["in a log", `${name}.log.txt`, false, "records"],
    ["in numbers", `${name}.summary.txt`, false, "summary"],
  ] as const)("%s", (_, file, all, level) => {
    isGolden(file, normalised(text(all, level), plan));
  });

  it("as JSON", () => {
    isGolden(`${name}.json`, normalised(planJson(plan.summary, { file: "plan.ebb" }), plan));
    if (withRecords.includes(name))
      isGolden(`${name}.records.json`, normalised(planJson(plan.summary, { samples: reviews }), plan));
  });

  it("as a comment", () => {
    const markdown = renderMarkdown({
      summary: plan.summary,
      reviews,
      reveal: reveal(false),
      name: "acme",
      apply: plan.manifest.stopped ? null : "ebb apply plan.ebb",
      show: "ebb show plan.ebb",
    });
    expect(markdown.length).toBeLessThanOrEqual(60_000);
    isGolden(`${name}.md`, normalised(markdown.trimEnd(), plan));
  });
});

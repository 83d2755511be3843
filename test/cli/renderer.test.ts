import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createProgress } from "../../src/cli/progress.ts";
import { toAscii } from "../../src/report/ascii.ts";
import { widthOf } from "../../src/report/layout.ts";
import { createReveal } from "../../src/report/reveal.ts";
import { coloured, plain } from "../../src/report/style.ts";
import { renderPlan } from "../../src/report/terminal.ts";
import { anyNames } from "../review/hostile.ts";
import { strangePlan as plan } from "../review/strange-plan.ts";

describe("the text of a plan", () => {
  it("fits 80 columns and holds no control character, whatever the names and values are", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 150 }),
      fc.string({ unit: fc.constantFrom("word ", "名前", "::", "\n", "\u001b[2J", "x"), maxLength: 200 }),
    );
    fc.assert(
      fc.property(anyNames(text), fc.boolean(), fc.constantFrom("summary", "records"), (given, all, level) => {
        const { summary, reviews } = plan(given);
        const reveal = createReveal([], { all, salt: "s" });
        const queries = new Map([[given.sync, { before: given.before, after: given.after }]]);
        const showing = (records: number) => `ebb show plan.ebb --detail ${records}`;
        const view = { summary, reviews, reveal, level, queries, showing, next: ["ebb apply plan.ebb"] } as const;
        const text = renderPlan(view, plain);
        const ascii = toAscii(text).split("\n");
        expect(ascii.map(widthOf)).toEqual(text.split("\n").map(widthOf));
        expect(ascii.join("")).toMatch(/^[ -~]*$/);
        for (const line of text.split("\n")) {
          expect(widthOf(line)).toBeLessThanOrEqual(80);
          expect(line).not.toMatch(/(?!\uFE0F)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
          expect(line).not.toMatch(/^\s*::/);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("says what drifted apart from what changed, and masks what is not public", () => {
    const names = { sync: "ltv", field: "Score", object: "Contact", key: "k1", before: "1", after: "2", message: "m" };
    const view = { ...plan(names), level: "records", next: ["ebb apply plan.ebb"] } as const;
    const shown = renderPlan({ ...view, reveal: createReveal([], { all: true, salt: "s" }) }, plain);
    expect(shown).toContain("edited by somebody else (1 of 246,913,578)");
    expect(shown).toContain("Score  1 -> 2  (theirs -> ours)");
    expect(shown).toContain("INCOMPLETE: 1 sync could not be read.");
    expect(shown).toContain("STOPPED: a guard holds back");
    const masked = renderPlan({ ...view, reveal: createReveal([], { all: false, salt: "s" }) }, plain);
    expect(masked).not.toMatch(/k1|1 -> 2/);
    expect(masked).toContain("Fields that are not public are masked");
  });

  it("is dressed only when asked", () => {
    const names = { sync: "ltv", field: "Score", object: "Contact", key: "k1", before: "1", after: "2", message: "m" };
    const view = {
      ...plan(names),
      reveal: createReveal([], { all: true, salt: "s" }),
      level: "records",
      next: [],
    } as const;
    expect(renderPlan(view, plain)).not.toContain("\u001b");
    expect(renderPlan(view, coloured)).toContain("\u001b[");
  });
});

describe("progress", () => {
  const event = (done: number) => ({ type: "progress", sync: "ltv", phase: "source", done }) as const;

  it("is redrawn at most ten times a second on a terminal, and taken away", () => {
    let now = 0;
    const written: string[] = [];
    const progress = createProgress({ terminal: true, write: (text) => written.push(text), now: () => now });
    for (; now <= 1_000; now++) progress.listen(event(now));
    expect(written.length).toBeLessThanOrEqual(10);
    expect(written.at(-1)).toContain("ltv: reading source, 1,000 records");
    progress.end();
    expect(written.at(-1)).toBe("\r\u001b[2K");
  });

  it("is a line every five seconds in a log", () => {
    let now = 0;
    const written: string[] = [];
    const progress = createProgress({ terminal: false, write: (text) => written.push(text), now: () => now });
    for (; now <= 20_000; now += 10) progress.listen(event(now));
    progress.end();
    expect(written).toHaveLength(4);
    expect(written.every((line) => line.endsWith("\n") && !line.includes("\u001b"))).toBe(true);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createProgress } from "../../src/cli/progress.ts";
import { storedKey } from "../../src/core/key.ts";
import { PLAN_FORMAT, type PlanSummary, type SyncSummary } from "../../src/core/plan.ts";
import type { SyncReview } from "../../src/engine/review/review.ts";
import { toAscii } from "../../src/report/ascii.ts";
import { widthOf } from "../../src/report/layout.ts";
import { createReveal } from "../../src/report/reveal.ts";
import { coloured, plain } from "../../src/report/style.ts";
import { renderPlan } from "../../src/report/terminal.ts";

interface Names {
  readonly sync: string;
  readonly field: string;
  readonly object: string;
  readonly key: string;
  readonly before: string;
  readonly after: string;
  readonly message: string;
}

const count = 123_456_789;

function plan(names: Names): { summary: PlanSummary; reviews: SyncReview[] } {
  const sync: SyncSummary = {
    name: names.sync,
    source: { connection: names.object, system: "duckdb", rows: count },
    destination: { connection: "crm", system: "salesforce", object: names.object, account: "x" },
    mode: "mirror",
    basis: { refresh: "changed", read: "since", recordsRead: count },
    complete: true,
    problem: null,
    counts: { create: count, update: count, delete: count },
    unchanged: count,
    confirmed: 3,
    skipped: 2,
    reasons: { warehouse: count, drift: count, conflict: count },
    newFields: [],
    driftKept: 1,
    fields: [{ name: names.field, changed: count, filled: count, cleared: count }],
    masked: [{ field: names.field, how: names.message }],
    rejected: [{ code: "TOO_LONG", field: names.field, count }],
    guards: [{ code: "MAX_DELETES", message: names.message }],
    warnings: [names.message],
    cost: { planCalls: count, applyCalls: count, applySeconds: count, quota: { used: count, limit: count } },
  };
  const key = storedKey(names.key);
  const update = {
    change: {
      n: 0,
      key,
      action: "update",
      id: names.key,
      before: { [names.field]: names.before },
      after: { [names.field]: names.after },
    },
    reason: "conflict",
    drifted: [names.field],
  } as const;
  const create = {
    change: { n: 1, key, action: "create", after: { [names.field]: names.after } },
    reason: "warehouse",
    drifted: [],
  } as const;
  const gone = {
    change: { n: 2, key, action: "delete", id: names.key, before: {} },
    reason: "warehouse",
    drifted: [],
  } as const;
  const side = { count, mean: count / 7, p50: 1e20, p95: -0.0001, buckets: [count, 0, 5, 9, 10, 11, 3e8, 1] };
  const review: SyncReview = {
    sync: names.sync,
    creates: [create],
    updates: [update],
    drifted: [update],
    deletes: [gone],
    rejected: [{ code: "TOO_LONG", field: names.field, keys: [names.key], more: true }],
    kinds: { updates: count, creates: count, drifted: 2 * count },
    shapes: [
      { kind: "numbers", field: names.field, changed: count, range: [-1e9, 1e12], before: side, after: side },
      {
        kind: "transitions",
        field: names.field,
        changed: count,
        top: [{ from: names.before, to: names.after, count: 99 }],
      },
    ],
    concentrations: [{ field: names.field, value: names.after, updates: count, share: 0.914, lift: 7.93 }],
  };
  const unread = { ...sync, name: `${names.sync}2`, complete: false, problem: names.message };
  return {
    summary: {
      format: PLAN_FORMAT,
      digest: "0123456789abcdef",
      created: "2026-11-20T08:14:00.000Z",
      expires: "2026-11-21T08:14:00.000Z",
      complete: false,
      syncs: [sync, unread],
    },
    reviews: [review],
  };
}

describe("the text of a plan", () => {
  it("fits 80 columns and holds no control character, whatever the names and values are", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 150 }),
      fc.string({ unit: fc.constantFrom("word ", "名前", "::", "\n", "\u001b[2J", "x"), maxLength: 200 }),
    );
    const names = fc.record({
      sync: text,
      field: text,
      object: text,
      key: text,
      before: text,
      after: text,
      message: text,
    });
    fc.assert(
      fc.property(names, fc.boolean(), fc.constantFrom("summary", "records"), (given, all, level) => {
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

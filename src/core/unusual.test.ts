import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PlanShape } from "./plan.ts";
import { RUNS_REMEMBERED, remembered, unusual } from "./unusual.ts";

const shape = (more: Partial<PlanShape> = {}): PlanShape => ({
  create: 0,
  update: 0,
  delete: 0,
  rejected: 0,
  rows: 10_000,
  ...more,
});
const runs = (count: number, more: Partial<PlanShape> = {}) => Array.from({ length: count }, () => shape(more));

describe("a plan that is unlike the last runs", () => {
  test("says which number, and what it usually is", () => {
    const history = [30, 10, 20, 40, 50, 60].map((update) => shape({ update }));
    expect(unusual(history, shape({ update: 4_200 }))).toEqual([
      "updates: 4200; the last 6 runs had 10 to 60, half of them 35 or fewer",
    ]);
    expect(unusual(runs(5), shape({ delete: 500, rejected: 900 }))).toEqual([
      "deletes: 500; the last 5 runs had 0",
      "rejected rows: 9.0 %; the last 5 runs had 0.0 %",
    ]);
  });

  test("needs five runs to compare with", () => {
    expect(unusual(runs(4), shape({ update: 10_000 }))).toEqual([]);
    expect(unusual(runs(5), shape({ update: 10_000 }))).toHaveLength(1);
  });

  test.each<[string, Partial<PlanShape>]>([
    ["a few records where there were none", { create: 3, update: 30, delete: 3 }],
    ["a few rejected rows", { rejected: 5 }],
    ["a source that grew by a quarter", { rows: 12_500 }],
    ["the same again", {}],
  ])("is not %s", (_, now) => {
    expect(unusual(runs(20), shape(now))).toEqual([]);
  });

  test("fewer changes are never unusual, fewer rows are", () => {
    const busy = runs(8, { create: 5_000, update: 5_000, delete: 5_000 });
    expect(unusual(busy, shape())).toEqual([]);
    expect(unusual(busy, shape({ rows: 4_000 }))).toEqual(["source rows: 4000; the last 8 runs had 10000"]);
    expect(unusual(busy, shape({ rows: 40_000 }))).toHaveLength(1);
  });

  test("one odd run among them changes nothing", () => {
    const history = [...runs(6, { update: 20 }), shape({ update: 9_000 })];
    expect(unusual(history, shape({ update: 500 }))).toHaveLength(1);
  });

  test("only the last twenty count", () => {
    const history = runs(RUNS_REMEMBERED, { update: 10 }).reduce(remembered, runs(30, { update: 5_000 }));
    expect(history).toHaveLength(RUNS_REMEMBERED);
    expect(unusual(history, shape({ update: 5_000 }))).toHaveLength(1);
  });

  test("whatever the numbers are, it answers, and never about one of those it has seen often", () => {
    const shapes = fc.record({
      create: fc.nat(),
      update: fc.nat(),
      delete: fc.nat(),
      rejected: fc.nat(1_000),
      rows: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(shapes, { maxLength: 30 }), shapes, (history, now) => {
        for (const text of unusual(history, now)) expect(text).not.toMatch(/NaN|Infinity|undefined/);
        expect(unusual([...history, ...Array.from({ length: 20 }, () => now)], now)).toEqual([]);
      }),
    );
  });
});

import { expect, test } from "vitest";
import type { OpenPlan } from "../../src/engine/plan-file.ts";
import { reviewPlan, type SyncReview } from "../../src/engine/review/review.ts";
import { fieldShapes } from "../../src/engine/review/shapes.ts";
import { withStaging } from "../../src/engine/staging/scratch.ts";
import { temporaryFolder } from "../world.ts";
import { makePlan, type PlanName } from "./plans.ts";

async function reviewed(name: PlanName, limit = 3): Promise<{ readonly plan: OpenPlan; readonly review: SyncReview }> {
  const plan = await makePlan(name, await temporaryFolder());
  const [review] = await reviewPlan(plan, { limit });
  if (!review) throw new TypeError("there is nothing to review");
  return { plan, review };
}

const shapeOf = ({ shapes }: SyncReview, field: string) => shapes.find((shape) => shape.field === field);
const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);

test("a review tells what happens to each field as a whole, and where", { timeout: 60_000 }, async () => {
  const { review } = await reviewed("huge");
  const mrr = shapeOf(review, "mrr");
  if (mrr?.kind !== "numbers") throw new TypeError("mrr is a number");
  expect(mrr.changed).toBe(5_000);
  for (const side of [mrr.before, mrr.after]) {
    expect(side.count).toBe(5_000);
    expect(side.buckets).toHaveLength(8);
    expect(sum(side.buckets)).toBe(5_000);
  }
  expect(mrr.after.mean).toBeCloseTo(mrr.before.mean * 1.4 + 10, 1);
  expect(mrr.after.p50).toBeGreaterThan(mrr.before.p50);
  expect(shapeOf(review, "stage")).toEqual({
    kind: "transitions",
    field: "stage",
    changed: 5_000,
    top: [
      { from: "lead", to: "customer", count: 2_500 },
      { from: "mql", to: "customer", count: 2_500 },
    ],
  });
  // Every name is another: there is nothing to group.
  expect(shapeOf(review, "name")).toBeUndefined();
  // What all of them became is no place where they are.
  expect(review.concentrations.map(({ field, value }) => `${field}=${value}`)).toEqual(["country=DE"]);
  expect(review.concentrations[0]?.lift).toBeGreaterThan(6);
});

test("the updates that are shown move a number furthest", { timeout: 60_000 }, async () => {
  const { review } = await reviewed("huge");
  const moved = review.updates.map(({ change }) =>
    change.action === "update" ? Number(change.after.mrr) - Number(change.before.mrr) : 0,
  );
  expect(moved).toHaveLength(3);
  // 1,607.20 is the largest there is: it becomes 2,260.08.
  expect(moved[0]).toBeCloseTo(652.88, 2);
  expect(moved).toEqual([...moved].sort((a, b) => b - a));
});

test("an empty value is in no bucket, and personal fields in no statistic", { timeout: 60_000 }, async () => {
  const { plan, review } = await reviewed("tiny");
  const mrr = shapeOf(review, "mrr");
  expect(mrr?.kind === "numbers" && [sum(mrr.before.buckets), sum(mrr.after.buckets)]).toEqual([1, 1]);
  const pii = {
    ...plan,
    manifest: {
      ...plan.manifest,
      syncs: plan.manifest.syncs.map((planned) => ({
        ...planned,
        sync: { ...planned.sync, fields: { ...planned.sync.fields, mrr: { column: "mrr", privacy: "pii" as const } } },
      })),
    },
  };
  const [other] = await reviewPlan(pii, { limit: 3 });
  expect(other?.shapes.map(({ field }) => field)).toEqual(["note"]);
});

test("deletes are named up to fifty, and edits of others apart", { timeout: 60_000 }, async () => {
  expect((await reviewed("delete-heavy", 1)).review.deletes).toHaveLength(50);
  const { review } = await reviewed("drifted", 100);
  expect(review.drifted.length).toBeGreaterThan(20);
  expect(review.updates.every(({ drifted }) => drifted.length === 0)).toBe(true);
});

test("of many values the statistics are estimates, and few values among them are not lost", {
  timeout: 60_000,
}, async () => {
  const plan = await makePlan("tiny", await temporaryFolder());
  const [planned] = plan.manifest.syncs;
  if (!planned) throw new TypeError("the plan has a sync");
  const count = 400_000;
  const shapes = await withStaging({}, async (staging) => {
    // Growing numbers after; before, a number in five of all rows.
    await staging.make(
      "many",
      `SELECT n, 'update' AS action, {'mrr': true, 'seats': n < 50, 'stage': true} AS changed,
         {'mrr': CASE WHEN n % 80000 = 7 THEN 5 END, 'seats': 1, 'stage': 'lead'} AS before,
         {'mrr': n, 'seats': 2 + n, 'stage': CASE WHEN n % 4 = 0 THEN 'mql' ELSE 'customer' END} AS after
       FROM range(${count}) t(n)`,
    );
    const fields = [
      { name: "mrr", changed: count, filled: 0, cleared: 0 },
      { name: "seats", changed: 50, filled: 0, cleared: 0 },
      { name: "stage", changed: count, filled: 0, cleared: 0 },
    ];
    return fieldShapes(staging, "staging.main.many", planned, { fields });
  });
  const [mrr, seats, stage] = shapes;
  if (mrr?.kind !== "numbers" || seats?.kind !== "numbers") throw new TypeError("mrr and seats are numbers");
  expect([mrr.estimated, seats.estimated]).toEqual([true, false]);
  expect(mrr.before).toMatchObject({ count: 5, mean: 5 });
  expect(sum(mrr.before.buckets)).toBe(5);
  expect(Math.abs(mrr.after.count / count - 1)).toBeLessThan(0.01);
  expect(Math.abs(mrr.after.mean / (count / 2) - 1)).toBeLessThan(0.02);
  expect(Math.abs(mrr.after.p50 / (count / 2) - 1)).toBeLessThan(0.02);
  for (const bucket of mrr.after.buckets) expect(Math.abs(bucket / (count / 8) - 1)).toBeLessThan(0.15);
  expect(seats.after).toMatchObject({ count: 50, mean: 26.5 });
  expect(sum(seats.after.buckets)).toBe(50);
  // Counted, not estimated.
  expect(stage).toMatchObject({
    top: [
      { from: "lead", to: "customer", count: 300_000 },
      { from: "lead", to: "mql", count: 100_000 },
    ],
  });
});

import { describe, expect, test } from "vitest";
import { some } from "./choice.ts";
import { killAt } from "./kill.ts";
import { shapes } from "./shapes.ts";

/**
 * Of the whole matrix (`npm run faults`) the points where most is at stake, each for the class of create that has most
 * to lose there.
 */
const chosen = [
  ["no", "plan.copy:half:1"],
  ["key", "journal.start:half:1"],
  ["no", "journal.intent:half:3"],
  ["no", "journal.intent:after:2"],
  ["no", "http.POST.write:after:2"],
  ["conflict", "http.POST.write:after:3"],
  ["key", "http.PATCH.write:after:5"],
  ["no", "http.DELETE.write:after:1"],
  ["conflict", "journal.outcomes:half:2"],
  ["jobs", "journal.ticket:before:2"],
  ["jobs", "http.PATCH.job:after:1"],
  ["no", "ledger.flush:after:1"],
  ["key", "state:half:1"],
  ["conflict", "state:after:1"],
  ["no", "result:half:1"],
  ["no", "lock.release:before:1"],
] as const;

describe("row 1: kill -9 at a named point, and the same plan again", { timeout: 240_000 }, () => {
  test.each(some(chosen))("%s: %s", async (shape, point) => {
    const result = await killAt(shapes[shape], point);
    expect(result).toMatchObject({ killed: true, duplicates: 0, lost: 0, wrong: 0, finish: { nextPlan: 0 } });
    expect([0, 4], result.finish.said).toContain(result.finish.code);
    // At most what each batch in flight had sent.
    expect(result.repeated).toBeLessThanOrEqual(4);
  });

  test("a job that goes on after its owner was killed is followed, not begun again", async () => {
    // One at a time: another job that the kill finds half written may be written again.
    const bends = { concurrency: 1 };
    const result = await killAt(shapes.jobs, "http.PATCH.job:after:1", { bends, faults: { bulkDelayMs: 8_000 } });
    expect(result).toMatchObject({ killed: true, duplicates: 0, lost: 0, wrong: 0, finish: { nextPlan: 0 } });
    expect(result.repeated).toBe(0);
  });

  test.each([
    ["no", "journal.outcomes:half:2", "journal.mend:half:1"],
    ["no", "http.POST.write:after:2", "lock.take:after:1"],
    ["key", "http.PATCH.write:after:2", "http.PATCH.write:after:1"],
  ] as const)("%s: %s, and while that is made good %s", async (shape, point, again) => {
    const result = await killAt(shapes[shape], point, { again });
    expect(result).toMatchObject({ killed: true, duplicates: 0, lost: 0, wrong: 0, finish: { nextPlan: 0 } });
  });
});

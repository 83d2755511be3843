import { expect, test } from "vitest";
import { randomKills } from "./random-kills.ts";

test("row 2: twenty kills at random in one run of 300 batches", { timeout: 600_000 }, async () => {
  const result = await randomKills({ seed: 7, kills: 20, records: 600, batch: 2, resets: 0.02 });
  expect(result).toMatchObject({ kills: 20, duplicates: 0, lost: 0, wrong: 0, nextPlan: 0, violations: 0 });
  expect(result.worstSecond).toBeLessThanOrEqual(result.permitted);
  // Four batches are in flight at once; whatever a kill or a reset hit may be sent once more.
  expect(result.repeated).toBeLessThanOrEqual(4 * result.kills + result.inDoubt / 2);
});

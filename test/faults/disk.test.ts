/** Disks that are full, broken or read-only, and those that forget what was not synced. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { some } from "./choice.ts";
import { killAt } from "./kill.ts";
import { shapes } from "./shapes.ts";
import { finish, journalOf, judge, right } from "./stage.ts";
import { staged } from "./staged.ts";

const { writes } = shapes.no;

describe("row 17: a disk that cannot be written", { timeout: 240_000 }, () => {
  test.each(
    some([
      ["lock.take:before:1", "ENOSPC", "the disk is full"],
      ["journal.open:before:1", "EROFS", "the file system is read-only"],
      ["journal.intent:before:1", "ENOSPC", "the disk is full"],
      ["journal.intent:half:1", "EIO", "EIO"],
    ] as const),
  )("%s %s: nothing is sent, exit 1", async (point, blow, why) => {
    const stage = await staged(shapes.no);
    const ended = await stage.ebb(["apply", "plan.ebb"], { failpoint: `${point}:${blow}` });
    expect(stage.proxy.count(writes)).toBe(0);
    expect(ended, ended.err).toMatchObject({ code: 1, err: expect.stringContaining("Error STATE_UNWRITABLE") });
    expect(ended.err).toContain(why);
    const after = await finish(stage);
    expect(after, after.said).toMatchObject({ code: 0, nextPlan: 0 });
    expect(judge(stage)).toEqual(right);
  });

  test("plan.copy:before:1 ENOSPC: nothing is sent, exit 1", async () => {
    const stage = await staged(shapes.no);
    const ended = await stage.ebb(["apply", "plan.ebb"], { failpoint: "plan.copy:before:1:ENOSPC" });
    expect(stage.proxy.count(writes)).toBe(0);
    expect(ended).toMatchObject({ code: 1, err: expect.stringContaining("Error STATE_UNWRITABLE") });
  });

  test.each(
    some([
      ["journal.intent:half:3", "ENOSPC", 2],
      ["journal.intent:after:3", "EROFS", 3],
      ["journal.outcomes:before:2", "EIO", 7],
      ["state:before:1", "ENOSPC", 7],
      ["result:before:1", "EROFS", 7],
    ] as const),
  )(
    "%s %s: what had its intent is sent, the rest is not, and the next apply ends the run",
    async (point, blow, most) => {
      const stage = await staged(shapes.no, { bends: { concurrency: 1 } });
      const ended = await stage.ebb(["apply", "plan.ebb"], { failpoint: `${point}:${blow}` });
      expect([1, 7], ended.err).toContain(ended.code);
      expect(`${ended.err}${ended.out}`).toContain("STATE_UNWRITABLE");
      expect(stage.proxy.count(writes)).toBeLessThanOrEqual(most);
      const after = await finish(stage);
      expect(after, after.said).toMatchObject({ code: 0, nextPlan: 0 });
      expect(judge(stage)).toEqual(right);
    },
  );
});

test("row 4: when a write arrives at the vendor, its intent is on disk, and synced", { timeout: 240_000 }, async () => {
  const stage = await staged(shapes.no, { bends: { losesUnsynced: true } });
  const early: string[] = [];
  let arrived = 0;
  stage.proxy.watch((call, phase) => {
    if (phase !== "arrived" || !writes.test(call)) return;
    arrived += 1;
    const intents = readFileSync(journalOf(stage), "utf8").match(/"t":"intent"/g) ?? [];
    if (intents.length < arrived) early.push(call);
  });
  expect((await stage.ebb(["apply", "plan.ebb"])).code).toBe(0);
  expect(arrived).toBe(7);
  expect(early).toEqual([]);
});

describe("row 4: a power cut takes what was not synced", { timeout: 240_000 }, () => {
  test.each(
    some([
      ["no", "journal.outcomes:after:4"],
      ["no", "http.POST.write:after:3"],
      ["conflict", "journal.intent:after:6"],
      ["jobs", "journal.ticket:after:2"],
      ["no", "result:before:1"],
    ] as const),
  )("%s: %s", async (shape, point) => {
    const result = await killAt(shapes[shape], point, { bends: { losesUnsynced: true } });
    expect(result).toMatchObject({ killed: true, duplicates: 0, lost: 0, wrong: 0, finish: { nextPlan: 0 } });
  });
});

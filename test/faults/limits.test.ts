/** What a vendor permits, and takes back in the middle of a run. */
import { describe, expect, test } from "vitest";
import { people, shapes } from "./shapes.ts";
import { finish, judge, right, type Stage } from "./stage.ts";
import { staged } from "./staged.ts";

const { writes } = shapes.no;

function atWrite({ proxy }: Stage, nth: number, then: () => void): void {
  let seen = 0;
  proxy.watch((call, phase) => {
    if (phase === "arrived" && writes.test(call) && ++seen === nth) then();
  });
}

async function planned(stage: Stage): Promise<Stage> {
  const { code, err } = await stage.ebb(["plan", "--out", "plan.ebb", "--summary"]);
  expect(code, err).toBe(0);
  return stage;
}

const date = new Date();
const pauses = {
  "Retry-After in seconds": { "retry-after": "2" },
  "Retry-After as a date": { "retry-after": new Date(date.getTime() + 2_000).toUTCString(), date: date.toUTCString() },
  "no Retry-After": {},
} as const;

describe("row 8: a storm of 429", { timeout: 240_000 }, () => {
  test.each(Object.entries(pauses))("%s: the account rests, and one call asks", async (name, headers) => {
    const stage = await staged(shapes.no);
    // The first burst of four is refused, and then whoever asks, three times.
    stage.proxy.rules([{ match: /composite/, times: 7, fault: { kind: "answer", status: 429, headers } }]);
    const ended = await stage.ebb(["apply", "plan.ebb"]);
    expect(ended.code, ended.err).toBe(0);
    expect(judge(stage)).toEqual(right);
    const refused = stage.proxy.calls.filter(({ fault }) => fault === "answer").map(({ at }) => at);
    const restMs = name === "no Retry-After" ? 900 : 1_900;
    const bursts = refused.filter((at, i) => i === 0 || at - (refused[i - 1] ?? 0) > restMs);
    // Whoever had left already when the first refusal came is part of the first burst; afterwards each comes alone.
    expect(refused).toHaveLength(7);
    expect(bursts.length).toBeGreaterThanOrEqual(4);
    expect((await stage.stats()).written).toEqual({ create: 40, update: 20, delete: 10 });
  });
});

test("row 9: the limit halves in the middle of a run", { timeout: 240_000 }, async () => {
  const rows = people(0, 300);
  const stage = await planned(await staged(shapes.no, { rows, bends: { records: 2 }, callsPerSecond: 40 }));
  await stage.sandboxFaults({ rate: { calls: 40, perMs: 1_000 } });
  atWrite(stage, 30, () => void stage.sandboxFaults({ rate: { calls: 20, perMs: 1_000 } }));
  const ended = await finish(stage);
  expect(ended, ended.said).toMatchObject({ code: 0, nextPlan: 0 });
  expect(judge(stage, rows)).toEqual(right);
  // 150 batches: at most a fifth more attempts.
  expect(stage.proxy.count(writes)).toBeLessThanOrEqual(150 * 1.2);
});

test("row 10: an outage stops the run, resumable, and leaves the vendor alone", { timeout: 240_000 }, async () => {
  const stage = await staged(shapes.no, { bends: { speed: { factor: 20, epoch: Date.now() } } });
  const outage = { match: /./, fault: { kind: "answer", status: 503, body: "{}" } } as const;
  atWrite(stage, 3, () => stage.proxy.rules([outage]));
  const stopped = await stage.ebb(["apply", "plan.ebb"]);
  expect(stopped.code, stopped.err).toBe(7);
  expect(stopped.out).toContain("it can be resumed");
  // Seven batches, each with its attempts; a read-back counts four.
  expect(stage.proxy.calls.length).toBeLessThan(100);
  stage.proxy.watch(undefined);
  stage.proxy.rules([]);
  const ended = await finish(stage);
  expect(ended, ended.said).toMatchObject({ code: 0, nextPlan: 0 });
  expect(judge(stage)).toEqual(right);
});

test("row 15: sessions that end in the middle of a run are renewed once", { timeout: 240_000 }, async () => {
  const stage = await staged(shapes.no);
  // Four are under way when sessions end, and all four are refused.
  const revoked = new Promise<void>((resolve, reject) => {
    atWrite(stage, 4, () => void stage.revoke().then(resolve, reject));
  });
  stage.proxy.rules([{ match: writes, times: 4, fault: { kind: "hold", until: revoked } }]);
  const ended = await stage.ebb(["apply", "plan.ebb"]);
  expect(ended.code, ended.err).toBe(0);
  expect(judge(stage)).toEqual(right);
  // One login, and one more after sessions were ended, however many calls were under way.
  expect(stage.proxy.count(/oauth2\/token/)).toBe(2);
  // Seven batches, and each of the four once more.
  expect(stage.proxy.count(writes)).toBe(11);
});

test("row 20: plans beside an apply share the account's limit with it", { timeout: 240_000 }, async () => {
  // Long enough for the plans to read while it goes on.
  const rows = people(0, 400);
  const paced = { callsPerSecond: 15, windowSeconds: 5, bends: { records: 4 } };
  const stage = await planned(await staged(shapes.no, { rows, ...paced }));
  await stage.sandboxFaults({ rate: { calls: 75, perMs: 5_000 } });
  const plans: Promise<number | null>[] = [];
  const look = async () => (await stage.ebb(["plan", "--summary", "--refresh", "full"])).code;
  atWrite(stage, 3, () => plans.push(look(), look(), look()));
  const ended = await stage.ebb(["apply", "plan.ebb"]);
  expect(ended.code, ended.err).toBe(0);
  expect(await Promise.all(plans)).toEqual([0, 0, 0]);
  expect(judge(stage, rows)).toEqual(right);
  expect(stage.proxy.worst(5_000)).toBeLessThanOrEqual(75);
  expect(await stage.stats()).toMatchObject({ violations: 0 });
});

describe("row 16: the clock jumps in the middle of a run", { timeout: 240_000 }, () => {
  test.each([3_600_000, -3_600_000])("by %i ms", async (byMs) => {
    const rows = people(0, 150);
    const bends = { records: 5, jump: { byMs, afterMs: 2_500 } };
    const stage = await planned(await staged(shapes.no, { rows, callsPerSecond: 15, bends: { records: 5 } }));
    const stuck = new Promise((resolve) => setTimeout(() => resolve("stuck"), 60_000).unref());
    const ended = await stage.ebb(["apply", "plan.ebb"], {
      bends,
      meanwhile: (child) => void stuck.then(() => child.kill("SIGKILL")),
    });
    expect(ended, ended.err).toMatchObject({ code: 0, signal: null });
    expect(judge(stage, rows)).toEqual(right);
    expect(stage.proxy.worst(1_000)).toBeLessThanOrEqual(15);
  });
});

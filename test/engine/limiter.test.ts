import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CallEnd, RateSignal } from "../../src/connector/index.ts";
import { fileCell } from "../../src/engine/connect/cell.ts";
import { createLimiter, type Limiter, type LimiterOptions } from "../../src/engine/connect/limiter.ts";
import { fresh } from "../../src/engine/connect/pace.ts";
import { localDisk } from "../../src/engine/state/disk.ts";
import { type VirtualClock, virtualClock } from "../clock.ts";
import { neverAborts, temporaryFolder } from "../world.ts";

/** Most calls in any window of so many milliseconds that begins at a call. */
function busiest(times: readonly number[], perMs: number): number {
  let from = 0;
  let most = 0;
  times.forEach((at, to) => {
    while (at - (times[from] ?? 0) >= perMs) from += 1;
    most = Math.max(most, to - from + 1);
  });
  return most;
}

function limited(clock: VirtualClock, options: Partial<LimiterOptions> = {}): Limiter {
  return createLimiter({ ...clock, steady: clock.now }, { connection: "crm", rates: [], ...options });
}

/** One call: sent when the limiter lets it, and answered at once. */
async function call(limiter: Limiter, end: Partial<CallEnd> = {}, buckets: readonly string[] = ["calls"]) {
  const done = await limiter.acquire(buckets, neverAborts);
  await done({ how: "answered", signals: [], ...end });
}

const tell = (signal: Partial<RateSignal>, how: CallEnd["how"] = "answered"): Partial<CallEnd> => ({
  how,
  signals: [{ bucket: "calls", ...signal }],
});

describe("rates", () => {
  test("are never exceeded in any rolling window", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 120 }),
        fc.constantFrom(1_000, 10_000, 60_000),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.nat(400), { maxLength: 20 }),
        async (limit, perMs, callers, pauses) => {
          const clock = virtualClock();
          const limiter = limited(clock, { rates: [{ bucket: "calls", limit, perMs }] });
          const times: number[] = [];
          const each = Math.ceil((limit * 3 + 20) / callers);
          await Promise.all(
            Array.from({ length: callers }, async (_, caller) => {
              for (let i = 0; i < each; i++) {
                const end = await limiter.acquire(["calls"], neverAborts);
                times.push(clock.now());
                // Refusals slow it down; nothing that is told speeds it up.
                await end({
                  how: pauses[i % Math.max(1, pauses.length)] === 7 ? "refused" : "answered",
                  signals: [{ bucket: "calls", window: { left: limit * 10, resetMs: perMs } }],
                });
                // Callers are away now and then, and must not be let through in a burst when they are back.
                const pause = pauses[(i * callers + caller) % Math.max(1, pauses.length)] ?? 0;
                if (caller === 0 && pause > 300) await clock.sleep(pause, neverAborts);
              }
            }),
          );
          expect(busiest(times, perMs)).toBeLessThanOrEqual(limit);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    { limit: 5, perMs: 1_000 },
    { limit: 100, perMs: 10_000 },
    { limit: 1_000, perMs: 60_000 },
  ])("$limit calls in $perMs ms are used to 95 %, while the vendor counts along", async (rate) => {
    const clock = virtualClock();
    const limiter = limited(clock, { rates: [{ bucket: "calls", ...rate }] });
    const begun = clock.now();
    const calls = 10 * rate.limit;
    for (let i = 0; i < calls; i++) {
      // A fixed window of the vendor's, beginning whenever it likes.
      const into = (clock.now() + 333) % rate.perMs;
      const left = rate.limit - Math.ceil((into / rate.perMs) * rate.limit);
      await call(limiter, tell({ window: { left: Math.max(1, left), resetMs: rate.perMs - into } }));
    }
    expect(calls / ((clock.now() - begun) / rate.perMs)).toBeGreaterThanOrEqual(0.95 * rate.limit);
  });

  test("of several buckets are all kept, also by a call that counts in two of them", async () => {
    const clock = virtualClock();
    const rates = [
      { bucket: "calls", limit: 10, perMs: 1_000 },
      { bucket: "calls", limit: 30, perMs: 10_000 },
      { bucket: "jobs", limit: 2, perMs: 60_000 },
    ];
    const limiter = limited(clock, { rates });
    const times = { calls: [] as number[], jobs: [] as number[] };
    const send = async (count: number, buckets: readonly ("calls" | "jobs")[]) => {
      for (let i = 0; i < count; i++) {
        const end = await limiter.acquire(buckets, neverAborts);
        for (const bucket of buckets) times[bucket].push(clock.now());
        await end({ how: "answered", signals: [] });
      }
    };
    await Promise.all([send(90, ["calls"]), send(3, ["jobs"]), send(2, ["calls", "jobs"])]);
    expect(busiest(times.calls, 1_000)).toBeLessThanOrEqual(10);
    expect(busiest(times.calls, 10_000)).toBeLessThanOrEqual(30);
    expect(busiest(times.jobs, 60_000)).toBeLessThanOrEqual(2);
  });

  test("without one nothing waits; an aborted signal stops a waiting call", async () => {
    const clock = virtualClock();
    const free = limited(clock);
    for (let i = 0; i < 1_000; i++) await call(free);
    expect(clock.slept).toEqual([]);

    const held = limited(clock);
    await call(held, tell({ pauseMs: 60_000 }));
    const stop = new AbortController();
    const waiting = held.acquire(["calls"], stop.signal);
    stop.abort(new Error("stopped"));
    await expect(waiting).rejects.toThrow("stopped");
  });

  test("a clock an hour behind what was noted holds nobody up", async () => {
    const clock = virtualClock();
    let back = 0;
    const limiter = createLimiter(
      { steady: () => clock.now() - back, sleep: clock.sleep },
      { connection: "crm", rates: [{ bucket: "calls", limit: 10, perMs: 1_000 }] },
    );
    for (let i = 0; i < 20; i++) await call(limiter);
    await call(limiter, tell({ pauseMs: 5_000 }));
    back = 3_600_000;
    const begun = clock.now();
    for (let i = 0; i < 10; i++) await call(limiter);
    expect(clock.now() - begun).toBeLessThan(10_000);
  });
});

describe("concurrency", () => {
  test("is kept, first come first served, and a caller who gives up leaves its place", async () => {
    const clock = virtualClock();
    const limiter = limited(clock, { concurrency: [{ bucket: "calls", calls: 3 }] });
    let now = 0;
    let most = 0;
    const order: number[] = [];
    const stop = new AbortController();
    const one = async (i: number) => {
      const end = await limiter.acquire(["calls"], i === 4 ? stop.signal : neverAborts);
      order.push(i);
      most = Math.max(most, ++now);
      await clock.sleep(100, neverAborts);
      now -= 1;
      await end({ how: "answered", signals: [] });
    };
    const all = Array.from({ length: 10 }, (_, i) => one(i).catch((error: Error) => error.message));
    stop.abort(new Error("gone"));
    expect((await Promise.all(all)).filter(Boolean)).toEqual(["gone"]);
    expect(most).toBe(3);
    expect(order).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9]);
  });
});

describe("what the vendor tells", () => {
  test("a pause holds the whole account, whichever bucket it was told in", async () => {
    const clock = virtualClock();
    const waits: number[] = [];
    const rates = [
      { bucket: "calls", limit: 100, perMs: 1_000 },
      { bucket: "jobs", limit: 100, perMs: 1_000 },
    ];
    const limiter = limited(clock, { rates, onWait: (ms) => waits.push(ms) });
    const begun = clock.now();
    const first = await limiter.acquire(["jobs"], neverAborts);
    const second = await limiter.acquire(["calls"], neverAborts);
    await first({ how: "answered", signals: [{ bucket: "jobs", pauseMs: 7_000 }] });
    await second({ how: "answered", signals: [{ bucket: "calls", pauseMs: 2_000 }] });
    await call(limiter);
    expect(clock.now() - begun).toBeGreaterThanOrEqual(7_000);
    expect(waits).toEqual([7_000]);
  });

  test("after a refusal one call asks, and only when it is answered do the others follow", async () => {
    const clock = virtualClock();
    const limiter = limited(clock, { rates: [{ bucket: "calls", limit: 100, perMs: 1_000 }] });
    await call(limiter, tell({ pauseMs: 5_000 }, "refused"));
    const opens = clock.now() + 20_000;
    const attempts: number[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (;;) {
          const end = await limiter.acquire(["calls"], neverAborts);
          attempts.push(clock.now());
          await clock.sleep(200, neverAborts);
          if (clock.now() >= opens) return end({ how: "answered", signals: [] });
          await end({ how: "refused", signals: [{ bucket: "calls", pauseMs: 5_000 }] });
        }
      }),
    );
    // One for each pause, and the eight that were waiting.
    expect(attempts.filter((at) => at < opens).length).toBeLessThanOrEqual(4);
    expect(attempts).toHaveLength(attempts.filter((at) => at < opens).length + 8);
  });

  test("refusals slow it down, and it is back at nine tenths within half a minute", async () => {
    const clock = virtualClock();
    const limiter = limited(clock, { rates: [{ bucket: "calls", limit: 100, perMs: 1_000 }] });
    for (let i = 0; i < 3; i++) {
      await call(limiter, { how: "refused" });
      clock.advance(1_500);
    }
    const perSecond = async (seconds: number) => {
      const until = clock.now() + seconds * 1_000;
      let calls = 0;
      for (; clock.now() < until; calls++) await call(limiter);
      return calls / seconds;
    };
    expect(await perSecond(1)).toBeLessThan(60);
    await perSecond(29);
    expect(await perSecond(1)).toBeGreaterThanOrEqual(90);
  });

  test("a limit that others share: it keeps to what is left, with few refusals", async () => {
    const clock = virtualClock();
    const limiter = limited(clock, { rates: [{ bucket: "calls", limit: 100, perMs: 1_000 }] });
    // Half of every second's hundred is used by somebody else.
    let second = 0;
    let used = 0;
    let refused = 0;
    let landed = 0;
    for (let i = 0; i < 3_000; i++) {
      const end = await limiter.acquire(["calls"], neverAborts);
      const now = Math.floor(clock.now() / 1_000);
      if (now !== second) [second, used] = [now, 0];
      used += 1;
      const resetMs = 1_000 - (clock.now() % 1_000);
      if (used > 50) refused += 1;
      else landed += 1;
      await end({
        how: used > 50 ? "refused" : "answered",
        signals: [{ bucket: "calls", window: { left: Math.max(0, 50 - used), resetMs } }],
      });
    }
    expect(refused / landed).toBeLessThan(0.05);
  });

  test("an empty window is waited for; one that is hours away ends the run instead", async () => {
    const clock = virtualClock();
    const limiter = limited(clock, { rates: [{ bucket: "calls", limit: 100, perMs: 1_000 }] });
    await call(limiter, tell({ window: { left: 0, resetMs: 30_000 } }));
    const begun = clock.now();
    await call(limiter);
    expect(clock.now() - begun).toBeGreaterThanOrEqual(29_000);
    await call(limiter, tell({ window: { left: 0, resetMs: 7_200_000 } }));
    await expect(call(limiter)).rejects.toMatchObject({ code: "RATE_LIMITED", unsent: true });
  });

  test("counts what it lets through against the quota, and refuses when it is used up", async () => {
    const limiter = limited(virtualClock());
    await call(limiter, tell({ quota: { used: 98, limit: 100 } }));
    await call(limiter);
    const last = await limiter.acquire(["calls"], neverAborts);
    await expect(call(limiter)).rejects.toMatchObject({ code: "QUOTA_EXHAUSTED", effect: "transient", unsent: true });
    expect(limiter.quota()).toEqual({ used: 100, limit: 100 });
    await last({ how: "answered", signals: [{ bucket: "calls", quota: { used: 0, limit: 100 } }] });
    await expect(call(limiter)).resolves.toBeUndefined();
  });

  test("a day's quota is counted over every rolling day, and may be used in one go", async () => {
    const clock = virtualClock();
    const day = 86_400_000;
    const limiter = limited(clock, { rates: [{ bucket: "calls", limit: 500, perMs: day }] });
    const times: number[] = [];
    for (let hour = 0; hour < 100; hour++) {
      for (let i = 0; i < 40; i++)
        await call(limiter).then(
          () => times.push(clock.now()),
          (error: unknown) => expect(error).toMatchObject({ code: "QUOTA_EXHAUSTED" }),
        );
      clock.advance(3_600_000);
    }
    expect(busiest(times, day)).toBeLessThanOrEqual(500);
    expect(times.length).toBeGreaterThanOrEqual(3 * 500);
    expect(times.filter((at) => at === times[0])).toHaveLength(40);
  });
});

describe("retries", () => {
  test("are bounded by what succeeds: an account that is away is soon left alone", async () => {
    const limiter = limited(virtualClock());
    let allowed = 0;
    while (limiter.mayRetry()) allowed += 1;
    expect(allowed).toBe(20);
    await call(limiter, { how: "failed" });
    expect(limiter.mayRetry()).toBe(false);
    for (let i = 0; i < 5; i++) await call(limiter);
    expect([limiter.mayRetry(), limiter.mayRetry()]).toEqual([true, false]);
  });
});

describe("two processes on one state", () => {
  test("share one limit, in both directions", async () => {
    const path = join(await temporaryFolder(), "crm.json");
    const clock = virtualClock();
    const rates = [{ bucket: "calls", limit: 20, perMs: 1_000 }];
    const process = () => limited(clock, { rates, cell: fileCell(localDisk, path, fresh) });
    const [one, other] = [process(), process()];
    const times: number[] = [];
    for (let i = 0; i < 120; i++) {
      await call(i % 3 === 0 ? one : other);
      times.push(clock.now());
    }
    expect(busiest(times, 1_000)).toBeLessThanOrEqual(20);
    await call(one, tell({ pauseMs: 4_000 }, "refused"));
    const paused = clock.now();
    await call(other);
    expect(clock.now() - paused).toBeGreaterThanOrEqual(4_000);
  });

  test("change what they share one after the other", async () => {
    const path = join(await temporaryFolder(), "count.json");
    const cells = [fileCell(localDisk, path, 0), fileCell(localDisk, path, 0)];
    const counts = await Promise.all(
      Array.from({ length: 60 }, (_, i) => cells[i % 2]?.change((count) => [count + 1, count])),
    );
    expect(counts.sort((a, b) => (a ?? 0) - (b ?? 0))).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  test("without the file, or with a damaged one, each goes on alone", async () => {
    const clock = virtualClock();
    const rates = [{ bucket: "calls", limit: 20, perMs: 1_000 }];
    const path = join(await temporaryFolder(), "crm.json");
    await localDisk.replace(path, '{"nextAt":');
    const damaged = limited(clock, { rates, cell: fileCell(localDisk, path, fresh) });
    const nowhere = limited(clock, { rates, cell: fileCell(localDisk, "/proc/none/crm.json", fresh) });
    for (const limiter of [damaged, nowhere]) {
      const begun = clock.now();
      for (let i = 0; i < 40; i++) await call(limiter);
      expect(clock.now() - begun).toBeGreaterThanOrEqual(1_900);
    }
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLimiter } from "../../src/engine/connect/limiter.ts";
import { virtualClock } from "../clock.ts";
import { neverAborts } from "../world.ts";

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

describe("the limiter", () => {
  test("never exceeds the limit in any rolling window, and uses nearly all of it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 120 }),
        fc.constantFrom(1_000, 10_000, 60_000),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.nat(400), { maxLength: 20 }),
        async (limit, perMs, callers, pauses) => {
          const clock = virtualClock();
          const limiter = createLimiter(clock, { connection: "crm", rates: [{ bucket: "calls", limit, perMs }] });
          const times: number[] = [];
          const each = Math.ceil((limit * 3 + 20) / callers);
          await Promise.all(
            Array.from({ length: callers }, async (_, caller) => {
              for (let i = 0; i < each; i++) {
                await limiter.acquire("calls", neverAborts);
                times.push(clock.now());
                // Callers are away now and then, and must not be let through in a burst when they are back.
                const pause = pauses[(i * callers + caller) % Math.max(1, pauses.length)] ?? 0;
                if (caller === 0 && pause > 300) await clock.sleep(pause, neverAborts);
              }
            }),
          );
          expect(busiest(times, perMs)).toBeLessThanOrEqual(limit);
          expect(limiter.calls()).toBe(times.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    { limit: 5, perMs: 1_000 },
    { limit: 100, perMs: 10_000 },
    { limit: 1_000, perMs: 60_000 },
  ])("reaches 95 % of $limit calls in $perMs ms", async (rate) => {
    const clock = virtualClock();
    const limiter = createLimiter(clock, { connection: "crm", rates: [{ bucket: "calls", ...rate }] });
    const begun = clock.now();
    const windows = 10;
    const calls = windows * rate.limit;
    for (let i = 0; i < calls; i++) await limiter.acquire("calls", neverAborts);
    expect(calls / ((clock.now() - begun) / rate.perMs)).toBeGreaterThanOrEqual(0.95 * rate.limit);
  });

  test("keeps every rate of a bucket, and a bucket of its own beside it", async () => {
    const clock = virtualClock();
    const rates = [
      { bucket: "calls", limit: 10, perMs: 1_000 },
      { bucket: "calls", limit: 30, perMs: 10_000 },
      { bucket: "jobs", limit: 2, perMs: 60_000 },
    ];
    const limiter = createLimiter(clock, { connection: "crm", rates });
    const times = { calls: [] as number[], jobs: [] as number[] };
    await Promise.all([
      (async () => {
        for (let i = 0; i < 90; i++) {
          await limiter.acquire("calls", neverAborts);
          times.calls.push(clock.now());
        }
      })(),
      (async () => {
        for (let i = 0; i < 5; i++) {
          await limiter.acquire("jobs", neverAborts);
          times.jobs.push(clock.now());
        }
      })(),
    ]);
    expect(busiest(times.calls, 1_000)).toBeLessThanOrEqual(10);
    expect(busiest(times.calls, 10_000)).toBeLessThanOrEqual(30);
    expect(busiest(times.jobs, 60_000)).toBeLessThanOrEqual(2);
  });

  test("a pause holds the whole account, whichever bucket it was told in", async () => {
    const clock = virtualClock();
    const waits: number[] = [];
    const rates = [
      { bucket: "calls", limit: 100, perMs: 1_000 },
      { bucket: "jobs", limit: 100, perMs: 1_000 },
    ];
    const limiter = createLimiter(clock, { connection: "crm", rates, onWait: (ms) => waits.push(ms) });
    const begun = clock.now();
    limiter.report({ bucket: "jobs", pauseMs: 7_000 });
    limiter.report({ bucket: "jobs", pauseMs: 2_000 });
    await limiter.acquire("calls", neverAborts);
    expect(clock.now() - begun).toBe(7_000);
    expect(waits).toEqual([7_000]);
  });

  test("without a rate nothing waits; an aborted signal stops a waiting call", async () => {
    const clock = virtualClock();
    const free = createLimiter(clock, { connection: "crm", rates: [] });
    for (let i = 0; i < 1_000; i++) await free.acquire("calls", neverAborts);
    expect(clock.slept).toEqual([]);

    const held = createLimiter(clock, { connection: "crm", rates: [] });
    held.report({ bucket: "calls", pauseMs: 60_000 });
    const stop = new AbortController();
    const waiting = held.acquire("calls", stop.signal);
    stop.abort(new Error("stopped"));
    await expect(waiting).rejects.toThrow("stopped");
    expect(held.calls()).toBe(0);
  });

  test("counts what it lets through against the quota, and refuses when it is used up", async () => {
    const limiter = createLimiter(virtualClock(), { connection: "crm", rates: [] });
    limiter.report({ bucket: "calls", quota: { used: 98, limit: 100 } });
    await limiter.acquire("calls", neverAborts);
    await limiter.acquire("calls", neverAborts);
    await expect(limiter.acquire("calls", neverAborts)).rejects.toMatchObject({
      code: "QUOTA_EXHAUSTED",
      effect: "transient",
      unsent: true,
    });
    expect(limiter.quota()).toEqual({ used: 100, limit: 100 });
    limiter.report({ bucket: "calls", quota: { used: 0, limit: 100 } });
    await expect(limiter.acquire("calls", neverAborts)).resolves.toBeUndefined();
  });
});

/**
 * The limiter every call of one account goes through, plan reads included.
 *
 * Calls are paced, not let through in windows: a fixed window lets twice the limit through around its edge. Each call
 * takes `(window + slack) / limit`, the slack covering the jitter between leaving here and arriving there.
 *
 * @module
 */

import type { Permits, Rate, RateSignal } from "../../connector/index.ts";
import { TransientError } from "../../core/errors.ts";
import type { World } from "../world.ts";

interface Bucket {
  readonly intervalMs: number;
  /** How far a late call may be caught up with. */
  readonly toleranceMs: number;
  nextAt: number;
}

export interface Limiter extends Permits {
  /** Calls let through so far. */
  readonly calls: () => number;
  /** Who is told of waits longer than a second; the last one to ask. */
  onWait(tell: (ms: number) => void): void;
  readonly quota: () => { readonly used: number; readonly limit: number } | null;
}

export interface LimiterOptions {
  readonly connection: string;
  readonly rates: readonly Rate[];
  readonly onWait?: (ms: number) => void;
}

const PROBE_MS = 10 * 60_000;

export function createLimiter(world: Pick<World, "now" | "sleep">, options: LimiterOptions): Limiter {
  const buckets = new Map<string, Bucket[]>();
  for (const { bucket, limit, perMs } of options.rates) {
    const slack = Math.min(0.03 * perMs, 100);
    const made: Bucket = { intervalMs: (perMs + slack) / limit, toleranceMs: slack / 2, nextAt: 0 };
    buckets.set(bucket, [...(buckets.get(bucket) ?? []), made]);
  }
  let pausedUntil = 0;
  let calls = 0;
  let tellWait = options.onWait;
  let quota: { used: number; limit: number; at: number } | null = null;

  return {
    calls: () => calls,
    onWait(tell) {
      tellWait = tell;
    },
    quota: () => quota && { used: quota.used, limit: quota.limit },
    async acquire(bucket, signal) {
      signal.throwIfAborted();
      // A quota is renewed without a word: after a while one call is let through to ask.
      if (quota && quota.used >= quota.limit && world.now() - quota.at < PROBE_MS)
        throw new TransientError(
          "QUOTA_EXHAUSTED",
          `${options.connection}: ${quota.used} of ${quota.limit} calls used`,
          {
            unsent: true,
          },
        );
      for (;;) {
        const now = world.now();
        const wanted = buckets.get(bucket) ?? buckets.get("calls") ?? [];
        const at = Math.max(pausedUntil, ...wanted.map((b) => b.nextAt));
        if (at <= now) {
          for (const b of wanted) b.nextAt = Math.max(now - b.toleranceMs, b.nextAt) + b.intervalMs;
          calls += 1;
          if (quota) quota = { ...quota, used: quota.used + 1 };
          return;
        }
        if (at - now > 1_000) tellWait?.(at - now);
        await world.sleep(at - now, signal);
      }
    },
    report(told: RateSignal) {
      if (told.pauseMs !== undefined) pausedUntil = Math.max(pausedUntil, world.now() + told.pauseMs);
      if (told.quota) quota = { ...told.quota, at: world.now() };
    },
  };
}

/**
 * When the next call of an account may go, as plain data and pure functions: the limiter's whole knowledge.
 *
 * Short windows are paced, not let through in bursts: a fixed window lets twice the limit through around its edge. Each
 * call takes `(window + slack) / limit`, the slack covering the jitter between leaving here and arriving there. Long
 * windows (a day) are counted. What the vendor says of its windows, and its refusals, slow the pace down, never up.
 *
 * @module
 */
import type { CallEnd, Rate } from "../../connector/index.ts";

export interface Pace {
  /** By index of the rate: the earliest moment of its next call. */
  readonly nextAt: readonly number[];
  /** By index of the rate: calls of long windows, by slot of the window. */
  readonly counted: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** The account is left alone until then. */
  readonly pause: { readonly until: number; readonly ms: number };
  /** After a refusal one call asks whether the account is open again: due, or under way since. */
  readonly probe: "due" | number | null;
  /** Share of the permitted rate in use: less after refusals, growing back while there are none. */
  readonly share: { readonly value: number; readonly at: number };
  readonly refusedAt: number;
  /** What the vendor said is left of its present windows, by bucket. */
  readonly told: Readonly<Record<string, { readonly left: number; readonly until: number; readonly ms: number }>>;
  readonly quota: { readonly used: number; readonly limit: number; readonly at: number } | null;
}

export const fresh: Pace = {
  nextAt: [],
  counted: {},
  pause: { until: 0, ms: 0 },
  probe: null,
  share: { value: 1, at: 0 },
  refusedAt: 0,
  told: {},
  quota: null,
};

/** A call may go now, after so many milliseconds, or not before the quota is renewed. */
export type Verdict = { readonly pace: Pace } & (
  | { readonly go: true }
  | { readonly go: false; readonly waitMs: number }
  | { readonly go: false; readonly used: number; readonly limit: number }
);

/** Windows longer than this are counted: pacing a day's quota would spread a burst over the whole day. */
const LONG_MS = 3_600_000;
const SLOTS = 24;
/** A quota is renewed without a word: after so long one call is let through to ask. */
const QUOTA_PROBE_MS = 10 * 60_000;
/** A probe that has not been answered after so long has died with its process. */
const PROBE_MS = 60_000;
const PROBE_LOOK_MS = 100;
const LEAST_SHARE = 0.05;
const SHARE_AFTER_REFUSAL = 0.7;
/** Of the permitted rate, a second. */
const GROWTH = 0.02;
/** Refusals so close together are answers to one burst. */
const ONE_BURST_MS = 1_000;
/** The vendor's window is followed only where it is clearly slower than what is permitted. */
const CLEARLY = 1.25;

export function take(known: Pace, rates: readonly Rate[], buckets: readonly string[], now: number): Verdict {
  const pace = setRight(known, rates, now);
  const { quota } = pace;
  if (quota && quota.used >= quota.limit && now - quota.at < QUOTA_PROBE_MS)
    return { go: false, pace, used: quota.used, limit: quota.limit };
  if (pace.pause.until > now) return { go: false, pace, waitMs: pace.pause.until - now };
  if (typeof pace.probe === "number" && now - pace.probe < PROBE_MS) return { go: false, pace, waitMs: PROBE_LOOK_MS };

  const share = shareAt(pace, now);
  const nextAt = [...pace.nextAt];
  let counted = pace.counted;
  let at = now;
  for (const [index, rate] of rates.entries()) {
    if (!buckets.includes(rate.bucket)) continue;
    if (rate.perMs >= LONG_MS) {
      const slots = recent(counted[index], rate, now);
      const used = Object.values(slots).reduce((sum, calls) => sum + calls, 0);
      if (used >= rate.limit) return { go: false, pace, used, limit: rate.limit };
      const slot = String(slotOf(rate, now));
      counted = { ...counted, [index]: { ...slots, [slot]: (slots[slot] ?? 0) + 1 } };
      continue;
    }
    const slack = slackOf(rate);
    const intervalMs = (rate.perMs + slack) / rate.limit / share;
    const due = nextAt[index] ?? 0;
    at = Math.max(at, due);
    nextAt[index] = Math.max(now - slack / 2, due) + Math.max(intervalMs, toldInterval(pace, rate, intervalMs, now));
  }
  for (const bucket of buckets) {
    const told = pace.told[bucket];
    if (told && told.left <= 0) at = Math.max(at, told.until);
  }
  if (at > now) return { go: false, pace, waitMs: at - now };
  return {
    go: true,
    pace: {
      ...pace,
      nextAt: Array.from(nextAt, (moment) => moment ?? 0),
      counted,
      share: { value: share, at: now },
      probe: pace.probe === null ? null : now,
      told: oneLess(pace.told, buckets, now),
      quota: quota && { ...quota, used: quota.used + 1 },
    },
  };
}

/** What the end of a call teaches. */
export function learn(pace: Pace, { how, signals }: CallEnd, now: number): Pace {
  let next: Pace = typeof pace.probe === "number" ? { ...pace, probe: null } : pace;
  if (how === "refused") {
    const sameBurst = Math.abs(now - pace.refusedAt) < ONE_BURST_MS;
    const value = Math.max(LEAST_SHARE, shareAt(pace, now) * (sameBurst ? 1 : SHARE_AFTER_REFUSAL));
    next = { ...next, probe: "due", share: { value, at: now }, refusedAt: sameBurst ? pace.refusedAt : now };
  }
  for (const { bucket, pauseMs, window, quota } of signals) {
    if (pauseMs !== undefined && now + pauseMs > next.pause.until)
      next = { ...next, pause: { until: now + pauseMs, ms: pauseMs } };
    if (window)
      next = {
        ...next,
        told: { ...next.told, [bucket]: { left: window.left, until: now + window.resetMs, ms: window.resetMs } },
      };
    if (quota) next = { ...next, quota: { ...quota, at: now } };
  }
  return next;
}

/** Where the clock stands behind another process's, nothing lies further ahead than it did when it was noted. */
function setRight(pace: Pace, rates: readonly Rate[], now: number): Pace {
  const { pause, share, told, quota, probe } = pace;
  if (pause.until - pause.ms <= now && share.at <= now) return pace;
  const windows = Object.entries(told).map(([bucket, one]) => [
    bucket,
    { ...one, until: Math.min(one.until, now + one.ms) },
  ]);
  return {
    ...pace,
    pause: { ...pause, until: Math.min(pause.until, now + pause.ms) },
    share: { ...share, at: now },
    nextAt: pace.nextAt.map((at, index) => Math.min(at, now + (rates[index]?.perMs ?? 0))),
    told: Object.fromEntries(windows),
    quota: quota && { ...quota, at: Math.min(quota.at, now) },
    probe: typeof probe === "number" ? Math.min(probe, now) : probe,
  };
}

function shareAt({ share }: Pace, now: number): number {
  return Math.min(1, share.value + (GROWTH * Math.max(0, now - share.at)) / 1000);
}

function slackOf({ perMs }: Rate): number {
  return Math.min(0.04 * perMs, 200);
}

/** What the vendor says is left, spread over the rest of its window; 0 where that is about what is permitted anyway. */
function toldInterval({ told }: Pace, { bucket, perMs }: Rate, intervalMs: number, now: number): number {
  const window = told[bucket];
  if (!window || window.left <= 0 || window.until <= now || window.until - now > perMs) return 0;
  const spread = (window.until - now) / window.left;
  return spread > CLEARLY * intervalMs ? spread : 0;
}

function oneLess(told: Pace["told"], buckets: readonly string[], now: number): Pace["told"] {
  const still = Object.entries(told).filter(([, { until }]) => until > now);
  return Object.fromEntries(
    still.map(([bucket, one]) => [bucket, buckets.includes(bucket) ? { ...one, left: one.left - 1 } : one]),
  );
}

function slotOf({ perMs }: Rate, now: number): number {
  return Math.floor(now / (perMs / SLOTS));
}

/** The slots that may hold calls of the window that ends now. */
function recent(slots: Readonly<Record<string, number>> = {}, rate: Rate, now: number): Record<string, number> {
  const last = slotOf(rate, now);
  return Object.fromEntries(Object.entries(slots).filter(([slot]) => Number(slot) >= last - SLOTS));
}

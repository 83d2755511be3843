/**
 * What an answer's headers say of the account's limits, in the forms that several vendors share: the IETF draft
 * `RateLimit` / `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers), its earlier `RateLimit-Remaining` /
 * `RateLimit-Reset`, and the `X-RateLimit-*` it came from. A vendor's own forms are read by its connector.
 * @module
 */
import type { RateSignal } from "./permits.ts";

/** Above this a reset is a moment (seconds since the epoch), below it a duration: the older headers are used both ways. */
const EPOCH_SECONDS = 1_000_000_000;

/**
 * @param now milliseconds since the epoch, for resets that are moments
 * @example rateHeaders("calls", { "ratelimit": '"default";r=0;t=30' }, now) // [{ bucket: "calls", window: { left: 0, resetMs: 30000 } }]
 */
export function rateHeaders(
  bucket: string,
  headers: Readonly<Record<string, string>>,
  now: number,
): readonly RateSignal[] {
  const told = headers.ratelimit === undefined ? olderForm(headers, now) : structuredForm(headers.ratelimit);
  return told.map((window) => ({ bucket, window }));
}

type Window = NonNullable<RateSignal["window"]>;

/** `"burst";r=3;t=2, "daily";r=900;t=8000`, or `limit=100, remaining=3, reset=2` of the drafts before it. */
function structuredForm(header: string): readonly Window[] {
  const early = /(?:^|[\s,;])remaining=(\d+)/.exec(header);
  if (early) return window(early[1], /(?:^|[\s,;])reset=(\d+)/.exec(header)?.[1], 0);
  return header.split(",").flatMap((item) => window(/;\s*r=(\d+)/.exec(item)?.[1], /;\s*t=(\d+)/.exec(item)?.[1], 0));
}

function olderForm(headers: Readonly<Record<string, string>>, now: number): readonly Window[] {
  const value = (name: string) =>
    headers[`ratelimit-${name}`] ?? headers[`x-ratelimit-${name}`] ?? headers[`x-rate-limit-${name}`];
  return window(value("remaining"), value("reset"), now);
}

function window(left: string | undefined, reset: string | undefined, now: number): readonly Window[] {
  if (left === undefined || reset === undefined || !/^\d+$/.test(left.trim())) return [];
  const seconds = Number(reset);
  if (!Number.isFinite(seconds) || seconds < 0) return [];
  const resetMs = seconds > EPOCH_SECONDS ? Math.max(0, seconds * 1000 - now) : seconds * 1000;
  return [{ left: Number(left), resetMs }];
}

/** Counts calls, and keeps the rolling window and the daily quota. @module */
import type { Faults } from "./faults.ts";

/** Calls in the last `perMs`, and the most there ever were. */
class Window {
  private times: number[] = [];
  private oldest = 0;
  most = 0;

  calls(now: number, perMs: number): number {
    while (this.oldest < this.times.length && (this.times[this.oldest] ?? 0) <= now - perMs) this.oldest++;
    if (this.oldest > 10_000) {
      this.times = this.times.slice(this.oldest);
      this.oldest = 0;
    }
    return this.times.length - this.oldest;
  }

  add(now: number, perMs: number): void {
    this.times.push(now);
    this.most = Math.max(this.most, this.calls(now, perMs));
  }
}

/** What a free account's private app may do. */
const usual = { calls: 100, perMs: 10_000 };

export class Meter {
  readonly calls: Record<string, number> = {};
  total = 0;
  violations = 0;
  /** Calls of the day. */
  used = 0;
  private readonly faults: Faults;
  private readonly arrived = new Window();
  private admitted = new Window();
  private rate = "";

  constructor(faults: Faults) {
    this.faults = faults;
  }

  get dailyLimit(): number {
    return this.faults.settings.dailyQuota ?? 250_000;
  }

  /** Counts a call; the name of the limit it breaks. Without the fault `rate` only the day is limited. */
  admit(label: string, now: number): "TEN_SECONDLY_ROLLING" | "DAILY" | undefined {
    const { rate } = this.faults.settings;
    if (JSON.stringify(rate ?? null) !== this.rate) {
      this.rate = JSON.stringify(rate ?? null);
      this.admitted = new Window();
    }
    const { calls, perMs } = rate ?? usual;
    this.count(label);
    this.arrived.add(now, perMs);
    if (rate && this.admitted.calls(now, perMs) >= calls) {
      this.violations += 1;
      return "TEN_SECONDLY_ROLLING";
    }
    if (this.used >= this.dailyLimit) return "DAILY";
    this.admitted.add(now, perMs);
    this.used += 1;
    return undefined;
  }

  /** A call no limit is kept for. */
  count(label: string): void {
    this.calls[label] = (this.calls[label] ?? 0) + 1;
    this.total += 1;
  }

  /** Search answers tell nothing of limits. */
  headers(label: string, now: number): Record<string, string> {
    if (label.endsWith("/search")) return {};
    const { calls, perMs } = this.faults.settings.rate ?? usual;
    return {
      "x-hubspot-ratelimit-daily": String(this.dailyLimit),
      "x-hubspot-ratelimit-daily-remaining": String(Math.max(0, this.dailyLimit - this.used)),
      "x-hubspot-ratelimit-interval-milliseconds": String(perMs),
      "x-hubspot-ratelimit-max": String(calls),
      "x-hubspot-ratelimit-remaining": String(Math.max(0, calls - this.admitted.calls(now, perMs))),
    };
  }

  stats() {
    const { perMs } = this.faults.settings.rate ?? usual;
    return {
      calls: this.calls,
      total: this.total,
      violations: this.violations,
      mostInWindow: this.arrived.most,
      windowMs: perMs,
      quota: { used: this.used, limit: this.dailyLimit },
    };
  }
}

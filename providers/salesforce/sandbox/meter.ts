/** Counts calls, and keeps the rolling window and the daily quota. @module */

/** Calls in the last `perMs`, and the most there ever were. */
class Window {
  private times: number[] = [];
  private oldest = 0;
  most = 0;

  /** Calls that are younger than `perMs`, and the moment the oldest of them leaves. */
  at(now: number, perMs: number): { readonly calls: number; readonly nextAt: number } {
    while (this.oldest < this.times.length && (this.times[this.oldest] ?? 0) <= now - perMs) this.oldest++;
    if (this.oldest > 10_000) {
      this.times = this.times.slice(this.oldest);
      this.oldest = 0;
    }
    return { calls: this.times.length - this.oldest, nextAt: (this.times[this.oldest] ?? now) + perMs };
  }

  add(now: number, perMs: number): void {
    this.times.push(now);
    this.most = Math.max(this.most, this.at(now, perMs).calls);
  }
}

export interface Rate {
  readonly calls: number;
  readonly perMs: number;
}

export class Meter {
  readonly calls: Record<string, number> = {};
  total = 0;
  violations = 0;
  /** Calls of the day. */
  used = 0;
  private readonly arrived = new Window();
  private admitted = new Window();
  private rate: Rate | undefined;

  /** Counts a call; the milliseconds to wait when it is one too many. */
  admit(label: string, now: number, rate: Rate | undefined): number | undefined {
    if (rate?.calls !== this.rate?.calls || rate?.perMs !== this.rate?.perMs) {
      this.rate = rate;
      this.admitted = new Window();
    }
    this.calls[label] = (this.calls[label] ?? 0) + 1;
    this.total += 1;
    const perMs = rate?.perMs ?? 1_000;
    this.arrived.add(now, perMs);
    if (rate) {
      const { calls, nextAt } = this.admitted.at(now, perMs);
      if (calls >= rate.calls) {
        this.violations += 1;
        return nextAt - now;
      }
    }
    this.admitted.add(now, perMs);
    return undefined;
  }

  stats() {
    return {
      calls: this.calls,
      total: this.total,
      violations: this.violations,
      mostInWindow: this.arrived.most,
      windowMs: this.rate?.perMs ?? 1_000,
    };
  }
}

/** Which call of a proxy goes wrong, and how. @module */

export type Fault =
  /** The connection breaks: before the vendor sees the call, after the work and before the answer, or within its body. */
  | { readonly kind: "reset"; readonly when: "before" | "after" | "body" }
  /** Waits before the vendor sees the call, or before the client sees the answer. */
  | { readonly kind: "delay"; readonly ms: number; readonly of?: "request" | "answer" }
  /** Waits before the vendor sees the call until something has come about. */
  | { readonly kind: "hold"; readonly until: Promise<unknown> }
  /** The answer comes, in pieces, at so many bytes a second. */
  | { readonly kind: "slow"; readonly bytesPerSecond: number; readonly piece?: number }
  /** Half of the answer, well framed. */
  | { readonly kind: "truncate" }
  /** The vendor sees the call twice, one after the other; the client gets the second answer. */
  | { readonly kind: "twice" }
  /** The client gets what the last call of the same address was answered; the vendor does this one's work. */
  | { readonly kind: "replay" }
  /** Another answer; with `performed`, after the vendor has done the work. */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly performed?: boolean;
    };

export interface Rule {
  /** Regular expression on `METHOD /path?query`. */
  readonly match: RegExp;
  readonly fault: Fault;
  /** Of the calls that match, only this one, counted from 1. */
  readonly nth?: number;
  /** Only every so many of them. */
  readonly every?: number;
  /** Only with this probability. */
  readonly probability?: number;
  /** Ends after so many strikes. */
  readonly times?: number;
}

/** A chance that is the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The rules in force, with what they have seen. */
export class Rules {
  private readonly chance: () => number;
  private armed: { readonly rule: Rule; seen: number; struck: number }[] = [];
  /** Strikes by the kind of fault, since the start. */
  readonly strikes: Record<string, number> = {};

  constructor(seed: number) {
    this.chance = seeded(seed);
  }

  set(rules: readonly Rule[]): void {
    this.armed = rules.map((rule) => ({ rule, seen: 0, struck: 0 }));
  }

  /** The fault that strikes this call: that of the first rule that applies. */
  strike(call: string): Fault | undefined {
    for (const one of this.armed) {
      const { match, nth, every, probability, times, fault } = one.rule;
      if (!match.test(call)) continue;
      one.seen += 1;
      if (times !== undefined && one.struck >= times) continue;
      if (nth !== undefined && one.seen !== nth) continue;
      if (every !== undefined && one.seen % every !== 0) continue;
      if (probability !== undefined && this.chance() >= probability) continue;
      one.struck += 1;
      this.strikes[fault.kind] = (this.strikes[fault.kind] ?? 0) + 1;
      return fault;
    }
    return undefined;
  }
}

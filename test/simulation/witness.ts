/** What the model saw of a story: calls, what each change did, what each read showed; and every rule that was broken. @module */
import type { Change } from "../../src/core/types.ts";
import type { Process } from "./process.ts";
import type { Values, Version } from "./store.ts";

export type Rule =
  | "no duplicate"
  | "nothing lost"
  | "never more than the plan"
  | "drift"
  | "rate limit"
  | "no needless repeat"
  | "converged"
  | "zombie"
  | "result"
  | "engine error";

export interface Violation {
  readonly rule: Rule;
  readonly message: string;
}

/** One plan being applied, with what the model knows of its changes by position. */
export interface Applying {
  readonly name: string;
  readonly changes: readonly Change[];
  /** Effects of Ebb's writes: when, and on which record. */
  readonly effects: Map<number, { readonly at: number; readonly id: string }[]>;
  /** Times the destination took the change in, with or without effect. */
  readonly received: Map<number, number>;
  /** Changes that landed and whose answer was lost. */
  readonly unanswered: Set<number>;
  readonly powerCuts: number;
}

export interface Look {
  readonly at: number;
  readonly who: Process;
  readonly ids: ReadonlyMap<string, Version | undefined>;
  /** Keys that were asked for, with the records shown for them. */
  readonly keys: ReadonlyMap<string, readonly { readonly id: string; readonly fields: Values }[]>;
  /** Every record was covered: what is not in `ids` had not changed. */
  readonly all: boolean;
}

export interface Witness {
  readonly violations: Violation[];
  readonly events: string[];
  readonly calls: { readonly at: number; readonly who: string }[];
  readonly looks: Look[];
  readonly stats: Stats;
  /** What a process is applying; absent while it plans. */
  readonly applying: Map<Process, Applying>;
  broken(rule: Rule, message: string): void;
  tell(event: string): void;
  save(): SavedWitness;
}

export interface Stats {
  plans: number;
  applies: number;
  kills: number;
  powerCuts: number;
  edits: number;
  lost: number;
  /** Calls that broke and whose effect came later. */
  late: number;
  settled: number;
  repeats: number;
  zombies: number;
  duplicates: number;
  missing: number;
  /** Most calls in a rolling window, as a share of its limit. */
  worstWindow: number;
}

export const noStats = (): Stats => ({
  plans: 0,
  applies: 0,
  kills: 0,
  powerCuts: 0,
  edits: 0,
  lost: 0,
  late: 0,
  settled: 0,
  repeats: 0,
  zombies: 0,
  duplicates: 0,
  missing: 0,
  worstWindow: 0,
});

export function addStats(sum: Stats, more: Stats): void {
  for (const name of Object.keys(sum) as (keyof Stats)[])
    sum[name] = name === "worstWindow" ? Math.max(sum[name], more[name]) : sum[name] + more[name];
}

export interface SavedWitness {
  readonly start: number;
  readonly events: readonly string[];
  readonly calls: Witness["calls"];
}

/** @param saved what was seen before; what was counted is counted there */
export function makeWitness(now: () => number, saved?: SavedWitness): Witness {
  const start = saved?.start ?? now();
  const violations: Violation[] = [];
  const events: string[] = [...(saved?.events ?? [])];
  const calls = [...(saved?.calls ?? [])];
  const tell = (event: string) => {
    events.push(`${((now() - start) / 1000).toFixed(3).padStart(10)} ${event}`);
  };
  return {
    violations,
    events,
    tell,
    calls,
    looks: [],
    stats: noStats(),
    save: () => ({ start, events: [...events], calls: [...calls] }),
    applying: new Map(),
    broken(rule, message) {
      violations.push({ rule, message });
      tell(`BROKEN ${rule}: ${message}`);
    },
  };
}

/** A clock that stands still until somebody sleeps, and then jumps to the moment that sleeper wakes. @module */

export interface VirtualClock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Moves on by so much, waking whoever is due on the way. */
  advance(ms: number): void;
  /** How many sleep now. */
  sleeping(): number;
  /** Milliseconds of each sleep so far that moved the clock. */
  readonly slept: readonly number[];
}

interface Sleeper {
  readonly at: number;
  readonly moves: boolean;
  readonly wake: () => void;
}

/** A sleep of exactly this long is the heartbeat of a lock: it wakes when time has passed, but never moves the clock. */
const HEARTBEAT_MS = 10_000;

export function virtualClock(start = Date.UTC(2026, 0, 5, 9)): VirtualClock {
  let time = start;
  let pumping = false;
  const sleepers = new Set<Sleeper>();
  const slept: number[] = [];
  const earliest = () => [...sleepers].reduce((at, one) => Math.min(at, one.at), Number.POSITIVE_INFINITY);
  const moveTo = (target: number) => {
    time = Math.max(time, target);
    for (const sleeper of [...sleepers].filter(({ at }) => at <= time)) {
      sleepers.delete(sleeper);
      sleeper.wake();
    }
  };
  // One step at a time, so that whoever woke can act before the next is due.
  const pump = () => {
    pumping = false;
    if ([...sleepers].some(({ moves }) => moves)) moveTo(earliest());
    schedule();
  };
  const schedule = () => {
    if (pumping || ![...sleepers].some(({ moves }) => moves)) return;
    pumping = true;
    setImmediate(pump);
  };
  return {
    slept,
    sleeping: () => sleepers.size,
    now: () => time,
    advance(ms) {
      const target = time + ms;
      while (earliest() <= target) moveTo(earliest());
      moveTo(target);
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const abort = () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        };
        const wake = () => {
          signal.removeEventListener("abort", abort);
          resolve();
        };
        const sleeper: Sleeper = { at: time + ms, moves: ms !== HEARTBEAT_MS, wake };
        sleepers.add(sleeper);
        signal.addEventListener("abort", abort, { once: true });
        if (sleeper.moves) slept.push(ms);
        schedule();
      }),
  };
}

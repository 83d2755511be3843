/**
 * Time of a story. It stands still while anybody works, and jumps to the next moment somebody waits for once all wait:
 * so the order of events depends on the seed alone, not on how long the machine takes for a query.
 * @module
 */

/** Who sleeps. One that is frozen moves no clock, and one that is dead sleeps no more. */
export interface Sleeping {
  readonly dead: boolean;
  readonly frozen: boolean;
}

export interface StoryClock {
  now(): number;
  sleep(who: Sleeping, ms: number, signal: AbortSignal): Promise<void>;
  /** Moves on by so much, waking whoever is due on the way. */
  advance(ms: number): void;
  /** Looks anew at who sleeps: somebody has died, and sleeps no more. */
  nudge(): void;
}

/** Work outside JavaScript that the clock waits for. */
export interface Busy {
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

interface Sleeper {
  readonly at: number;
  readonly who: Sleeping;
  readonly beat: boolean;
  readonly wake: () => void;
}

/** A sleep of exactly this long is the heartbeat of a lock: it wakes when time has passed, but never moves the clock. */
const HEARTBEAT_MS = 10_000;
/** Turns of the event loop in which whoever woke can begin what it does next. */
const TURNS = 8;

export function storyClock(busy: Busy, start = Date.UTC(2026, 0, 5, 9)): StoryClock {
  let time = start;
  let pumping = false;
  const sleepers = new Set<Sleeper>();
  const moves = ({ who, beat }: Sleeper) => who.dead || (!beat && !who.frozen);
  const awake = ({ who }: Sleeper) => !who.frozen;
  const earliest = () =>
    [...sleepers].filter(awake).reduce((at, one) => Math.min(at, one.at), Number.POSITIVE_INFINITY);
  const moveTo = (target: number) => {
    time = Math.max(time, target);
    for (const sleeper of [...sleepers].filter((one) => awake(one) && one.at <= time)) {
      sleepers.delete(sleeper);
      sleeper.wake();
    }
  };
  const pump = async () => {
    for (let turn = 0; turn < TURNS; turn++) {
      await new Promise((resume) => setImmediate(resume));
      await busy.idle();
    }
    pumping = false;
    const dead = [...sleepers].filter(({ who }) => who.dead);
    for (const sleeper of dead) {
      sleepers.delete(sleeper);
      sleeper.wake();
    }
    if (dead.length === 0 && [...sleepers].some(moves)) moveTo(earliest());
    schedule();
  };
  const schedule = () => {
    if (pumping || ![...sleepers].some(moves)) return;
    pumping = true;
    void pump();
  };
  return {
    now: () => time,
    nudge: schedule,
    advance(ms) {
      const target = time + ms;
      while (earliest() <= target) moveTo(earliest());
      moveTo(target);
    },
    sleep: (who, ms, signal) =>
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
        const sleeper: Sleeper = { at: time + ms, who, beat: ms === HEARTBEAT_MS, wake };
        sleepers.add(sleeper);
        signal.addEventListener("abort", abort, { once: true });
        schedule();
      }),
  };
}

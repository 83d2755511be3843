/** The limiter every call of one account goes through, plan reads included. @module */
import { type CallEnd, type Concurrency, LONGEST_WAIT_MS, type Permits, type Rate } from "../../connector/index.ts";
import { TransientError } from "../../core/errors.ts";
import type { World } from "../world.ts";
import { type Cell, memoryCell } from "./cell.ts";
import { fresh, learn, type Pace, take } from "./pace.ts";

export interface Limiter extends Omit<Permits, "mayLeave"> {
  /** Who is told of waits longer than a second; the last one to ask. */
  onWait(tell: (ms: number) => void): void;
  readonly quota: () => { readonly used: number; readonly limit: number } | null;
}

export interface LimiterOptions {
  readonly connection: string;
  readonly rates: readonly Rate[];
  readonly concurrency?: readonly Concurrency[] | undefined;
  /** Where the pace is kept; by default in this process. */
  readonly cell?: Cell<Pace>;
  readonly onWait?: (ms: number) => void;
}

/** Failed calls an account may have sent again, refilled by those that succeed: as in the AWS SDK's retry quota. */
const RETRIES = { most: 100, cost: 5, refund: 1 };

export function createLimiter(world: Pick<World, "steady" | "sleep">, options: LimiterOptions): Limiter {
  const { connection, rates, concurrency = [], cell = memoryCell(fresh) } = options;
  let tellWait = options.onWait;
  let quota: Pace["quota"] = null;
  let retries = RETRIES.most;
  const places = concurrency.map(({ bucket, calls: most }) => ({ bucket, places: createPlaces(most) }));

  const paced = async (buckets: readonly string[], signal: AbortSignal): Promise<void> => {
    for (;;) {
      signal.throwIfAborted();
      const verdict = await cell.change((pace) => {
        const found = take(pace, rates, buckets, world.steady());
        quota = found.pace.quota;
        return [found.pace, found];
      });
      if (verdict.go) return;
      if (!("waitMs" in verdict)) throw exhausted(connection, verdict);
      if (verdict.waitMs > LONGEST_WAIT_MS) throw tooLong(connection, verdict.waitMs);
      if (verdict.waitMs > 1_000) tellWait?.(verdict.waitMs);
      await world.sleep(verdict.waitMs, signal);
    }
  };

  return {
    onWait(tell) {
      tellWait = tell;
    },
    quota: () => quota && { used: quota.used, limit: quota.limit },
    mayRetry() {
      if (retries < RETRIES.cost) return false;
      retries -= RETRIES.cost;
      return true;
    },
    async acquire(named, signal) {
      const buckets = named.map((bucket) => (isKnown(bucket) ? bucket : "calls"));
      const held: (() => void)[] = [];
      const leave = () => {
        for (const free of held) free();
      };
      try {
        for (const one of places) if (buckets.includes(one.bucket)) held.push(await one.places.enter(signal));
        await paced(buckets, signal);
      } catch (error) {
        leave();
        throw error;
      }
      return async (end: CallEnd) => {
        leave();
        if (end.how === "answered") retries = Math.min(RETRIES.most, retries + RETRIES.refund);
        quota = await cell.change((pace) => {
          const next = learn(pace, end, world.steady());
          return [next, next.quota];
        });
      };
    },
  };

  function isKnown(bucket: string): boolean {
    return rates.some((rate) => rate.bucket === bucket) || concurrency.some((one) => one.bucket === bucket);
  }
}

function tooLong(connection: string, retryAfterMs: number): TransientError {
  const minutes = Math.ceil(retryAfterMs / 60_000);
  return new TransientError("RATE_LIMITED", `${connection}: the account takes no calls for ${minutes} minutes`, {
    unsent: true,
    retryAfterMs,
  });
}

function exhausted(connection: string, { used, limit }: { readonly used: number; readonly limit: number }) {
  return new TransientError("QUOTA_EXHAUSTED", `${connection}: ${used} of ${limit} calls used`, { unsent: true });
}

interface Places {
  enter(signal: AbortSignal): Promise<() => void>;
}

/** So many at once, first come first served. */
function createPlaces(most: number): Places {
  let taken = 0;
  const waiting: (() => void)[] = [];
  const free = () => {
    const next = waiting.shift();
    if (next) next();
    else taken -= 1;
  };
  return {
    async enter(signal) {
      signal.throwIfAborted();
      if (taken < most) {
        taken += 1;
        return free;
      }
      await new Promise<void>((resolve, reject) => {
        const come = () => {
          signal.removeEventListener("abort", abort);
          resolve();
        };
        const abort = () => {
          waiting.splice(waiting.indexOf(come), 1);
          reject(signal.reason);
        };
        waiting.push(come);
        signal.addEventListener("abort", abort, { once: true });
      });
      return free;
    },
  };
}

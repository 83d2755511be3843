/** What calls and the engine's limiter tell each other. @module */

/** Longer than this nobody waits for a call to be let through, with the lock held: the run stops, and can be resumed. */
export const LONGEST_WAIT_MS = 300_000;

/** What an answer told about the account's limits. */
export interface RateSignal {
  readonly bucket: string;
  /** Milliseconds to pause the whole account. */
  readonly pauseMs?: number;
  /** Calls left in the vendor's present short window, and milliseconds until it is renewed. */
  readonly window?: { readonly left: number; readonly resetMs: number };
  /** Calls used and allowed in the vendor's long window (a day), when it says so. */
  readonly quota?: { readonly used: number; readonly limit: number };
}

/** How a call ended, for the limiter. */
export interface CallEnd {
  /** `refused`: for being one too many (429). `failed`: without an answer, or with a server's error. */
  readonly how: "answered" | "refused" | "failed";
  readonly signals: readonly RateSignal[];
}

/** The engine's limiter as a connector's client sees it. */
export interface Permits {
  /**
   * Resolves when a call may be sent, in every one of these buckets. The call is over when what it resolves to is called.
   */
  acquire(buckets: readonly string[], signal: AbortSignal): Promise<(end: CallEnd) => Promise<void>>;
  /** Whether what was permitted may still leave: asked when its connection stands, where nothing can be waited for. */
  mayLeave(): boolean;
  /** Whether a call that failed may be sent once more: an account that fails again and again is left alone. */
  mayRetry(): boolean;
}

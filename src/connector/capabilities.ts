import type { Action } from "../core/types.ts";

/** A limit the vendor sets on calls of one account. The engine's limiter keeps it; a connector only names it. */
export interface Rate {
  /** Bucket a call names, e.g. `"calls"`. A call that names none, or one without a rate, counts against `"calls"`. */
  readonly bucket: string;
  readonly limit: number;
  /** Length of the window in milliseconds. */
  readonly perMs: number;
}

/** Calls of a bucket the vendor takes at the same time. */
export interface Concurrency {
  readonly bucket: string;
  readonly calls: number;
}

/** One way to write a batch. The engine takes the last route whose `above` is smaller than the number of changes. */
export interface WriteRoute {
  readonly name: string;
  /** Used when a sync has more changes of one action than this. */
  readonly above: number;
  /** Most records in one batch. */
  readonly records: number;
  /** Most bytes of canonical text in one batch. */
  readonly bytes?: number;
  /** Batches in flight at once. */
  readonly concurrency: number;
  /** Calls one batch costs, for the plan's estimate. */
  readonly calls: number;
  readonly actions?: readonly Action[];
}

/** What a destination can do, as data: the planner, the conformance suite and the docs all read this and nothing else. */
export interface Capabilities {
  readonly actions: readonly Action[];
  readonly read: {
    /** Most keys in one keyed read. Absent: cannot be read by key. */
    readonly keys?: number;
    /** Most ids in one read by id. */
    readonly ids?: number;
    /** Records one call of a scan brings. Absent: cannot be scanned. */
    readonly scan?: number;
    /** Can list what changed and what was deleted since a moment at most so many days ago. */
    readonly since?: { readonly days: number };
    /** Seconds after which a write is surely visible to a read. */
    readonly lagSeconds: number;
  };
  readonly write: readonly WriteRoute[];
  /**
   * Seconds within which the vendor has surely ended a write it took on, whether or not anybody still listens
   * (default 0: at once). Before a create that may be made twice is sent again, so much time has passed since it was sent.
   */
  readonly callSeconds?: number;
  /**
   * What a create that is sent twice does: `key` — updates the same record (an upsert by a unique key); `header` —
   * is recognised by an idempotency key; `conflict` — is refused; `no` — makes a second record.
   * What the description of the matched field says comes before what stands here.
   */
  readonly createIsIdempotent: "key" | "header" | "conflict" | "no";
  /** `write` itself compares `before` with what is there and answers `skipped`; otherwise the engine re-reads. */
  readonly checksBefore: boolean;
  /** A record's id is its key, so that a scan may come as columns without ids. */
  readonly idIsKey: boolean;
  /** Windows of an hour and more are counted, shorter ones paced. */
  readonly rates: readonly Rate[];
  readonly concurrency?: readonly Concurrency[];
  /** What a delete does; `bin` and `archive` can be undone in the destination. */
  readonly delete: "none" | "bin" | "archive" | "erase";
  /** A field that a sync maps and the object lacks can be made: the destination has `createField`. */
  readonly createsFields?: boolean;
}

import type { SyncSummary } from "../core/plan.ts";
import type { SyncReview } from "../engine/review/review.ts";
import type { Reveal } from "./reveal.ts";
import type { Style } from "./style.ts";

/** All that is known of one sync of a plan. */
export interface SyncPart {
  readonly sync: SyncSummary;
  /** Missing where the sync changes and rejects nothing. */
  readonly review: SyncReview | undefined;
  readonly reveal: Reveal;
  /** SQL that differs from that of the last run. */
  readonly query?: QueryChange | undefined;
  /** The command that shows so many records of each kind. */
  readonly showing: ((records: number) => string) | undefined;
}

/** A sync's own SQL as it was and as it is. */
export interface QueryChange {
  readonly before: string;
  readonly after: string;
}

/** One thing that is said of a sync, as lines; none where there is nothing to say. */
export type Section = (part: SyncPart, style: Style) => readonly string[];

import type { Action } from "../../core/types.ts";
import type { JournalEntry, RejectedEntry } from "./journal.ts";
import { positions, type Ranges } from "./ranges.ts";

/** Where one change of a run stands. */
export const Status = { waiting: 0, sent: 1, applied: 2, accepted: 3, rejected: 4, skipped: 5, doubt: 6 } as const;
export type StatusName = keyof typeof Status;

export interface OpenBatch {
  readonly batch: string;
  readonly action: Action;
  readonly route: string;
  readonly n: Ranges;
  readonly at?: number;
  readonly ticket: string | null;
}

/** One sync's changes by status: the fold of the journal. */
export interface SyncProgress {
  /** Status by position. */
  readonly status: Uint8Array;
  /** Ids the destination gave to created records, by position. */
  readonly ids: Map<number, string>;
  readonly rejected: Map<number, RejectedEntry>;
  /** Batches with an intent, by their name. */
  readonly batches: Map<string, OpenBatch>;
}

export function newProgress(changes: number): SyncProgress {
  return { status: new Uint8Array(changes), ids: new Map(), rejected: new Map(), batches: new Map() };
}

/** Folds one journal entry into the progress of its sync. */
export function foldEntry(progress: SyncProgress, entry: JournalEntry): void {
  const set = (ranges: Ranges | undefined, status: number) => {
    for (const [from, to] of ranges ?? []) progress.status.fill(status, from, to + 1);
  };
  if (entry.t === "intent") {
    set(entry.n, Status.sent);
    // In the order they were last sent in.
    progress.batches.delete(entry.batch);
    progress.batches.set(entry.batch, { ...entry, ticket: null });
  }
  if (entry.t === "ticket") {
    const open = progress.batches.get(entry.batch);
    if (open) progress.batches.set(entry.batch, { ...open, ticket: entry.ticket });
  }
  if (entry.t === "outcomes") {
    set(entry.applied, Status.applied);
    set(entry.accepted, Status.accepted);
    set(entry.skipped, Status.skipped);
    set(entry.unsent, Status.waiting);
    set(entry.doubt, Status.doubt);
    if (entry.ids && entry.applied) {
      let i = 0;
      for (const n of positions(entry.applied)) progress.ids.set(n, entry.ids[i++] ?? "");
    }
    for (const rejected of entry.rejected ?? []) {
      progress.status[rejected[0]] = Status.rejected;
      progress.rejected.set(rejected[0], rejected);
    }
  }
}

const names = Object.keys(Status) as readonly StatusName[];

/** What one change is at; one of which nothing is known waits. */
export function statusName(status: number | undefined): StatusName {
  return names[status ?? Status.waiting] ?? "waiting";
}

/** Changes by status. */
export function countStatus({ status }: SyncProgress): Record<StatusName, number> {
  const counts = { waiting: 0, sent: 0, applied: 0, accepted: 0, rejected: 0, skipped: 0, doubt: 0 };
  for (const value of status) counts[statusName(value)] += 1;
  return counts;
}

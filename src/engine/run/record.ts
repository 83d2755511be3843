/** Writes what happens to a sync's changes into the journal and folds it at once. @module */

import type { Batch } from "../../connector/index.ts";
import type { Change, Outcome } from "../../core/types.ts";
import type { Journal, JournalEntry, RejectedEntry } from "./journal.ts";
import { foldEntry, type SyncProgress } from "./progress.ts";
import { type Ranges, toRanges } from "./ranges.ts";

export interface Recorder {
  /** Durable before it resolves: only then may the batch be sent. */
  intent(batch: Batch): Promise<void>;
  /** The same for a range of creates that are loaded at once. */
  loading(batch: string, range: Ranges): Promise<void>;
  /** All of a loaded range landed, or none did. */
  loaded(batch: string, range: Ranges, landed: boolean): Promise<void>;
  ticket(batch: Batch, ticket: string): Promise<void>;
  outcomes(batch: string, changes: readonly Change[], outcomes: readonly Outcome[]): Promise<void>;
  unsent(batch: string, changes: readonly Change[]): Promise<void>;
  doubt(batch: string, changes: readonly Change[]): Promise<void>;
}

export interface RecorderOptions {
  readonly sync: string;
  readonly journal: Journal;
  readonly progress: SyncProgress;
  /** Ids need not be kept when they are the keys. */
  readonly idIsKey: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly onDone: (changes: number) => void;
}

export function createRecorder({ sync, journal, progress, idIsKey, now, onDone }: RecorderOptions): Recorder {
  const write = async (entry: JournalEntry, durable: boolean) => {
    await journal.write(entry, durable);
    foldEntry(progress, entry);
  };
  const ranges = (changes: readonly Change[]) => toRanges(changes.map(({ n }) => n));
  return {
    intent: ({ id, action, route, changes }) =>
      write({ t: "intent", sync, batch: id, action, route, n: ranges(changes), at: now() }, true),
    loading: (batch, n) => write({ t: "intent", sync, batch, action: "create", route: "load", n, at: now() }, true),
    async loaded(batch, range, landed) {
      await write({ t: "outcomes", sync, batch, ...(landed ? { applied: range } : { unsent: range }) }, false);
      if (landed) onDone(range.reduce((sum, [from, to]) => sum + to - from + 1, 0));
    },
    ticket: ({ id }, ticket) => write({ t: "ticket", sync, batch: id, ticket }, true),
    async outcomes(batch, changes, outcomes) {
      if (outcomes.length === 0) return;
      await write({ t: "outcomes", sync, batch, ...sorted(changes, outcomes, idIsKey) }, false);
      onDone(outcomes.length);
    },
    unsent: (batch, changes) => write({ t: "outcomes", sync, batch, unsent: ranges(changes) }, false),
    async doubt(batch, changes) {
      await write({ t: "outcomes", sync, batch, doubt: ranges(changes) }, false);
      onDone(changes.length);
    },
  };
}

interface Sorted {
  applied?: Ranges;
  ids?: readonly string[];
  accepted?: Ranges;
  rejected?: readonly RejectedEntry[];
  skipped?: Ranges;
}

function sorted(changes: readonly Change[], outcomes: readonly Outcome[], idIsKey: boolean): Sorted {
  const byKey = new Map(changes.map((change) => [change.key, change]));
  const applied: { n: number; id: string }[] = [];
  const accepted: number[] = [];
  const skipped: number[] = [];
  const rejected: RejectedEntry[] = [];
  let created = false;
  for (const outcome of outcomes) {
    const change = byKey.get(outcome.key);
    if (!change) continue;
    const { n } = change;
    if (outcome.status === "applied") {
      applied.push({ n, id: outcome.id });
      created ||= change.action === "create";
    } else if (outcome.status === "accepted") accepted.push(n);
    else if (outcome.status === "skipped") skipped.push(n);
    else rejected.push([n, outcome.code, outcome.field ?? null, outcome.message]);
  }
  applied.sort((a, b) => a.n - b.n);
  return {
    ...(applied.length > 0 ? { applied: toRanges(applied.map(({ n }) => n)) } : {}),
    ...(created && !idIsKey ? { ids: applied.map(({ id }) => id) } : {}),
    ...(accepted.length > 0 ? { accepted: toRanges(accepted) } : {}),
    ...(rejected.length > 0 ? { rejected } : {}),
    ...(skipped.length > 0 ? { skipped: toRanges(skipped) } : {}),
  };
}

/** Looks into a plan, a run or the ledger for whoever shows it. Reads only. @module */
import { textSql } from "../core/canonical.ts";
import { ConfigError } from "../core/errors.ts";
import type { PlannedSync } from "../core/plan.ts";
import { literal } from "../core/sql.ts";
import { suggest } from "../core/suggest.ts";
import type { Action, Fields, Value } from "../core/types.ts";
import { changesFrom } from "./diff/changes.ts";
import { type LoadedRun, unfinishedRuns } from "./run/runs.ts";
import { withStaging } from "./staging/scratch.ts";
import type { Staging } from "./staging/staging.ts";
import { ledgerSql } from "./state/ledger.ts";
import { recordedSegments } from "./state/recorded.ts";
import type { State, StateStore } from "./state/state.ts";
import type { World } from "./world.ts";

/** A change the destination refused. */
export interface RejectedChange {
  readonly sync: string;
  readonly key: string;
  /** The vendor's own code. */
  readonly code: string;
  readonly field: string | null;
  /** The vendor's own sentence. Private: may quote record values. */
  readonly message: string;
}

/** What the destination refused in a run, the first `limit` of each sync. */
export async function readRejected(
  { manifest, files, progress }: LoadedRun,
  limit: number,
): Promise<readonly RejectedChange[]> {
  const found = manifest.syncs.flatMap((planned) => {
    const entries = [...(progress.get(planned.sync.name)?.rejected.values() ?? [])].slice(0, limit);
    return entries.length === 0 ? [] : [{ planned, entries }];
  });
  if (found.length === 0) return [];
  return withStaging({}, async (staging) => {
    const rejected: RejectedChange[] = [];
    for (const { planned, entries } of found) {
      const at = entries.map(([n]) => n);
      const keys = await keysAt(staging, files.plan, planned, at);
      for (const [n, code, field, message] of entries)
        rejected.push({ sync: planned.sync.name, key: keys.get(n) ?? "", code, field, message });
    }
    return rejected;
  });
}

async function keysAt(
  staging: Staging,
  directory: string,
  planned: PlannedSync,
  at: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  if (at.length === 0) return new Map();
  const rows = await staging.rows<{ n: string | number; key: string }>(
    `SELECT n, key FROM ${changesFrom(directory, planned)} WHERE n IN (${at.join(", ")})`,
  );
  return new Map(rows.map(({ n, key }) => [Number(n), key]));
}

/** A record in quarantine. */
export interface HeldRecord extends RejectedChange {
  readonly action: Action;
  readonly attempts: number;
  /** The run that rejected it last. */
  readonly last: string;
}

/** What is in quarantine of a sync: most often tried first. */
export async function readQuarantine(
  store: StateStore,
  state: State,
  sync: string,
  limit: number,
): Promise<readonly HeldRecord[]> {
  const held = state.syncs[sync]?.quarantine;
  if (!held) return [];
  return withStaging({}, async (staging) => {
    const rows = await staging.rows<Omit<HeldRecord, "sync">>(
      `SELECT key, action, code, field, message, CAST(attempts AS INTEGER) AS attempts, last
       FROM read_parquet(${literal(store.path(held.file))}) ORDER BY attempts DESC, key LIMIT ${limit}`,
    );
    return rows.map((row) => ({ ...row, sync, attempts: Number(row.attempts) }));
  });
}

/** A record as Ebb last left it. */
export interface LedgerRecord {
  readonly key: string;
  readonly id: string | null;
  /** Created or adopted by Ebb, so that mirror may delete it. */
  readonly owned: boolean;
  readonly fields: Fields;
}

export interface LedgerPage {
  readonly sync: string;
  readonly total: number;
  readonly owned: number;
  readonly records: readonly LedgerRecord[];
}

/** What is recorded of each sync named, with the first `limit` records in order of their keys. */
export async function readLedger(
  world: World,
  store: StateStore,
  syncs: readonly string[],
  limit: number,
): Promise<readonly LedgerPage[]> {
  const state = await store.read();
  const unfinished = await unfinishedRuns(world, store);
  return withStaging({}, async (staging) => {
    const pages: LedgerPage[] = [];
    for (const sync of syncs) {
      const recorded = state.syncs[sync];
      if (!recorded)
        throw new ConfigError(
          "SYNC_UNKNOWN",
          `nothing is recorded of "${sync}": ${suggest(sync, Object.keys(state.syncs))}`,
          {
            next: "Run `ebb state list` to see what is recorded.",
          },
        );
      const fields = Object.entries(recorded.types).map(([name, type]) => ({ name, type, compared: true }));
      const segments = await recordedSegments(staging, store, recorded, unfinished, sync);
      const ledger = `(${await ledgerSql(staging, segments, fields, recorded.keyType)})`;
      const count = await staging.row<{ total: string; owned: string }>(
        `SELECT count(*) AS total, count(*) FILTER (owned) AS owned FROM ${ledger}`,
      );
      const values = `[${fields.map(({ type }, i) => textSql(`f${i}`, type)).join(", ")}]::VARCHAR[]`;
      const kept = `[${fields.map((_, i) => `k${i}`).join(", ")}]::BOOLEAN[]`;
      const records: LedgerRecord[] = [];
      if (limit > 0)
        for await (const text of staging.text(
          `SELECT CAST(json_array(CAST(key AS VARCHAR), CAST(id AS VARCHAR), owned, ${values}, ${kept}) AS VARCHAR) FROM ${ledger} l ORDER BY l.key LIMIT ${limit}`,
        )) {
          const [key, id, owned, all, has] = JSON.parse(text) as [string, string | null, boolean, Value[], boolean[]];
          const held = fields.flatMap(({ name }, i) => (has[i] ? [[name, all[i] ?? null] as const] : []));
          records.push({ key, id, owned, fields: Object.fromEntries(held) });
        }
      pages.push({ sync, total: Number(count.total), owned: Number(count.owned), records });
    }
    return pages;
  });
}

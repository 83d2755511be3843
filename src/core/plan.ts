/** The plan as data: what `manifest.json` and `summary.json` hold. No record values are in either. @module */

import type { Refresh, Sync } from "./sync.ts";
import type { FieldType, NewField, Reason } from "./types.ts";

/** Major version of the plan file. A reader refuses another major. */
export const PLAN_FORMAT = 1;

export interface Counts {
  readonly create: number;
  readonly update: number;
  readonly delete: number;
}

/** In how many updates one field changes, and how. */
export interface FieldCount {
  readonly name: string;
  readonly changed: number;
  /** Empty before, a value after; and the reverse. */
  readonly filled: number;
  readonly cleared: number;
}

/** Rows that cannot be planned, by reason. */
export interface RejectedCount {
  readonly code: RejectCode;
  readonly field: string | null;
  readonly count: number;
}

export const rejectCodes = {
  KEY_NULL: "the key is null",
  KEY_DUPLICATE: "several rows have this key",
  AMBIGUOUS: "several records in the destination match this key",
  TYPE_MISMATCH: "the value does not fit the field's type or mapping",
  LOOKUP_MISSING: "no record, or more than one, is found for the value",
  TOO_LONG: "the value is longer than the field",
  NOT_IN_LIST: "the value is not in the field's list",
  REQUIRED_MISSING: "a required field has no value",
  NOT_FORWARD: "the value comes before the one that is there, and the field only goes forward",
  NULL_REFUSED: "the value is null, which the field or the sync refuses",
  GIVEN_UP: "the destination has rejected it too often, and its row has not changed since",
  IN_DOUBT: "whether it was created is not known, and only a plan that reads the destination can tell",
} as const;
export type RejectCode = keyof typeof rejectCodes;

export interface GuardResult {
  readonly code:
    | "MAX_DELETES"
    | "MAX_DELETE_PERCENT"
    | "MAX_CHANGES"
    | "MAX_CHANGE_PERCENT"
    | "EMPTY_SOURCE"
    | "UNUSUAL"
    | "DRIFT"
    | "REJECTED";
  /** What was found and what is allowed, with numbers. */
  readonly message: string;
}

/** How the destination was read, and so what the changes are based on. */
export interface Basis {
  readonly refresh: Refresh;
  /** `columns`, `scan`, `since` and `keys` say how records were observed; `ledger` that they were not. */
  readonly read: "columns" | "scan" | "since" | "keys" | "ledger";
  readonly recordsRead: number;
}

/** @example { field: "email", how: "hash sha256 (email)" } */
export interface MaskedField {
  readonly field: string;
  readonly how: string;
}

export interface SyncSummary {
  readonly name: string;
  readonly source: { readonly connection: string; readonly system: string; readonly rows: number };
  readonly destination: {
    readonly connection: string;
    readonly system: string;
    readonly object: string;
    readonly account: string;
  };
  readonly mode: Sync["mode"];
  readonly basis: Basis;
  readonly complete: boolean;
  /** Why it is not complete. */
  readonly problem: string | null;
  readonly counts: Counts;
  readonly unchanged: number;
  /** Already as the warehouse wants them and not yet in the ledger: apply records them, nothing is sent. */
  readonly confirmed: number;
  /** Rows with no record to update (mode update), or with one already (mode create). */
  readonly skipped: number;
  readonly reasons: Readonly<Record<Reason, number>>;
  /** Records that drifted and are left as they are, with `onDrift: keep`. */
  readonly driftKept: number;
  /** Fields that apply makes before it writes records. */
  readonly newFields: readonly NewField[];
  readonly fields: readonly FieldCount[];
  /** Fields whose values go out masked, and how, in words. Absent where there are none. */
  readonly masked?: readonly MaskedField[];
  readonly rejected: readonly RejectedCount[];
  readonly guards: readonly GuardResult[];
  readonly warnings: readonly string[];
  readonly cost: Cost;
}

export interface Cost {
  /** Calls the plan used. */
  readonly planCalls: number;
  /** Calls and seconds the apply is expected to take. */
  readonly applyCalls: number;
  readonly applySeconds: number | null;
  /** Of the account's quota, where it tells. */
  readonly quota: { readonly used: number; readonly limit: number } | null;
}

export interface PlanSummary {
  readonly format: typeof PLAN_FORMAT;
  readonly digest: string;
  readonly created: string;
  readonly expires: string;
  /** The run this plan puts back as it was before. */
  readonly rollback?: string;
  readonly complete: boolean;
  readonly syncs: readonly SyncSummary[];
  /** What the project's policies say of it; absent where there are none. */
  readonly policies?: readonly PolicyResult[];
}

/** One thing a policy says of a plan; a policy that lets it through says `pass`, once. */
export interface PolicyResult {
  /** The policy's own code. */
  readonly code: string;
  readonly level: "pass" | "warn" | "deny";
  /** The sync it is about; null for the plan as a whole. */
  readonly sync: string | null;
  /** The policy's own words: nobody vouches for them. */
  readonly message: string;
}

/** One sync as the plan carries it: all that apply needs besides credentials. */
export interface PlannedSync {
  readonly sync: Sync;
  /** Name of its files in the archive: `changes/<file>.parquet`, `confirmed/<file>.parquet`, `rejected/<file>.parquet`. */
  readonly file: string;
  readonly account: string;
  readonly types: Readonly<Record<string, FieldType>>;
  /** Parts of the key, and whether the ledger keeps it as a number. */
  readonly keyType: "BIGINT" | "VARCHAR";
  /** A record's id is its key. */
  readonly idIsKey: boolean;
  readonly createIsIdempotent: "key" | "header" | "conflict" | "no";
  /** Instant of the destination's clock at which it was read. */
  readonly observedAt: string | null;
  /** When all of it is applied, the ledger holds every record as it was observed then. */
  readonly coversAll: boolean;
  /** Fields of the object that are made first. */
  readonly newFields: readonly NewField[];
  readonly changes: number;
  /** The changes by action. */
  readonly counts: Counts;
  readonly confirmed: number;
  /** Its size and shape, which later plans are compared with; absent in a rollback. */
  readonly shape?: PlanShape;
  /** Of a sync whose diff is in the warehouse: what its marks become is in `marks/<file>.parquet`. */
  readonly marks?: PlannedMarks;
}

/** The size of one sync's plan. */
export interface PlanShape extends Counts {
  /** Rows of the source that were rejected. */
  readonly rejected: number;
  /** Rows of the source. */
  readonly rows: number;
}

export interface PlannedMarks {
  /** Token of the marks that the rows were compared with; null when there were none: all are made anew. */
  readonly token: string | null;
  /** What the marks stand for: mapping, columns, types and versions. Others are not compared with. */
  readonly fingerprint: string;
}

export interface PlanManifest {
  readonly format: typeof PLAN_FORMAT;
  /** Version of Ebb that made it. */
  readonly tool: string;
  /** SHA-256 over all the rest of this manifest, and so over every file: what an approval binds to. */
  readonly digest: string;
  /** SHA-256 over configuration, accounts and changes alone: equal for two plans that would do the same. */
  readonly content: string;
  /** SHA-256 of each file of the archive, by its path. */
  readonly files: Readonly<Record<string, string>>;
  readonly created: string;
  readonly expires: string;
  /** SHA-256 of the declared syncs and their connections. */
  readonly config: string;
  readonly state: { readonly lineage: string; readonly serial: number };
  readonly complete: boolean;
  readonly stopped: boolean;
  readonly syncs: readonly PlannedSync[];
}

export function totalChanges(counts: Counts): number {
  return counts.create + counts.update + counts.delete;
}

/** True when nothing would be written. */
export function isEmpty(summary: PlanSummary): boolean {
  return summary.syncs.every(({ counts, newFields }) => totalChanges(counts) === 0 && newFields.length === 0);
}

/** True when a guard stopped one of the syncs, or a policy denies the plan. */
export function isStopped(summary: PlanSummary): boolean {
  return summary.syncs.some(({ guards }) => guards.length > 0) || denials(summary.policies).length > 0;
}

/** What a plan comes to. Only one that is `ready` has changes that can be applied. */
export type Verdict = "incomplete" | "stopped" | "empty" | "ready";

export function verdictOf(summary: PlanSummary): Verdict {
  if (!summary.complete) return "incomplete";
  if (isStopped(summary)) return "stopped";
  return isEmpty(summary) ? "empty" : "ready";
}

/** What the policies say against a plan. */
export function denials(results: readonly PolicyResult[] = []): readonly PolicyResult[] {
  return results.filter(({ level }) => level === "deny");
}

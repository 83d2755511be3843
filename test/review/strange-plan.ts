/** A plan made of any names and values, for what must hold whatever they are. @module */
import { storedKey } from "../../src/core/key.ts";
import { PLAN_FORMAT, type PlanSummary, type SyncSummary } from "../../src/core/plan.ts";
import type { SyncReview } from "../../src/engine/review/review.ts";

/** Every text of a plan that comes from outside. */
export interface Names {
  readonly sync: string;
  readonly field: string;
  readonly object: string;
  readonly key: string;
  readonly before: string;
  readonly after: string;
  readonly message: string;
}

const count = 123_456_789;

/** A plan in which everything that can be said is said, with large numbers. */
export function strangePlan(names: Names): { summary: PlanSummary; reviews: SyncReview[] } {
  const sync: SyncSummary = {
    name: names.sync,
    source: { connection: names.object, system: "duckdb", rows: count },
    destination: { connection: "crm", system: "salesforce", object: names.object, account: "x" },
    mode: "mirror",
    basis: { refresh: "changed", read: "since", recordsRead: count },
    complete: true,
    problem: null,
    counts: { create: count, update: count, delete: count },
    unchanged: count,
    confirmed: 3,
    skipped: 2,
    reasons: { warehouse: count, drift: count, conflict: count },
    newFields: [],
    driftKept: 1,
    fields: [{ name: names.field, changed: count, filled: count, cleared: count }],
    masked: [{ field: names.field, how: names.message }],
    rejected: [{ code: "TOO_LONG", field: names.field, count }],
    guards: [{ code: "MAX_DELETES", message: names.message }],
    warnings: [names.message],
    cost: { planCalls: count, applyCalls: count, applySeconds: count, quota: { used: count, limit: count } },
  };
  const key = storedKey(names.key);
  const update = {
    change: {
      n: 0,
      key,
      action: "update",
      id: names.key,
      before: { [names.field]: names.before },
      after: { [names.field]: names.after },
    },
    reason: "conflict",
    drifted: [names.field],
  } as const;
  const create = {
    change: { n: 1, key, action: "create", after: { [names.field]: names.after } },
    reason: "warehouse",
    drifted: [],
  } as const;
  const gone = {
    change: { n: 2, key, action: "delete", id: names.key, before: {} },
    reason: "warehouse",
    drifted: [],
  } as const;
  const side = { count, mean: count / 7, p50: 1e20, p95: -0.0001, buckets: [count, 0, 5, 9, 10, 11, 3e8, 1] };
  const review: SyncReview = {
    sync: names.sync,
    creates: [create],
    updates: [update],
    drifted: [update],
    deletes: [gone],
    rejected: [{ code: "TOO_LONG", field: names.field, keys: [names.key], more: true }],
    kinds: { updates: count, creates: count, drifted: 2 * count },
    shapes: [
      {
        kind: "numbers",
        field: names.field,
        changed: count,
        range: [-1e9, 1e12],
        estimated: true,
        before: side,
        after: side,
      },
      {
        kind: "transitions",
        field: names.field,
        changed: count,
        top: [{ from: names.before, to: names.after, count: 99 }],
      },
    ],
    concentrations: [{ field: names.field, value: names.after, updates: count, share: 0.914, lift: 7.93 }],
  };
  const unread = { ...sync, name: `${names.sync}2`, complete: false, problem: names.message };
  return {
    summary: {
      format: PLAN_FORMAT,
      digest: "0123456789abcdef".repeat(4),
      created: "2026-11-20T08:14:00.000Z",
      expires: "2026-11-21T08:14:00.000Z",
      complete: false,
      syncs: [sync, unread],
      policies: [
        { code: "MAX_DELETES", level: "deny", sync: names.sync, message: names.message },
        { code: "NO_DRIFT_OVERWRITE", level: "warn", sync: null, message: names.message },
        { code: "FREEZE", level: "pass", sync: null, message: "" },
      ],
    },
    reviews: [review],
  };
}

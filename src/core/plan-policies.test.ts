import { describe, expect, test } from "vitest";
import { PLAN_FORMAT, type SyncSummary } from "./plan.ts";
import {
  changeWindow,
  freeze,
  maxApplyMinutes,
  maxChangeRatio,
  maxDeletes,
  maxRejectedRatio,
  noDriftOverwrite,
  type PlanPolicy,
} from "./plan-policies.ts";

const summary = (more: Partial<SyncSummary> = {}): SyncSummary => ({
  name: "people",
  source: { connection: "dwh", system: "duckdb", rows: 1_000 },
  destination: { connection: "crm", system: "salesforce", object: "Contact", account: "x" },
  mode: "mirror",
  basis: { refresh: "full", read: "keys", recordsRead: 0 },
  complete: true,
  problem: null,
  counts: { create: 0, update: 0, delete: 0 },
  unchanged: 100,
  confirmed: 0,
  skipped: 0,
  reasons: { warehouse: 0, drift: 0, conflict: 0 },
  driftKept: 0,
  newFields: [],
  fields: [],
  rejected: [],
  guards: [],
  warnings: [],
  cost: { planCalls: 0, applyCalls: 0, applySeconds: 0, quota: null },
  ...more,
});
const counts = (create: number, update: number, deletes: number) => ({
  counts: { create, update, delete: deletes },
});
const check = (policy: PlanPolicy, at: string, ...syncs: readonly SyncSummary[]) =>
  policy.check({
    plan: { format: PLAN_FORMAT, created: at, expires: at, complete: true, syncs },
    syncs: [],
    at,
  });
const NOW = "2026-11-21T10:00:00.000Z";

test("maxDeletes counts those of all syncs", () => {
  const syncs = [summary(counts(0, 0, 6)), summary(counts(9, 9, 5))];
  expect(check(maxDeletes({ most: 11 }), NOW, ...syncs)).toEqual([]);
  expect(check(maxDeletes({ most: 10 }), NOW, ...syncs)).toEqual([
    { message: "the plan deletes 11 records, 10 are allowed" },
  ]);
});

test("maxChangeRatio is a share of the records there are; creates do not count", () => {
  const sync = summary({ ...counts(500, 15, 5), unchanged: 80 });
  expect(check(maxChangeRatio({ percent: 20 }), NOW, sync)).toEqual([]);
  expect(check(maxChangeRatio({ percent: 19.9 }), NOW, sync)).toEqual([
    { sync: "people", message: "changes 20 of 100 records (20.0 %), 19.9 % are allowed" },
  ]);
  expect(check(maxChangeRatio({ percent: 1, ignoreBelow: 21 }), NOW, sync)).toEqual([]);
  expect(check(maxChangeRatio({ percent: 1, except: ["people"] }), NOW, sync)).toEqual([]);
  expect(check(maxChangeRatio({ percent: 0 }), NOW, summary({ ...counts(9, 0, 0), unchanged: 0 }))).toEqual([]);
});

test("maxRejectedRatio is a share of the rows; a sync that was not read is not judged", () => {
  const rejected = { rejected: [{ code: "TOO_LONG", field: "Name", count: 20 }] } as const;
  expect(check(maxRejectedRatio({ percent: 2 }), NOW, summary(rejected))).toEqual([]);
  expect(check(maxRejectedRatio({ percent: 1 }), NOW, summary(rejected))).toMatchObject([{ sync: "people" }]);
  expect(check(maxRejectedRatio({ percent: 1 }), NOW, summary({ ...rejected, complete: false }))).toEqual([]);
});

test("noDriftOverwrite counts drift and conflict", () => {
  expect(check(noDriftOverwrite(), NOW, summary({ reasons: { warehouse: 9, drift: 0, conflict: 0 } }))).toEqual([]);
  expect(check(noDriftOverwrite(), NOW, summary({ reasons: { warehouse: 9, drift: 1, conflict: 2 } }))).toEqual([
    { sync: "people", message: "overwrites 3 records that somebody else edited" },
  ]);
});

test("maxApplyMinutes adds up the syncs", () => {
  const cost = (applySeconds: number | null) =>
    summary({ cost: { planCalls: 0, applyCalls: 1, applySeconds, quota: null } });
  expect(check(maxApplyMinutes({ most: 2 }), NOW, cost(60), cost(null), cost(60))).toEqual([]);
  expect(check(maxApplyMinutes({ most: 2 }), NOW, cost(60), cost(61))).toEqual([
    { message: "applying it takes about 3 minutes, 2 are allowed" },
  ]);
});

describe("freeze", () => {
  const frozen = freeze({ from: "2026-12-20T00:00:00+01:00", to: "2027-01-04T00:00:00Z", reason: "year end" });
  const changing = summary(counts(1, 0, 0));
  test.each([
    ["2026-12-19T22:59:59.000Z", 0],
    ["2026-12-19T23:00:00.000Z", 1],
    ["2027-01-03T23:59:59.000Z", 1],
    ["2027-01-04T00:00:00.000Z", 0],
  ])("at %s: %i", (at, found) => {
    expect(check(frozen, at, changing)).toHaveLength(found);
    expect(check(frozen, at, summary())).toEqual([]);
  });

  test("refuses what is no moment, or no time between two", () => {
    expect(() => freeze({ from: "2026-12-20", to: "2027-01-04T00:00:00Z" })).toThrow('freeze: "2026-12-20" is no');
    expect(() => freeze({ from: "2027-01-04T00:00:00Z", to: "2027-01-04T00:00:00Z" })).toThrow("before");
  });
});

describe("changeWindow", () => {
  const changing = summary(counts(1, 0, 0));
  const days = ["Mon", "Fri"] as const;
  const open = (from: string, to: string, at: string) =>
    check(changeWindow({ days, from, to, timeZone: "Europe/Vienna" }), at, changing);
  // 20 November 2026 is a Friday, and Vienna an hour ahead.
  test.each([
    ["09:00", "16:00", "2026-11-20T07:59:59.000Z", 1],
    ["09:00", "16:00", "2026-11-20T08:00:00.000Z", 0],
    ["09:00", "16:00", "2026-11-20T15:00:00.000Z", 1],
    ["09:00", "16:00", "2026-11-21T10:00:00.000Z", 1],
    ["22:00", "04:00", "2026-11-20T22:30:00.000Z", 0],
    ["22:00", "04:00", "2026-11-21T02:59:00.000Z", 0],
    ["22:00", "04:00", "2026-11-21T03:00:00.000Z", 1],
    ["22:00", "04:00", "2026-11-20T02:00:00.000Z", 1],
    // In summer it is two hours ahead.
    ["09:00", "16:00", "2026-07-17T07:00:00.000Z", 0],
  ])("%s to %s at %s: %i", (from, to, at, found) => {
    expect(open(from, to, at)).toHaveLength(found);
  });

  test("says when it is, and lets through what changes nothing", () => {
    const policy = changeWindow({ days, from: "09:00", to: "16:00", timeZone: "Europe/Vienna" });
    expect(check(policy, "2026-11-21T10:00:00.000Z", changing)).toEqual([
      { message: "it is Sat 11:00 in Europe/Vienna; changes are made Mon, Fri 09:00 to 16:00" },
    ]);
    expect(check(policy, "2026-11-21T10:00:00.000Z", summary())).toEqual([]);
  });

  test("refuses what is no time and no zone", () => {
    expect(() => changeWindow({ from: "9:00", to: "16:00", timeZone: "UTC" })).toThrow('"9:00" is no time of day');
    expect(() => changeWindow({ from: "09:00", to: "16:00", timeZone: "Mars" })).toThrow('no time zone "Mars"');
  });
});

test("each has a code and denies, unless told otherwise", () => {
  expect(maxDeletes({ most: 1 })).toMatchObject({ code: "MAX_DELETES", level: "deny" });
  expect(noDriftOverwrite({ level: "warn", code: "OURS" })).toMatchObject({ code: "OURS", level: "warn" });
});

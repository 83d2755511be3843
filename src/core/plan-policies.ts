/**
 * Policies on plans that are ready to be used, each a pure function of its options and the plan. A file of policies
 * takes them from `ebb/policies`, which loads faster than `ebb`.
 * @module
 */
import { ConfigError } from "./errors.ts";
import { type SyncSummary, totalChanges } from "./plan.ts";
import type { PlanPolicy, PolicyInput, Violation } from "./policy.ts";

export type { JudgedPlan, PlanPolicy, PolicyInput, Violation, Violations } from "./policy.ts";

/** What every ready-made policy takes. */
export interface PolicyOptions {
  /** Default `deny`. */
  readonly level?: PlanPolicy["level"];
  /** Its own code, where the same policy is used twice. */
  readonly code?: string;
}

/** What a policy on each sync takes. */
export interface SyncPolicyOptions extends PolicyOptions {
  /** Names of syncs it says nothing about. */
  readonly except?: readonly string[];
}

/**
 * No plan, over all its syncs, deletes more than so many records.
 *
 * @example maxDeletes({ most: 100 })
 */
export function maxDeletes({ most, ...options }: PolicyOptions & { readonly most: number }): PlanPolicy {
  return policy("MAX_DELETES", `at most ${most} deletes in a plan`, options, ({ plan }) => {
    const deletes = plan.syncs.reduce((sum, { counts }) => sum + counts.delete, 0);
    return deletes > most ? [{ message: `the plan deletes ${deletes} records, ${most} are allowed` }] : [];
  });
}

/**
 * No sync updates and deletes more than a share of the records there are. Creates do not count.
 *
 * @example maxChangeRatio({ percent: 20, ignoreBelow: 50 })
 */
export function maxChangeRatio({
  percent,
  ignoreBelow = 0,
  ...options
}: SyncPolicyOptions & {
  readonly percent: number;
  /** Fewer changes than this are let through, whatever their share. */
  readonly ignoreBelow?: number;
}): PlanPolicy {
  return eachSync("MAX_CHANGE_RATIO", `at most ${percent} % of a sync's records changed`, options, (sync) => {
    const changed = sync.counts.update + sync.counts.delete;
    const there = changed + sync.unchanged + sync.driftKept;
    const share = there === 0 ? 0 : (100 * changed) / there;
    if (changed < ignoreBelow || share <= percent) return null;
    return `changes ${changed} of ${there} records (${share.toFixed(1)} %), ${percent} % are allowed`;
  });
}

/**
 * No sync leaves out more than a share of its rows.
 *
 * @example maxRejectedRatio({ percent: 1, level: "warn" })
 */
export function maxRejectedRatio({
  percent,
  ...options
}: SyncPolicyOptions & { readonly percent: number }): PlanPolicy {
  return eachSync("MAX_REJECTED_RATIO", `at most ${percent} % of a sync's rows rejected`, options, (sync) => {
    const rejected = sync.rejected.reduce((sum, { count }) => sum + count, 0);
    const share = sync.source.rows === 0 ? 0 : (100 * rejected) / sync.source.rows;
    if (share <= percent) return null;
    return `rejects ${rejected} of ${sync.source.rows} rows (${share.toFixed(1)} %), ${percent} % are allowed`;
  });
}

/**
 * No sync overwrites what somebody else edited.
 *
 * @example noDriftOverwrite({ level: "warn" })
 */
export function noDriftOverwrite(options: SyncPolicyOptions = {}): PlanPolicy {
  return eachSync("NO_DRIFT_OVERWRITE", "what others edited is not overwritten", options, ({ reasons }) => {
    const edited = reasons.drift + reasons.conflict;
    return edited === 0 ? null : `overwrites ${edited} records that somebody else edited`;
  });
}

/**
 * The apply of a plan takes no longer than so many minutes at the permitted rate.
 *
 * @example maxApplyMinutes({ most: 30 })
 */
export function maxApplyMinutes({ most, ...options }: PolicyOptions & { readonly most: number }): PlanPolicy {
  return policy("MAX_APPLY_MINUTES", `an apply of at most ${most} minutes`, options, ({ plan }) => {
    // Of a destination that states no rate, only the destination knows.
    const seconds = plan.syncs.reduce((sum, { cost }) => sum + (cost.applySeconds ?? 0), 0);
    const minutes = Math.ceil(seconds / 60);
    return seconds > 60 * most ? [{ message: `applying it takes about ${minutes} minutes, ${most} are allowed` }] : [];
  });
}

/**
 * Nothing is changed between two moments.
 *
 * @example freeze({ from: "2026-12-20T00:00:00Z", to: "2027-01-04T00:00:00Z", reason: "year end" })
 */
export function freeze({
  from,
  to,
  reason,
  ...options
}: PolicyOptions & {
  /** ISO 8601 with its zone; `to` is the first moment after it. */
  readonly from: string;
  readonly to: string;
  readonly reason?: string;
}): PlanPolicy {
  const [begin, end] = [instant(from), instant(to)];
  if (begin >= end) throw new ConfigError("CONFIG_INVALID", "freeze: from must be before to");
  const why = reason === undefined ? "" : ` (${reason})`;
  return policy("FREEZE", `no changes from ${from} to ${to}${why}`, options, (input) => {
    const now = Date.parse(input.at);
    return changesAnything(input) && now >= begin && now < end
      ? [{ message: `changes are frozen until ${to}${why}` }]
      : [];
  });
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;

/**
 * Plans are made only in these hours.
 *
 * @example changeWindow({ days: ["Mon", "Tue", "Wed", "Thu"], from: "09:00", to: "16:00", timeZone: "Europe/Vienna" })
 */
export function changeWindow({
  days = DAYS,
  from,
  to,
  timeZone,
  ...options
}: PolicyOptions & {
  /** Days the window opens on (default: every day). */
  readonly days?: readonly (typeof DAYS)[number][];
  /** Hours and minutes, 24 h. A window that ends before it begins, ends on the next day. */
  readonly from: string;
  readonly to: string;
  /** An IANA name. */
  readonly timeZone: string;
}): PlanPolicy {
  for (const time of [from, to])
    if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(time))
      throw new ConfigError("CONFIG_INVALID", `changeWindow: "${time}" is no time of day such as 09:00`);
  const clock = clockOf(timeZone);
  return policy("CHANGE_WINDOW", `changes only from ${from} to ${to} ${timeZone}`, options, (input) => {
    const { day, time } = clock(new Date(input.at));
    const yesterday = DAYS[(DAYS.indexOf(day) + 6) % 7] ?? day;
    const open =
      from <= to
        ? days.includes(day) && time >= from && time < to
        : (days.includes(day) && time >= from) || (days.includes(yesterday) && time < to);
    if (open || !changesAnything(input)) return [];
    return [{ message: `it is ${day} ${time} in ${timeZone}; changes are made ${days.join(", ")} ${from} to ${to}` }];
  });
}

function clockOf(timeZone: string): (at: Date) => { readonly day: (typeof DAYS)[number]; readonly time: string } {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
  } catch (cause) {
    throw new ConfigError("CONFIG_INVALID", `changeWindow: there is no time zone "${timeZone}"`, { cause });
  }
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
    return { day: DAYS.find((day) => day === parts.weekday) ?? "Mon", time: `${parts.hour}:${parts.minute}` };
  };
}

function instant(text: string): number {
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new ConfigError("CONFIG_INVALID", `freeze: "${text}" is no moment such as 2026-12-20T00:00:00Z`);
  return at;
}

function changesAnything({ plan }: PolicyInput): boolean {
  return plan.syncs.some(({ counts, newFields }) => totalChanges(counts) > 0 || newFields.length > 0);
}

function policy(
  code: string,
  description: string,
  options: PolicyOptions,
  check: (input: PolicyInput) => readonly Violation[],
): PlanPolicy {
  return { code: options.code ?? code, level: options.level ?? "deny", description, check };
}

/** A sync that could not be read has no numbers to judge; the plan is incomplete and cannot be applied anyway. */
function eachSync(
  code: string,
  description: string,
  { except = [], ...options }: SyncPolicyOptions,
  check: (sync: SyncSummary) => string | null,
): PlanPolicy {
  return policy(code, description, options, ({ plan }) =>
    plan.syncs
      .filter(({ name, complete }) => complete && !except.includes(name))
      .flatMap((sync) => {
        const message = check(sync);
        return message === null ? [] : [{ sync: sync.name, message }];
      }),
  );
}

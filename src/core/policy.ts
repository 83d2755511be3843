/** Policies on plans: rules of the people who own a destination, kept as code and held against every plan. @module */
import { ConfigError } from "./errors.ts";
import { isObject } from "./is-object.ts";
import type { PlanSummary, PolicyResult } from "./plan.ts";
import type { Sync } from "./sync.ts";

/** A plan as policies see it: numbers and names, no record values. It is not signed yet. */
export type JudgedPlan = Omit<PlanSummary, "digest" | "policies">;

export interface PolicyInput {
  readonly plan: JudgedPlan;
  /** The declared syncs the plan could read, with every default filled in. */
  readonly syncs: readonly Sync[];
  /** The moment of judging, ISO 8601: when the plan is made, shown or applied. */
  readonly at: string;
}

/** One thing a policy finds wrong. */
export interface Violation {
  /** Name of the sync it is about; left out for the plan as a whole. */
  readonly sync?: string;
  /** One sentence, with what was found and what is allowed. */
  readonly message: string;
}

/** What a policy finds; nothing lets the plan through. */
export type Violations = readonly (Violation | string)[];

/**
 * A rule for plans. `check` reads and decides; it gets a copy, so it cannot change the plan.
 *
 * @example
 * const noDeletesInDecember: PlanPolicy = {
 *   code: "NO_DELETES_IN_DECEMBER",
 *   level: "deny",
 *   check: ({ plan, at }) =>
 *     at.slice(5, 7) === "12" ? plan.syncs.filter(({ counts }) => counts.delete > 0).map(({ name }) => ({ sync: name, message: "deletes in December" })) : [],
 * };
 */
export interface PlanPolicy {
  /** Stable name: letters, digits, `_`, `-`, `.`; no two policies share one. */
  readonly code: string;
  /** `deny` stops the plan (exit code 3), `warn` only says so. */
  readonly level: "warn" | "deny";
  /** What it is for, in a sentence. */
  readonly description?: string;
  check(input: PolicyInput): Violations | Promise<Violations>;
}

/** A policy and the file it comes from. */
export interface LoadedPolicy {
  readonly file: string;
  readonly policy: PlanPolicy;
}

/** Messages of one policy that are kept. */
const MOST_MESSAGES = 100;
const MOST_CHARACTERS = 1_000;

/**
 * The policies a file declares.
 *
 * @param exported what the module's `default` or `policies` is
 * @throws ConfigError POLICY_BROKEN naming the file and the policy
 */
export function readPolicies(exported: unknown, file: string): readonly LoadedPolicy[] {
  if (!Array.isArray(exported))
    throw brokenPolicy(file, null, "exports no list: its default export, or `policies`, must be a list of policies");
  return exported.map((given: unknown, i) => {
    const name = isObject(given) && typeof given.code === "string" ? given.code : `number ${i + 1}`;
    if (!isObject(given)) throw brokenPolicy(file, name, "is not a policy");
    if (typeof given.code !== "string" || !/^[A-Za-z0-9][\w.-]{0,79}$/.test(given.code))
      throw brokenPolicy(file, name, "needs a code of letters, digits, _, - and .");
    if (given.level !== "warn" && given.level !== "deny") throw brokenPolicy(file, name, "needs level: warn or deny");
    if (typeof given.check !== "function") throw brokenPolicy(file, name, "needs check, a function");
    return { file, policy: given as unknown as PlanPolicy };
  });
}

/** Refuses policies of which two have one code. */
export function checkCodes(policies: readonly LoadedPolicy[]): void {
  const files = new Map<string, string>();
  for (const { file, policy } of policies) {
    const other = files.get(policy.code);
    if (other !== undefined)
      throw brokenPolicy(file, policy.code, `has the code of another policy${other === file ? "" : ` in ${other}`}`);
    files.set(policy.code, file);
  }
}

/** What a policy answered, as results; anything but a list of violations is an error. */
export function resultsOf({ file, policy }: LoadedPolicy, answer: unknown): readonly PolicyResult[] {
  const { code, level } = policy;
  if (!Array.isArray(answer)) throw brokenPolicy(file, code, "check must return a list of violations");
  const results = answer.map((one: unknown): PolicyResult => {
    if (typeof one === "string") return { code, level, sync: null, message: cut(one) };
    const { sync, message } = isObject(one) ? one : {};
    if (typeof message !== "string" || (sync !== undefined && typeof sync !== "string"))
      throw brokenPolicy(file, code, "a violation is a text, or has a message and perhaps a sync, both texts");
    return { code, level, sync: sync ?? null, message: cut(message) };
  });
  if (results.length === 0) return [{ code, level: "pass", sync: null, message: describe(policy) }];
  const more = results.length - MOST_MESSAGES;
  return more <= 0
    ? results
    : [...results.slice(0, MOST_MESSAGES), { code, level, sync: null, message: `and ${more} more` }];
}

export function brokenPolicy(file: string, code: string | null, why: string, cause?: unknown): ConfigError {
  const which = code === null ? "" : ` policy ${code}:`;
  return new ConfigError("POLICY_BROKEN", `${file}:${which} ${why}`, { cause });
}

function describe({ description }: PlanPolicy): string {
  return typeof description === "string" ? cut(description) : "";
}

function cut(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}

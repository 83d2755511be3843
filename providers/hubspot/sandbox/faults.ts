/** What can be switched in this sandbox, and what happens to a call because of it. @module */
import * as z from "zod";
import { ConfigError } from "../../../src/connector/index.ts";

const failure = z.strictObject({
  match: z.string().describe("Regular expression on `METHOD /path?query`."),
  status: z.number().int().optional().describe("Answer this instead."),
  body: z.unknown().optional().describe("With this body: text as it is, anything else as JSON."),
  headers: z.record(z.string(), z.string()).optional().describe("With these headers."),
  reset: z.enum(["before", "after"]).optional().describe("Break the connection before, or after, the work is done."),
  performed: z.boolean().optional().describe("Do the work all the same before the answer above is sent."),
  delayMs: z.number().min(0).optional().describe("Wait before anything else."),
  times: z.number().int().min(1).optional().describe("For so many calls (default 1)."),
});

const schema = z.strictObject({
  rate: z
    .strictObject({ calls: z.number().int().min(1), perMs: z.number().positive() })
    .optional()
    .describe("Rolling window; a call beyond it is answered 429 TEN_SECONDLY_ROLLING and counted as a violation."),
  dailyQuota: z.number().int().optional().describe("Calls of a day (default 250,000); then 429 DAILY."),
  tokenLifetimeMs: z.number().optional().describe("OAuth tokens minted from now on expire after this."),
  rotateRefreshTokens: z
    .boolean()
    .optional()
    .describe("Each refresh answers a new refresh token and ends the old one."),
  missingScopes: z.array(z.string()).optional().describe("Scopes the token lacks; calls that need them answer 403."),
  failNext: z.array(failure).optional().describe("Calls that go wrong, first match first."),
  poisonEmail: z.string().optional().describe("A record with this e-mail makes its whole batch fail with 400."),
  lockRowEvery: z.number().int().min(1).optional().describe("Every so many calls that write records: 423."),
  migratingSeconds: z.number().optional().describe("Every call is answered 477 with this Retry-After."),
  indexLagMs: z.number().optional().describe("What was written is not found by search for so long."),
  emptyResults: z.boolean().optional().describe("Batches do the work and answer no results."),
  shuffleResults: z.boolean().optional().describe("Results come in another order than their inputs."),
  forgetTraces: z.boolean().optional().describe("Results come without their objectWriteTraceId."),
});

export type FaultSettings = z.output<typeof schema>;
export type Failure = z.output<typeof failure>;

/** @throws ConfigError naming what is not understood */
export function parseFaults(given: unknown): FaultSettings {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "faults"}: ${message}`);
  throw new ConfigError("CONFIG_INVALID", `sandbox hubspot: ${problems.join("; ")}`);
}

/** The faults in force. */
export class Faults {
  settings: FaultSettings;
  private failures: (Failure & { left: number })[] = [];

  constructor(given: unknown) {
    this.settings = {};
    this.change(given);
  }

  /** Replaces the settings named; null takes one away. */
  change(given: unknown): void {
    const merged = { ...this.settings, ...(given as object) };
    const kept = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
    this.settings = parseFaults(kept);
    if ((given as FaultSettings | undefined)?.failNext !== undefined)
      this.failures = (this.settings.failNext ?? []).map((f) => ({ ...f, left: f.times ?? 1 }));
  }

  /** The failure that strikes this call, used up by it. */
  strike(call: string): Failure | undefined {
    const found = this.failures.find(({ match, left }) => left > 0 && new RegExp(match).test(call));
    if (found) found.left -= 1;
    return found;
  }
}

/** What can be switched in this sandbox, and what happens to a call because of it. @module */
import * as z from "zod";
import { ConfigError } from "../../../src/connector/index.ts";

const failure = z.strictObject({
  match: z.string().describe("Regular expression on `METHOD /path?query`."),
  status: z.number().int().optional().describe("Answer this instead."),
  body: z.unknown().optional().describe("With this body: text as it is, anything else as JSON."),
  reset: z.enum(["before", "after"]).optional().describe("Break the connection before, or after, the work is done."),
  performed: z.boolean().optional().describe("Do the work all the same before the answer above is sent."),
  delayMs: z.number().min(0).optional().describe("Wait before anything else."),
  times: z.number().int().min(1).optional().describe("For so many calls (default 1)."),
});

const schema = z.strictObject({
  rate: z
    .strictObject({ calls: z.number().int().min(1), perMs: z.number().positive() })
    .optional()
    .describe("Rolling window; a call beyond it is answered 429 with Retry-After and counted as a violation."),
  dailyQuota: z.number().int().optional().describe("Calls of a day (default 100,000); then 403."),
  tokenLifetimeMs: z.number().optional().describe("Tokens minted from now on expire after this."),
  jwtPublicKey: z.string().optional().describe("PEM; signatures of JWT assertions are then verified."),
  failNext: z.array(failure).optional().describe("Calls that go wrong, first match first."),
  poisonEmail: z.string().optional().describe("A record with this e-mail makes its whole batch fail with 400."),
  lockRowEvery: z.number().int().min(1).optional().describe("Every so many written records: UNABLE_TO_LOCK_ROW."),
  indexLagMs: z.number().optional().describe("A new record is not found by SOQL, other than by Id, for so long."),
  emptyResults: z.boolean().optional().describe("Collections do the work and answer `[]`; job results have no rows."),
  storageRecords: z
    .number()
    .int()
    .optional()
    .describe("Records the organisation may hold; then STORAGE_LIMIT_EXCEEDED."),
  bulkDelayMs: z.number().optional().describe("Milliseconds a job waits and works (default 40)."),
  bulkAbortAfter: z.number().int().optional().describe("A job is aborted after so many rows."),
});

export type FaultSettings = z.output<typeof schema>;
export type Failure = z.output<typeof failure>;

/** @throws ConfigError naming what is not understood */
export function parseFaults(given: unknown): FaultSettings {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "faults"}: ${message}`);
  throw new ConfigError("CONFIG_INVALID", `sandbox salesforce: ${problems.join("; ")}`);
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

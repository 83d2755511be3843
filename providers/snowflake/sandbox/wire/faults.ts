/** What can be switched in this sandbox, and what happens to a call because of it. @module */
import * as z from "zod";
import { ConfigError } from "../../../../src/connector/index.ts";

const failure = z.strictObject({
  match: z.string().describe("Regular expression on `METHOD /path?query`."),
  status: z.number().int().optional().describe("Answer this instead."),
  body: z.unknown().optional().describe("With this body: text as it is, anything else as JSON."),
  reset: z.enum(["before", "after"]).optional().describe("Break the connection before, or after, the work is done."),
  delayMs: z.number().min(0).optional().describe("Wait before anything else."),
  times: z.number().int().min(1).optional().describe("For so many calls (default 1)."),
});

const failingStatement = z.strictObject({
  match: z.string().describe("Regular expression on the SQL."),
  code: z.string().describe("The vendor's number, e.g. `000604`."),
  sqlState: z.string().describe("Five characters, e.g. `57014`."),
  message: z.string().describe("The vendor's sentence."),
  times: z.number().int().min(1).optional().describe("For so many statements (default 1)."),
});

const truncation = z.strictObject({
  chunk: z.number().int().min(0).describe("Number of the chunk, from 0."),
  how: z
    .enum(["bytes", "gzip", "json", "rows", "narrow", "wide", "page"])
    .describe(
      "Lose bytes on the way, end within the gzip or within a row, lack a row, have rows of a column less or more, or be a proxy's page.",
    ),
  times: z.number().int().min(1).optional().describe("For so many downloads (default 1)."),
});

const schema = z.strictObject({
  failNext: z.array(failure).optional().describe("Calls that go wrong, first match first."),
  failStatements: z.array(failingStatement).optional().describe("Statements that fail, first match first."),
  truncateChunk: truncation.optional().describe("A chunk that does not arrive as it is."),
  sessionLifetimeMs: z.number().optional().describe("Session tokens minted from now on expire after this."),
  masterLifetimeMs: z.number().optional().describe("Master tokens minted from now on expire after this."),
  chunkRows: z.number().int().min(1).optional().describe("Rows in the answer itself, and in each chunk after it."),
  statementDelayMs: z.number().optional().describe("How long a statement takes before it starts."),
  delayStatements: z.string().optional().describe("Regular expression on the SQL of those it delays (default all)."),
  asyncAfterMs: z.number().optional().describe("A statement that takes longer is answered with `in progress`."),
  suspendWarehouse: z.boolean().optional().describe("No warehouse is active: statements that need one fail."),
  quotaReached: z.boolean().optional().describe("The resource monitor lets no warehouse resume."),
  roles: z.array(z.string()).optional().describe("Roles of the user; another one is refused at login (default any)."),
  writes: z.boolean().optional().describe("The role may write: grants say so, and DML and DDL are let through."),
  refuseUnload: z.boolean().optional().describe("The role may not write to its stage."),
  publicKey: z.string().optional().describe("PEM of the user's public key, for key pair logins."),
  issuerKey: z
    .string()
    .optional()
    .describe("PEM of the public key that Azure's and GCP's identity tokens are signed with."),
});

export type FaultSettings = z.output<typeof schema>;
export type Truncation = z.output<typeof truncation>["how"];
export type Failure = z.output<typeof failure>;
export type FailingStatement = z.output<typeof failingStatement>;

/** @throws ConfigError naming what is not understood */
export function parseFaults(given: unknown): FaultSettings {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "faults"}: ${message}`);
  throw new ConfigError("CONFIG_INVALID", `sandbox snowflake: ${problems.join("; ")}`);
}

interface Counted {
  left: number;
}
const counted = <T extends { readonly times?: number | undefined }>(list: readonly T[] = []): (T & Counted)[] =>
  list.map((one) => ({ ...one, left: one.times ?? 1 }));

function take<T extends Counted & { readonly match: string }>(list: readonly T[], text: string): T | undefined {
  const found = list.find(({ match, left }) => left > 0 && new RegExp(match, "is").test(text));
  if (found) found.left -= 1;
  return found;
}

/** The faults in force. */
export class Faults {
  settings: FaultSettings = {};
  private calls: (Failure & Counted)[] = [];
  private statements: (FailingStatement & Counted)[] = [];
  private truncations = 0;

  constructor(given: unknown) {
    this.change(given);
  }

  /** Replaces the settings named; null takes one away. */
  change(given: unknown): void {
    const merged = { ...this.settings, ...(given as object) };
    this.settings = parseFaults(Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null)));
    const named = (given ?? {}) as FaultSettings;
    if (named.failNext !== undefined) this.calls = counted(this.settings.failNext);
    if (named.failStatements !== undefined) this.statements = counted(this.settings.failStatements);
    if (named.truncateChunk !== undefined) this.truncations = this.settings.truncateChunk?.times ?? 1;
  }

  /** The failure that strikes this call, used up by it. */
  strike(call: string): Failure | undefined {
    return take(this.calls, call);
  }

  strikeStatement(sql: string): FailingStatement | undefined {
    return take(this.statements, sql);
  }

  /** How chunk `n` is damaged this time. */
  truncate(n: number): Truncation | undefined {
    const { truncateChunk } = this.settings;
    if (truncateChunk?.chunk !== n || this.truncations <= 0) return undefined;
    this.truncations -= 1;
    return truncateChunk.how;
  }
}

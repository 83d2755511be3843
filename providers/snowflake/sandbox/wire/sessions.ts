/** Sessions, their tokens, and what their role may do. @module */
import { randomBytes } from "node:crypto";
import type { Grant, SessionContext } from "../sql/context.ts";
import { type Engine, firstDatabase, firstSchema } from "../sql/engine.ts";
import { SqlFailure } from "../sql/failure.ts";
import type { SqlSession } from "../sql/session.ts";
import { type Answer, parameter, refusal, success } from "./answer.ts";
import type { Faults } from "./faults.ts";
import { account, known, type LoginData, loginProblem } from "./login.ts";
import type { SignIns } from "./sign-ins.ts";

export interface Session {
  readonly id: number;
  readonly sql: SqlSession;
  readonly context: SessionContext;
}

interface Token {
  readonly session: Session;
  readonly kind: "session" | "master";
  readonly expires: number;
}

/** Grants of a role that only reads, and of one that also writes. */
function grants(writes: boolean): readonly Grant[] {
  const table = `${firstDatabase}.${firstSchema}.CUSTOMER`;
  const reading: Grant[] = [
    { privilege: "USAGE", on: "WAREHOUSE", name: "EBB_WH" },
    { privilege: "USAGE", on: "DATABASE", name: firstDatabase },
    { privilege: "USAGE", on: "SCHEMA", name: `${firstDatabase}.${firstSchema}` },
    { privilege: "SELECT", on: "TABLE", name: table },
  ];
  if (!writes) return reading;
  return [
    ...reading,
    { privilege: "INSERT", on: "TABLE", name: table },
    { privilege: "CREATE TABLE", on: "SCHEMA", name: `${firstDatabase}.${firstSchema}` },
  ];
}

export class Sessions {
  logins = 0;
  renewals = 0;
  private readonly engine: Engine;
  private readonly faults: Faults;
  private readonly signIns: SignIns;
  private readonly tokens = new Map<string, Token>();
  private readonly open = new Set<Session>();
  private serial = 0;

  constructor(engine: Engine, faults: Faults, signIns: SignIns) {
    this.engine = engine;
    this.faults = faults;
    this.signIns = signIns;
  }

  get count(): number {
    return this.open.size;
  }

  async login(data: LoginData, query: URLSearchParams): Promise<Answer> {
    const problem = loginProblem(data, query.get("roleName"), this.faults.settings, this.signIns);
    if (problem) return refusal(problem[0], problem[1], { nextAction: "RETRY_LOGIN" });
    this.logins += 1;
    const session = await this.start(query);
    const { context } = session;
    return success({
      ...this.mint(session),
      displayUserName: known.user,
      serverVersion: "9.39.0",
      sessionId: session.id,
      parameters: parametersOf(session),
      sessionInfo: {
        databaseName: context.database,
        schemaName: context.schema,
        warehouseName: context.warehouse,
        roleName: context.role,
      },
    });
  }

  /** A session whose role may do anything: for seeding. */
  async administrator(): Promise<Session> {
    const session = await this.start(new URLSearchParams({ roleName: "ACCOUNTADMIN" }), true);
    this.open.delete(session);
    return session;
  }

  /** The session of a call's `Authorization`, or what to answer instead. */
  find(authorization: string, kind: Token["kind"] = "session"): Session | Answer {
    const token = this.tokens.get(/^Snowflake Token="(.*)"$/.exec(authorization)?.[1] ?? "");
    if (!token || token.kind !== kind || !this.open.has(token.session))
      return refusal("390111", "Session no longer exists.  New login required to access the service.");
    if (token.expires > Date.now()) return token.session;
    return kind === "session"
      ? refusal("390112", "Your session has expired. Please login again.")
      : refusal("390114", "Authentication token has expired.  The user must authenticate again.");
  }

  renew(authorization: string): Answer {
    const found = this.find(authorization, "master");
    if ("status" in found) return found;
    this.renewals += 1;
    const { token, masterToken, validityInSeconds, masterValidityInSeconds } = this.mint(found);
    return success({
      sessionToken: token,
      masterToken,
      validityInSecondsST: validityInSeconds,
      validityInSecondsMT: masterValidityInSeconds,
      sessionId: found.id,
    });
  }

  async end(session: Session): Promise<void> {
    if (!this.open.delete(session)) return;
    for (const [text, token] of this.tokens) if (token.session === session) this.tokens.delete(text);
    await session.sql.close();
  }

  /** Ends every session, as an administrator can. */
  async close(): Promise<void> {
    for (const session of this.open) session.sql.interrupt();
    for (const session of [...this.open]) await this.end(session);
  }

  private mint(session: Session) {
    const { sessionLifetimeMs = 3_600_000, masterLifetimeMs = 14_400_000 } = this.faults.settings;
    const make = (kind: Token["kind"], lifetime: number) => {
      const text = `ver:1-hint:${session.id}-${randomBytes(32).toString("base64url")}`;
      this.tokens.set(text, { session, kind, expires: Date.now() + lifetime });
      return text;
    };
    return {
      token: make("session", sessionLifetimeMs),
      masterToken: make("master", masterLifetimeMs),
      validityInSeconds: sessionLifetimeMs / 1000,
      masterValidityInSeconds: masterLifetimeMs / 1000,
    };
  }

  private async start(query: URLSearchParams, mayAll = false): Promise<Session> {
    const { faults } = this;
    const refuse = (what: string) => {
      throw new SqlFailure(
        "003001",
        "42501",
        `SQL access control error:\nInsufficient privileges to operate on ${what}.`,
      );
    };
    const context: SessionContext = {
      account,
      user: known.user,
      role: (query.get("roleName") ?? "EBB_READER").toUpperCase(),
      warehouse: (query.get("warehouse") ?? "EBB_WH").toUpperCase(),
      database: (query.get("databaseName") ?? firstDatabase).toUpperCase(),
      schema: (query.get("schemaName") ?? firstSchema).toUpperCase(),
      parameters: new Map(),
      needsWarehouse() {
        if (mayAll) return;
        const name = this.warehouse;
        if (faults.settings.quotaReached)
          throw new SqlFailure(
            "090073",
            "22000",
            `Warehouse '${name}' cannot be resumed because resource monitor 'LIMITER' has exceeded its quota.`,
          );
        if (name === null || faults.settings.suspendWarehouse)
          throw new SqlFailure(
            "000606",
            "57P03",
            "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' command.",
          );
      },
      needsWrite: (what) => (mayAll || faults.settings.writes ? undefined : refuse(what)),
      needsStage: () => (faults.settings.refuseUnload && !mayAll ? refuse("stage") : undefined),
      grantsOf: () => grants(faults.settings.writes === true),
      warehouseState: () => (faults.settings.suspendWarehouse ? "SUSPENDED" : "STARTED"),
    };
    // A database that is not there leaves the session without one, as at the vendor's.
    if (!(await this.engine.databases()).includes(context.database ?? "")) {
      context.database = null;
      context.schema = null;
    }
    const session = { id: ++this.serial, sql: await this.engine.session(context), context };
    this.open.add(session);
    return session;
  }
}

/** Parameters of a session as each answer echoes them. */
export function parametersOf({ context }: Session) {
  const usual = {
    TIMEZONE: "America/Los_Angeles",
    TIMESTAMP_OUTPUT_FORMAT: "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
    TIMESTAMP_NTZ_OUTPUT_FORMAT: "YYYY-MM-DD HH24:MI:SS.FF3",
    DATE_OUTPUT_FORMAT: "YYYY-MM-DD",
    TIME_OUTPUT_FORMAT: "HH24:MI:SS",
    BINARY_OUTPUT_FORMAT: "HEX",
  };
  const all = { ...usual, ...Object.fromEntries(context.parameters) };
  return [
    ...Object.entries(all).map(([name, value]) => parameter(name, value)),
    parameter("CLIENT_SESSION_KEEP_ALIVE", false),
    parameter("QUERY_CONTEXT_CACHE_SIZE", 5),
  ];
}

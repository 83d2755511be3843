/** The addresses of the protocol and what each does. @module */
import type { IncomingMessage } from "node:http";
import { gunzipSync } from "node:zlib";
import { SqlFailure } from "../sql/failure.ts";
import { type Answer, refusal, success } from "./answer.ts";
import type { ChunkStore } from "./chunks.ts";
import type { Faults } from "./faults.ts";
import type { LoginData } from "./login.ts";
import type { Asked, Queries } from "./queries.ts";
import { runScript } from "./script.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { SignIns } from "./sign-ins.ts";

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string;
  readonly body: unknown;
}

export interface Parts {
  readonly faults: Faults;
  readonly sessions: Sessions;
  readonly signIns: SignIns;
  readonly queries: Queries;
  readonly chunks: ChunkStore;
  /** The administrator's session, for seeding. */
  readonly seeding: Session;
}

export async function receive(request: IncomingMessage): Promise<Call> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const bytes = Buffer.concat(pieces);
  // The driver announces gzip whether or not it had the time to compress.
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString("utf8");
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://sandbox");
  const { method = "GET", headers } = request;
  let body: unknown = text;
  try {
    body = JSON.parse(text || "{}");
  } catch {
    // SQL for seeding comes as it is.
  }
  return { method, path: pathname, query: searchParams, authorization: headers.authorization ?? "", body };
}

export function routes(parts: Parts): (call: Call) => Promise<Answer> {
  const { sessions, signIns, queries, chunks } = parts;
  let telemetry = 0;
  let heartbeats = 0;
  const withSession = async (call: Call, work: (session: Session) => Promise<Answer> | Answer): Promise<Answer> => {
    const found = sessions.find(call.authorization);
    return "status" in found ? found : work(found);
  };
  return async (call) => {
    const at = `${call.method} ${call.path}`;
    if (call.path.startsWith("/__sandbox/")) return admin(parts, call, () => ({ telemetry, heartbeats }));
    const [, chunk] = /^GET \/chunks\/([\w-]+)$/.exec(at) ?? [];
    if (chunk) return chunks.get(chunk, parts.faults);
    const [, queryId, what] =
      /^\w+ (?:\/queries|\/monitoring\/queries)\/([0-9a-f-]{36})(?:\/([\w-]+))?$/.exec(at) ?? [];
    if (queryId)
      return withSession(call, () => {
        if (what === "result") return queries.result(queryId);
        return what === "abort-request" ? queries.abort(queryId, undefined) : queries.status(queryId);
      });
    switch (at) {
      case "POST /session/v1/login-request":
        return sessions.login((call.body as { data?: LoginData }).data ?? {}, call.query);
      case "POST /session/authenticator-request":
        return signIns.start((call.body as { data?: LoginData }).data ?? {});
      case "GET /fed/login":
        return signIns.page(call.query.get("request") ?? "");
      case "POST /session/token-request":
        return sessions.renew(call.authorization);
      case "POST /session/heartbeat":
        heartbeats += 1;
        return withSession(call, () => success(null));
      case "POST /session":
        return withSession(call, async (session) => {
          await sessions.end(session);
          return success(null);
        });
      case "POST /queries/v1/query-request":
        return withSession(call, (session) =>
          queries.request(session, call.query.get("requestId") ?? "", call.body as Asked),
        );
      case "POST /queries/v1/abort-request":
        return withSession(call, () => queries.abort(undefined, (call.body as { requestId?: string }).requestId));
      case "POST /telemetry/send":
        telemetry += 1;
        return success("Log Received");
      default:
        return { status: 404, json: { message: `no such address: ${at}`, success: false } };
    }
  };
}

async function admin(parts: Parts, call: Call, counts: () => object): Promise<Answer> {
  const { faults, sessions, queries, chunks, seeding } = parts;
  switch (`${call.method} ${call.path}`) {
    case "POST /__sandbox/faults":
      faults.change(call.body);
      return { status: 200, json: faults.settings };
    case "POST /__sandbox/sql":
      return script(seeding, typeof call.body === "string" ? call.body : String((call.body as { sql?: string }).sql));
    case "POST /__sandbox/revoke":
      await sessions.close();
      return { status: 200, json: {} };
    case "GET /__sandbox/stats": {
      const { statements, cancels } = queries;
      const { logins, renewals, count } = sessions;
      const stats = { logins, renewals, openSessions: count, cancels, chunks: chunks.fetched, statements, ...counts() };
      return { status: 200, json: stats };
    }
    default:
      return refusal("404", "no such address of the sandbox");
  }
}

async function script(seeding: Session, sql: string): Promise<Answer> {
  try {
    const outcome = await runScript(seeding, sql);
    if (outcome?.kind !== "rows") return { status: 200, json: { rows: [] } };
    const rows: unknown[] = [];
    for await (const page of outcome.rows()) rows.push(...page.map((row) => JSON.parse(row) as unknown));
    return { status: 200, json: { columns: outcome.columns.map(({ name }) => name), rows } };
  } catch (error) {
    if (!(error instanceof SqlFailure)) throw error;
    return { status: 400, json: { code: error.vendorCode, sqlState: error.sqlState, message: error.message } };
  }
}

/** A local server that behaves like a Salesforce organisation. Its faults are described in the README. @module */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Sandbox, SandboxOptions } from "../../src/connector/index.ts";
import { Jobs } from "./sandbox/bulk.ts";
import { type Failure, Faults } from "./sandbox/faults.ts";
import { Meter } from "./sandbox/meter.ts";
import { app, Tokens } from "./sandbox/oauth.ts";
import { objectNamed, objects } from "./sandbox/objects.ts";
import { type Input, Records } from "./sandbox/records.ts";
import { Refusal } from "./sandbox/refusal.ts";
import { type Answer, type Call, restRoutes } from "./sandbox/rest.ts";
import { Store } from "./sandbox/store.ts";

/** Address and headers together, in bytes. */
const longestHead = 16_384;

/** Starts the server on 127.0.0.1. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const faults = new Faults(options.faults ?? {});
  const store = new Store(options.directory);
  const records = new Records(store, faults);
  const jobs = new Jobs(records);
  const tokens = new Tokens();
  const meter = new Meter();
  const quota = () => ({ used: meter.used, limit: faults.settings.dailyQuota ?? 100_000 });
  const routes = restRoutes(records, jobs, quota);
  let url = "";

  const admin = (call: Call): Answer => {
    switch (`${call.method} ${call.path}`) {
      case "POST /__sandbox/faults":
        faults.change(JSON.parse(call.body.toString() || "{}"));
        return { status: 200, json: faults.settings };
      case "POST /__sandbox/revoke":
        tokens.revoke();
        return { status: 200, json: {} };
      case "POST /__sandbox/seed":
        return { status: 200, json: seed(records, JSON.parse(call.body.toString()) as Seed) };
      case "GET /__sandbox/stats": {
        const held = Object.fromEntries(objects.map(({ name }) => [name, store.live(name)]));
        const counted = { quota: quota(), written: records.written, records: held };
        return { status: 200, json: { ...meter.stats(), ...counted, duplicates: duplicates(store) } };
      }
      default:
        return { status: 404, json: [{ errorCode: "NOT_FOUND", message: "no such address of the sandbox" }] };
    }
  };

  const dispatch = (call: Call): Answer => {
    const [, root = "", below = ""] = /^(\/services\/data\/v\d+\.0)(\/.*)$/.exec(call.path) ?? [];
    const found = routes.filter(({ path }) => path.test(below));
    const route = found.find(({ method }) => method === call.method);
    const label = `${call.method} ${route?.label ?? call.path.replace(/\/$/, "")}`;
    const waitMs = meter.admit(label, Date.now(), faults.settings.rate);
    if (waitMs !== undefined) throw new TooMany(waitMs);
    if (label === "POST /services/oauth2/token") {
      const { status, body } = tokens.grant(new URLSearchParams(call.body.toString()), url, faults.settings);
      return { status, json: body };
    }
    if (label === "GET /services/data")
      return { status: 200, json: [{ label: "Summer '26", url: "/services/data/v67.0", version: "67.0" }] };
    if (!tokens.accepts(String(call.headers.authorization ?? "")))
      throw new Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid");
    if (meter.used >= quota().limit) throw new Refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
    meter.used += 1;
    if (route) return route.handle(call, route.path.exec(below)?.slice(1) ?? [], root);
    if (found.length === 0) throw new Refusal(404, "NOT_FOUND", "The requested resource does not exist");
    const allowed = found.map(({ method }) => method).join(", ");
    throw new Refusal(405, "METHOD_NOT_ALLOWED", `HTTP Method '${call.method}' not allowed. Allowed are ${allowed}`);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = await receive(request);
    if (call.path.startsWith("/__sandbox/")) return send(response, admin(call));
    const failure = faults.strike(`${request.method} ${request.url}`);
    if (failure?.delayMs) await new Promise((done) => setTimeout(done, failure.delayMs).unref());
    const replaced = failure && (failure.status !== undefined || failure.body !== undefined);
    if (failure?.reset === "before") return void request.socket.destroy();
    if (replaced && !failure.performed) return sendFailure(response, failure);
    let result: Answer;
    let headers: Record<string, string> = {};
    try {
      if (headSize(request) > longestHead) throw new Refusal(414, "URI_TOO_LONG", "URI Too Long");
      result = dispatch(call);
    } catch (error) {
      if (error instanceof TooMany) headers = { "retry-after": (Math.ceil(error.waitMs) / 1000).toFixed(3) };
      result = refused(error);
    }
    store.flush();
    const { used, limit } = quota();
    headers["sforce-limit-info"] = `api-usage=${used}/${limit}`;
    if (failure?.reset === "after") return void request.socket.destroy();
    if (replaced) return sendFailure(response, failure);
    send(response, result, headers);
  };

  const server = createServer({ maxHeaderSize: 131_072, keepAliveTimeout: 60_000 }, (request, response) => {
    answer(request, response).catch((error: unknown) => send(response, refused(error)));
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(options.port, "127.0.0.1", listening);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    credentials: { loginUrl: url, ...app },
    async close() {
      jobs.close();
      await new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      });
      store.close();
    },
  };
}

class TooMany extends Refusal {
  readonly waitMs: number;

  constructor(waitMs: number) {
    super(429, "REQUEST_LIMIT_EXCEEDED", "too many requests in the window");
    this.waitMs = waitMs;
  }
}

async function receive(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://sandbox");
  const { method = "GET", headers } = request;
  return { method, path: pathname, query: searchParams, headers, body: Buffer.concat(chunks) };
}

function headSize({ url = "", rawHeaders }: IncomingMessage): number {
  return rawHeaders.reduce((sum, part) => sum + part.length + 2, url.length);
}

function send(response: ServerResponse, { status, json, csv }: Answer, headers: Record<string, string> = {}): void {
  if (response.destroyed) return;
  const type = csv === undefined ? "application/json;charset=UTF-8" : "text/csv";
  const text = csv ?? (json === undefined ? "" : JSON.stringify(json));
  response.writeHead(status, { ...headers, ...(text ? { "content-type": type } : {}) });
  response.end(text);
}

function sendFailure(response: ServerResponse, { status = 200, body = "" }: Failure): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type = text.startsWith("<") ? "text/html" : "application/json";
  response.writeHead(status, { "content-type": type });
  response.end(text);
}

function refused(error: unknown): Answer {
  if (error instanceof Refusal)
    return { status: error.status, json: [{ message: error.message, errorCode: error.vendorCode }] };
  const message = error instanceof Error ? error.message : String(error);
  return { status: 500, json: [{ message, errorCode: "UNKNOWN_EXCEPTION" }] };
}

type Seed = Readonly<Record<string, readonly Input[]>>;

/** Records by object, as `{ "Contact": [{ "LastName": "Lovelace" }] }`; ids in the same order, null where refused. */
function seed(records: Records, given: Seed) {
  const made = Object.entries(given).map(([name, inputs]) => {
    const object = objectNamed(name);
    if (!object) throw new Refusal(400, "INVALID_TYPE", `sObject type '${name}' is not supported.`);
    const results = inputs.map((input) => records.create(object, input));
    const [wrong] = results.flatMap(({ errors }) => errors);
    if (wrong) throw new Refusal(400, wrong.statusCode, wrong.message);
    return [object.name, results.map(({ id }) => id)] as const;
  });
  records.store.flush();
  return Object.fromEntries(made);
}

/** Contacts beyond the first with the same e-mail. */
function duplicates(store: Store): number {
  const seen = new Set<string>();
  let count = 0;
  for (const { Email, IsDeleted } of store.rows("Contact")) {
    if (typeof Email !== "string" || IsDeleted) continue;
    const email = Email.toLowerCase();
    if (seen.has(email)) count += 1;
    seen.add(email);
  }
  return count;
}

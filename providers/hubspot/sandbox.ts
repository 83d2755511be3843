/** A local server that behaves like a HubSpot account. Its faults are described in the README. @module */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Sandbox, SandboxOptions } from "../../src/connector/index.ts";
import { type Failure, Faults } from "./sandbox/faults.ts";
import { Meter } from "./sandbox/meter.ts";
import { objectKept, objectNamed, objects } from "./sandbox/objects.ts";
import { type Properties, Records } from "./sandbox/records.ts";
import { Refusal } from "./sandbox/refusal.ts";
import { type Answer, type Call, plainPath, restRoutes, scopeOf } from "./sandbox/rest.ts";
import { Store } from "./sandbox/store.ts";
import { app, Tokens } from "./sandbox/tokens.ts";

/** Address of a request, in bytes. */
const longestUrl = 16_384;

/** Starts the server on 127.0.0.1. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const faults = new Faults(options.faults ?? {});
  const store = new Store(options.directory);
  const records = new Records(store, faults);
  const tokens = new Tokens(() => faults.settings);
  const meter = new Meter(faults);
  const routes = restRoutes(records, tokens, meter);
  let writes = 0;

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
        const counted = { written: records.written, records: held, duplicates: duplicates(store) };
        return { status: 200, json: { ...meter.stats(), ...counted } };
      }
      default:
        return { status: 404, json: { message: "no such address of the sandbox" } };
    }
  };

  const dispatch = (call: Call, label: string, plain: string, found: typeof routes): Answer => {
    if ((call.path + call.query).length > longestUrl) throw new Refusal(414, "URI_TOO_LONG", "URI Too Long");
    const { migratingSeconds, lockRowEvery } = faults.settings;
    if (migratingSeconds !== undefined)
      throw new Refusal(477, "MIGRATION_IN_PROGRESS", "The account is being migrated");
    if (label === "POST /oauth/token") {
      meter.count(label);
      return { status: 200, json: tokens.grant(new URLSearchParams(call.body.toString())) };
    }
    const limit = meter.admit(label, Date.now());
    if (limit) throw new TooMany(limit);
    tokens.check(String(call.headers.authorization ?? ""));
    const route = found.find(({ method }) => method === call.method);
    if (!route) throw new Refusal(found.length > 0 ? 405 : 404, "NOT_FOUND", "resource not found");
    const parts = route.path.exec(plain)?.slice(1).map(decodeURIComponent) ?? [];
    if (route.access) tokens.need(scopeOf(route, objectNamed(parts[0] ?? "")));
    if (route.access === "write") writes += 1;
    if (route.access === "write" && lockRowEvery && writes % lockRowEvery === 0)
      throw new Refusal(423, "LOCKED", "The resource is locked; wait at least two seconds");
    return route.handle(call, parts);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = await receive(request);
    if (call.path.startsWith("/__sandbox/")) return send(response, admin(call));
    const failure = faults.strike(`${request.method} ${request.url}`);
    if (failure?.delayMs) await new Promise((done) => setTimeout(done, failure.delayMs).unref());
    const replaced = failure && (failure.status !== undefined || failure.body !== undefined);
    if (failure?.reset === "before") return void request.socket.destroy();
    if (replaced && !failure.performed) return sendFailure(response, failure);
    const plain = plainPath(call.path);
    const found = routes.filter(({ path }) => path.test(plain));
    const label = `${call.method} ${found.find(({ method }) => method === call.method)?.label ?? plain}`;
    let result: Answer;
    try {
      result = dispatch(call, label, plain, found);
    } catch (error) {
      result = refused(error);
    }
    store.flush();
    if (failure?.reset === "after") return void request.socket.destroy();
    if (replaced) return sendFailure(response, failure);
    const { migratingSeconds } = faults.settings;
    const wait = result.status === 477 ? { "retry-after": String(migratingSeconds) } : {};
    send(response, result, { ...meter.headers(label, Date.now()), ...wait });
  };

  const server = createServer({ maxHeaderSize: 131_072, keepAliveTimeout: 60_000 }, (request, response) => {
    answer(request, response).catch((error: unknown) => send(response, refused(error)));
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(options.port, "127.0.0.1", listening);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessToken: app.accessToken },
    async close() {
      await new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      });
      store.close();
    },
  };
}

class TooMany extends Refusal {
  readonly policyName: string;

  constructor(policyName: string) {
    super(429, "RATE_LIMITS", `You have reached your ${policyName.toLowerCase()} limit.`);
    this.policyName = policyName;
  }
}

async function receive(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://sandbox");
  const { method = "GET", headers } = request;
  return { method, path: pathname, query: searchParams, headers, body: Buffer.concat(chunks) };
}

function send(response: ServerResponse, { status, json }: Answer, headers: Record<string, string> = {}): void {
  if (response.destroyed) return;
  const text = json === undefined ? "" : JSON.stringify(json);
  response.writeHead(status, { ...headers, ...(text ? { "content-type": "application/json;charset=utf-8" } : {}) });
  response.end(text);
}

function sendFailure(response: ServerResponse, { status = 200, body = "", headers = {} }: Failure): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type = text.startsWith("<") ? "text/html" : "application/json";
  response.writeHead(status, { "content-type": type, ...headers });
  response.end(text);
}

function refused(error: unknown): Answer {
  if (error instanceof TooMany)
    return { status: 429, json: { ...error.body(), errorType: "RATE_LIMIT", policyName: error.policyName } };
  if (error instanceof Refusal) return { status: error.status, json: error.body() };
  const message = error instanceof Error ? error.message : String(error);
  return { status: 500, json: new Refusal(500, "INTERNAL_ERROR", message).body() };
}

type Seed = Readonly<Record<string, readonly Properties[]>>;

/** Records by object, as `{ "contacts": [{ "email": "ada@example.com" }] }`; ids in the same order. */
function seed(records: Records, given: Seed) {
  const made = Object.entries(given).map(([name, inputs]) => {
    const object = objectKept(name) ?? objectNamed(name);
    return [name, inputs.map((properties) => records.create(object, properties).id)] as const;
  });
  records.store.flush();
  return Object.fromEntries(made);
}

/** Records beyond the first with the same e-mail, domain or deal name. */
function duplicates(store: Store): number {
  const names = { contacts: "email", companies: "domain", deals: "dealname" };
  return Object.entries(names).reduce((count, [object, property]) => {
    const values = store.rows(object).flatMap(({ properties }) => properties[property]?.toLowerCase() ?? []);
    return count + values.length - new Set(values).size;
  }, 0);
}

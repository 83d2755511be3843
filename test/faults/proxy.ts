/** Stands between the command line and a sandbox, counts what passes and breaks what it is told to. @module */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { type Fault, type Rule, Rules } from "./proxy-rules.ts";

export interface ProxyCall {
  /** `METHOD /path?query`. */
  readonly call: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What went wrong with it. */
  readonly fault?: Fault["kind"];
}

export interface FaultProxy {
  readonly url: string;
  /** Every call that came in, oldest first. */
  readonly calls: readonly ProxyCall[];
  readonly strikes: Readonly<Record<string, number>>;
  rules(rules: readonly Rule[]): void;
  count(match: RegExp): number;
  /** Most calls of any time span of so many milliseconds. */
  worst(windowMs: number): number;
  /** Told of each call before it is passed on, and once the vendor has answered. One listener. */
  watch(watcher: ((call: string, phase: "arrived" | "answered") => void) | undefined): void;
  close(): Promise<void>;
}

interface Passed {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

/** @param target address calls are passed on to */
export async function startProxy(target: string, seed = 1): Promise<FaultProxy> {
  const rules = new Rules(seed);
  const calls: ProxyCall[] = [];
  const answers = new Map<string, Passed>();
  const agent = new Agent({ keepAlive: true });
  let watcher: Parameters<FaultProxy["watch"]>[0];

  const pass = (incoming: IncomingMessage, body: Buffer): Promise<Passed> =>
    new Promise((resolve, reject) => {
      const { method, url, headers } = incoming;
      const onward = request(new URL(url ?? "/", target), { method, headers, agent }, (answer) => {
        bodyOf(answer).then(
          (text) => resolve({ status: answer.statusCode ?? 502, headers: kept(answer), body: text }),
          reject,
        );
      });
      onward.on("error", reject);
      onward.end(body);
    });

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(incoming);
    const call = `${incoming.method} ${incoming.url}`;
    const at = Date.now();
    watcher?.(call, "arrived");
    const fault = rules.strike(call);
    calls.push({ call, at, ...(fault ? { fault: fault.kind } : {}) });
    const broken = () => void incoming.socket.destroy();
    if (fault?.kind === "reset" && fault.when === "before") return broken();
    if (fault?.kind === "answer" && !fault.performed) return give(response, replaced(fault));
    if (fault?.kind === "delay" && fault.of !== "answer") await wait(fault.ms);
    if (fault?.kind === "hold") await fault.until;
    if (fault?.kind === "twice") await pass(incoming, body);
    const passed = await pass(incoming, body);
    const address = call.replace(/\?.*/, "");
    const last = answers.get(address);
    answers.set(address, passed);
    watcher?.(call, "answered");
    if (fault?.kind === "reset" && fault.when === "after") return broken();
    if (fault?.kind === "answer") return give(response, replaced(fault));
    if (fault?.kind === "replay") return give(response, last ?? passed);
    if (fault?.kind === "delay") await wait(fault.ms);
    const text = passed.body;
    if (fault?.kind === "truncate") return give(response, { ...passed, body: text.subarray(0, text.length / 2) });
    if (fault?.kind === "slow") return slowly(response, passed, fault);
    if (fault?.kind !== "reset") return give(response, passed);
    response.writeHead(passed.status, { ...passed.headers, "content-length": text.length });
    response.write(text.subarray(0, text.length / 2), broken);
  };

  const server = createServer({ keepAliveTimeout: 60_000, maxHeaderSize: 131_072 }, (incoming, response) => {
    handle(incoming, response).catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    strikes: rules.strikes,
    rules: (given) => rules.set(given),
    count: (match) => calls.filter(({ call }) => match.test(call)).length,
    worst: (windowMs) =>
      calls.reduce((most, { at }, from) => {
        let to = from;
        while (to < calls.length && (calls[to]?.at ?? 0) < at + windowMs) to++;
        return Math.max(most, to - from);
      }, 0),
    watch(given) {
      watcher = given;
    },
    async close() {
      agent.destroy();
      await new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      });
    },
  };
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Headers without those that frame the body, which is framed anew. */
function kept({ headers }: IncomingMessage): Passed["headers"] {
  const framing = new Set(["connection", "keep-alive", "transfer-encoding", "content-length"]);
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || framing.has(name) ? [] : [[name, value]],
    ),
  );
}

function replaced({ status, body = "", headers = {} }: Fault & { readonly kind: "answer" }): Passed {
  const type = body.startsWith("<") ? "text/html" : "application/json";
  return { status, headers: { "content-type": type, ...headers }, body: Buffer.from(body) };
}

function give(response: ServerResponse, { status, headers, body }: Passed): void {
  const framed = status === 204 ? headers : { ...headers, "content-length": String(body.length) };
  response.writeHead(status, framed);
  response.end(status === 204 ? undefined : body);
}

async function slowly(
  response: ServerResponse,
  { status, headers, body }: Passed,
  { bytesPerSecond, piece = 1 }: Fault & { readonly kind: "slow" },
): Promise<void> {
  response.writeHead(status, { ...headers, "content-length": body.length });
  for (let at = 0; at < body.length && !response.destroyed; at += piece) {
    response.write(body.subarray(at, at + piece));
    await wait((1_000 * piece) / bytesPerSecond);
  }
  response.end();
}

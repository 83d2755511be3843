/** A server on this machine that keeps a journal of what it was asked, and can be told to fail once. @module */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Call {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  /** JSON that was sent; null where there was none. */
  readonly json: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  /** The connection breaks in the middle of the bytes. */
  readonly cut?: boolean;
}

interface Failure {
  readonly path: RegExp;
  readonly answer: Answer;
}

export class FakeServer {
  readonly calls: Call[] = [];
  private readonly failures: Failure[] = [];
  private readonly server: Server;
  private readonly answer: (call: Call) => Answer;

  constructor(answer: (call: Call) => Answer) {
    this.answer = answer;
    this.server = createServer((request, response) => void this.handle(request, response));
  }

  async listen(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next call whose `METHOD /path` is like this is answered so. */
  failOnce(path: RegExp, answer: Answer): void {
    this.failures.push({ path, answer });
  }

  /** `METHOD /path` of the calls that were made since the journal was read last. */
  taken(): readonly string[] {
    return this.calls.splice(0).map(({ method, path }) => `${method} ${path}`);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://x");
    const call: Call = {
      method: request.method ?? "GET",
      path: pathname,
      query: searchParams,
      headers: request.headers,
      json: text === "" ? null : JSON.parse(text),
    };
    this.calls.push(call);
    const at = this.failures.findIndex(({ path }) => path.test(`${call.method} ${call.path}`));
    const [failure] = at < 0 ? [] : this.failures.splice(at, 1);
    send(response, failure?.answer ?? this.answer(call));
  }
}

function send(response: ServerResponse, { status, headers = {}, json, bytes, cut = false }: Answer): void {
  const body = bytes ?? (json === undefined ? "" : JSON.stringify(json));
  const type = bytes ? "application/octet-stream" : "application/json";
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body), ...headers });
  if (!cut) return void response.end(body);
  const half = Buffer.from(body).subarray(0, Math.floor(Buffer.byteLength(body) / 2));
  response.write(half, () => response.destroy());
}

/** One page of a list, as both forges number them: `page` from 1, `per_page` 100 at most. */
export function pageOf<T>(all: readonly T[], query: URLSearchParams, usual: number): readonly T[] {
  const size = Math.min(Number(query.get("per_page") ?? usual), 100);
  const from = (Number(query.get("page") ?? 1) - 1) * size;
  return all.slice(from, from + size);
}

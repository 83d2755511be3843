import type { Dispatcher } from "undici";
import { AuthError, type EbbError, RecordError, TransientError } from "../core/errors.ts";
import { retryAfterMs } from "./retry-after.ts";

/** What a call told about the account's limits; the engine's limiter listens to it. */
export interface RateSignal {
  readonly bucket: string;
  /** Milliseconds to pause the whole account. */
  readonly pauseMs?: number;
  /** Calls used and allowed in the vendor's long window (a day), when it says so. */
  readonly quota?: { readonly used: number; readonly limit: number };
}

/** The engine's limiter as a connector's client sees it. */
export interface Permits {
  /** Resolves when a call may be sent. */
  acquire(bucket: string, signal: AbortSignal): Promise<void>;
  report(signal: RateSignal): void;
}

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path below the base address, or an absolute address on the same origin. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is; set a content type. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly bucket?: string;
  /** A read that is no GET: it may be sent again when the answer is lost. */
  readonly repeatable?: boolean;
  /** Milliseconds until the answer must have begun (default 60,000). */
  readonly timeoutMs?: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The body as JSON; throws `ANSWER_INVALID` when it is not. */
  json<T>(): T;
}

export interface HttpOptions {
  readonly baseUrl: string;
  /** Headers of every call, made anew each time (a token may have been renewed). */
  readonly headers?: (signal: AbortSignal) => Promise<Readonly<Record<string, string>>>;
  /** The vendor's own reading of an answer: an error where the common rules are wrong, `undefined` to apply those. */
  readonly classify?: (response: HttpResponse) => EbbError | undefined;
  /** Called once on 401; true when the credentials were renewed, and the call is then repeated once. */
  readonly renew?: (signal: AbortSignal) => Promise<boolean>;
  /** Limits the vendor states in its headers. */
  readonly signals?: (response: HttpResponse) => readonly RateSignal[];
}

export interface Http {
  /** One call. A status of 400 and above is thrown, classified by what the engine must do. */
  request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
}

export interface HttpWorld {
  readonly dispatcher: () => Promise<Dispatcher>;
  readonly permits: Permits;
  readonly connection: string;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Times a read is sent before its failure counts. A write is sent once: only the engine knows whether it may again. */
const READ_ATTEMPTS = 4;

/** A read that is to wait longer than this fails instead. */
const LONGEST_WAIT_MS = 300_000;

/** The one HTTP client: it waits for a permit, sends, tells the limiter what it learnt, and classifies the answer. */
export function createHttp(world: HttpWorld, options: HttpOptions): Http {
  const send = async (request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    const bucket = request.bucket ?? "calls";
    const headers = { accept: "application/json", ...(await options.headers?.(signal)), ...request.headers };
    await world.permits.acquire(bucket, signal);
    const response = await exchange(await world.dispatcher(), options.baseUrl, request, headers, signal);
    for (const told of options.signals?.(response) ?? []) world.permits.report(told);
    if (response.status === 429 || response.status === 503) {
      const pauseMs = retryAfterMs(response.headers["retry-after"], response.headers.date);
      if (response.status === 429 || pauseMs !== undefined) world.permits.report({ bucket, pauseMs: pauseMs ?? 1_000 });
    }
    return response;
  };
  const once = async (request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    let response = await send(request, signal);
    if (response.status === 401 && (await options.renew?.(signal))) response = await send(request, signal);
    const error = options.classify?.(response) ?? classify(response, request, world.connection);
    if (error) throw error;
    return response;
  };
  return {
    async request(request, signal) {
      const attempts = request.method === "GET" || request.repeatable ? READ_ATTEMPTS : 1;
      for (let attempt = 1; ; attempt++)
        try {
          return await once(request, signal);
        } catch (error) {
          const passing = error instanceof TransientError && error.code !== "QUOTA_EXHAUSTED";
          if (!passing || attempt >= attempts || (error.retryAfterMs ?? 0) > LONGEST_WAIT_MS) throw error;
          await world.sleep(Math.max(error.retryAfterMs ?? 0, 100 * 2 ** attempt), signal);
        }
    },
  };
}

/** The meaning every HTTP API shares. Bodies never enter a message: they may quote record values. */
export function classify(response: HttpResponse, request: HttpRequest, connection: string): EbbError | undefined {
  const { status } = response;
  if (status < 400) return undefined;
  const at = connection;
  const call = `${request.method} ${new URL(request.path, "http://x").pathname}`;
  const pause = retryAfterMs(response.headers["retry-after"], response.headers.date);
  if (status === 401)
    return new AuthError("AUTH_REFUSED", `${connection}: credentials refused (401 at ${call})`, { at });
  if (status === 403) return new AuthError("ACCESS_DENIED", `${connection}: not allowed (403 at ${call})`, { at });
  if (status === 429)
    return new TransientError("RATE_LIMITED", `${connection}: too many calls (429 at ${call})`, {
      at,
      retryAfterMs: pause,
      unsent: true,
    });
  if (status === 408 || status >= 500)
    return new TransientError("UNAVAILABLE", `${connection}: answered ${status} at ${call}`, {
      at,
      retryAfterMs: pause,
    });
  return new RecordError(`HTTP_${status}`, `${connection}: answered ${status} at ${call}`, { at });
}

async function exchange(
  dispatcher: Dispatcher,
  baseUrl: string,
  request: HttpRequest,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const base = new URL(baseUrl);
  const url = new URL(
    request.path.startsWith("http") ? request.path : base.pathname.replace(/\/$/, "") + request.path,
    base,
  );
  if (url.origin !== base.origin)
    throw new TransientError("ANSWER_INVALID", `refused to follow ${base.origin} to ${url.origin}`, { unsent: true });
  const body = request.json === undefined ? (request.body ?? null) : JSON.stringify(request.json);
  if (request.json !== undefined) headers["content-type"] = "application/json";
  try {
    const answer = await dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method,
      headers,
      body: body as string | null,
      signal,
      headersTimeout: request.timeoutMs ?? 60_000,
      bodyTimeout: request.timeoutMs ?? 60_000,
    });
    const text = await answer.body.text();
    const flat = Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) => [
        name.toLowerCase(),
        Array.isArray(value) ? value.join(", ") : (value ?? ""),
      ]),
    );
    return { status: answer.statusCode, headers: flat, text, json: () => parse(text, url) };
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    const code = (cause as { code?: string }).code ?? "";
    const unsent = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"].includes(code);
    throw new TransientError("NETWORK", `${url.origin} could not be reached (${code || "connection broken"})`, {
      cause,
      unsent,
    });
  }
}

function parse<T>(text: string, url: URL): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new TransientError("ANSWER_INVALID", `${url.origin}${url.pathname} answered something that is not JSON`);
  }
}

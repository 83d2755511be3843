import type { Dispatcher } from "undici";
import { AuthError, type EbbError, RecordError, TransientError } from "../core/errors.ts";
import { type CallEnd, LONGEST_WAIT_MS, type Permits, type RateSignal } from "./permits.ts";
import { rateHeaders } from "./rate-headers.ts";
import { retryAfterMs } from "./retry-after.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path below the base address, or an absolute address on the same origin. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is; set a content type. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** The limits the call counts against (default `"calls"`); several where an endpoint has its own. */
  readonly bucket?: string | readonly string[];
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
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Does something after so many milliseconds, unless what it answers is called before. */
  after(ms: number, act: () => void): () => void;
}

/** Times a read is sent before its failure counts. A write is sent once: only the engine knows whether it may again. */
const READ_ATTEMPTS = 4;

/** The one HTTP client: it waits for a permit, sends, tells the limiter what it learnt, and classifies the answer. */
export function createHttp(world: HttpWorld, options: HttpOptions): Http {
  const send = async (request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    const buckets = [request.bucket ?? "calls"].flat();
    const headers = { accept: "application/json", ...(await options.headers?.(signal)), ...request.headers };
    const end = await world.permits.acquire(buckets, signal);
    let response: HttpResponse | undefined;
    try {
      response = await exchange(world, options.baseUrl, request, headers, signal);
      return response;
    } finally {
      await end({ how: howEnded(response), signals: response ? signalsOf(response, buckets) : [] });
    }
  };
  /** A pause the answer asks for comes before the windows it tells of. */
  const signalsOf = (response: HttpResponse, buckets: readonly string[]): readonly RateSignal[] => {
    const { status, headers } = response;
    const bucket = buckets[0] ?? "calls";
    const told = [...rateHeaders(bucket, headers, world.now()), ...(options.signals?.(response) ?? [])];
    const asked = retryAfterMs(headers["retry-after"], headers.date);
    if (status === 429 || (status === 503 && asked !== undefined)) told.push({ bucket, pauseMs: asked ?? 1_000 });
    return told;
  };
  const once = async (request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    let response = await send(request, signal);
    if (response.status === 401 && (await options.renew?.(signal))) response = await send(request, signal);
    const error = options.classify?.(response) ?? classify(response, request, world.connection);
    if (error) throw error;
    // Half of an answer is none: of a read that is noticed here, where it is sent again.
    if (isRepeatable(request) && isToBeJson(response)) response.json();
    return response;
  };
  return {
    async request(request, signal) {
      const attempts = isRepeatable(request) ? READ_ATTEMPTS : 1;
      for (let attempt = 1; ; attempt++)
        try {
          return await once(request, signal);
        } catch (error) {
          const passing = error instanceof TransientError && error.code !== "QUOTA_EXHAUSTED";
          if (!passing || attempt >= attempts || (error.retryAfterMs ?? 0) > LONGEST_WAIT_MS) throw error;
          if (!world.permits.mayRetry()) throw error;
          await world.sleep(Math.max(error.retryAfterMs ?? 0, 100 * 2 ** attempt), signal);
        }
    },
  };
}

function howEnded(response: HttpResponse | undefined): CallEnd["how"] {
  if (response?.status === 429) return "refused";
  return response === undefined || response.status >= 500 ? "failed" : "answered";
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

function isRepeatable({ method, repeatable }: HttpRequest): boolean {
  return method === "GET" || repeatable === true;
}

/** A whole answer takes at most so many times as long as its parts may. */
const WHOLE = 5;

async function exchange(
  world: HttpWorld,
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
  const timeoutMs = request.timeoutMs ?? 60_000;
  // The times below are between two pieces: an answer that comes byte by byte would keep them for ever.
  const over = new AbortController();
  const stop = () => over.abort(signal.reason);
  const cancel = world.after(WHOLE * timeoutMs, () => over.abort());
  signal.addEventListener("abort", stop, { once: true });
  try {
    const dispatcher = await world.dispatcher();
    const sent = {
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method,
      headers,
      body: body as string | null,
      signal: over.signal,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      leave() {
        if (world.permits.mayLeave()) return;
        throw new TransientError("NETWORK", `this process stood still while ${url.origin} was to be called`, {
          unsent: true,
        });
      },
    };
    const answer = await dispatcher.request(sent);
    const text = await answer.body.text();
    const flat = Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) => [
        name.toLowerCase(),
        Array.isArray(value) ? value.join(", ") : (value ?? ""),
      ]),
    );
    let read: { readonly value: unknown } | undefined;
    const json = <T>() => {
      read ??= { value: parse(text, url) };
      return read.value as T;
    };
    return { status: answer.statusCode, headers: flat, text, json };
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (cause instanceof TransientError) throw cause;
    const code = over.signal.aborted ? "answer too slow" : ((cause as { code?: string }).code ?? "");
    const unsent = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"].includes(code);
    throw new TransientError("NETWORK", `${url.origin} could not be reached (${code || "connection broken"})`, {
      cause,
      unsent,
    });
  } finally {
    cancel();
    signal.removeEventListener("abort", stop);
  }
}

/** Answers that name another kind are read by whoever asked. */
function isToBeJson({ status, headers }: HttpResponse): boolean {
  return status === 200 && /json|html/.test(headers["content-type"] ?? "application/json");
}

function parse<T>(text: string, url: URL): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new TransientError("ANSWER_INVALID", `${url.origin}${url.pathname} answered something that is not JSON`);
  }
}

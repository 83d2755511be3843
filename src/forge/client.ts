/** The API of a forge: calls, pages, files; and what a refusal means. @module */
import { rename, rm } from "node:fs/promises";
import { createHttp, type HttpRequest, type HttpResponse, type Permits, retryAfterMs } from "../connector/index.ts";
import { streamToFile } from "../connector/stream-to-file.ts";
import { AuthError, ConflictError, EbbError, RecordError, TransientError } from "../core/errors.ts";
import type { ForgeWorld } from "./forge.ts";

export interface ForgeApi {
  readonly name: string;
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What a job needs so that it may. */
  readonly rights: string;
}

/** A forge limits per hour, far above what one job sends. */
const free: Permits = { acquire: async () => async () => undefined, mayLeave: () => true, mayRetry: () => true };
const PAGE = 100;
const MOST_PAGES = 50;
/** Times a file is asked for before that it does not come counts. */
const ATTEMPTS = 4;

export function forgeClient(world: ForgeWorld, { name, baseUrl, headers, rights }: ForgeApi) {
  const refused = (status: number | string) =>
    new AuthError("FORGE_REFUSED", `${name} refuses this job (${status})`, { next: rights });
  const classify = ({ status, headers }: HttpResponse) => {
    if (status < 400 || status >= 500 || [404, 408, 429].includes(status)) return undefined;
    // GitHub says with a 403 as well that too many calls were made, and when the next one may be.
    const pause = retryAfterMs(headers["retry-after"], headers.date);
    if (status === 403 && (pause !== undefined || headers["x-ratelimit-remaining"] === "0"))
      return new TransientError("RATE_LIMITED", `${name}: too many calls (403)`, { retryAfterMs: pause, unsent: true });
    return refused(status);
  };
  const http = createHttp(
    {
      dispatcher: world.dispatcher,
      permits: free,
      connection: name,
      now: world.now,
      after: world.after,
      sleep: world.sleep,
    },
    { baseUrl, headers: async () => headers, classify },
  );
  /** One call; null where there is nothing of that name, or the job may not see it. */
  const find = async <T>(path: string, signal: AbortSignal): Promise<T | null> => {
    try {
      return (await http.request({ method: "GET", path }, signal)).json<T>();
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  };
  /** A call that must find what it names. */
  const call = async (request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> => {
    try {
      return await http.request(request, signal);
    } catch (error) {
      // Who may not see a thing is told that it is not there.
      throw isMissing(error) ? refused(404) : error;
    }
  };
  return {
    find,
    call,
    /** Everything of a list, page by page. */
    async all<T>(path: string, signal: AbortSignal): Promise<readonly T[]> {
      const found: T[] = [];
      for (let page = 1; page <= MOST_PAGES; page++) {
        const asked = { method: "GET", path: `${path}?per_page=${PAGE}&page=${page}` } as const;
        const some = (await call(asked, signal)).json<readonly T[]>();
        found.push(...some);
        if (some.length < PAGE) break;
      }
      return found;
    },
    /** Writes what an address gives to a file, whole or not at all. Another server is not told the token. */
    async save(path: string, file: string, signal: AbortSignal): Promise<void> {
      for (let attempt = 1; ; attempt++)
        try {
          return await saveOnce(path, file, signal);
        } catch (error) {
          signal.throwIfAborted();
          const broken = new TransientError("NETWORK", `${name}: the reviewed plan did not come whole`, {
            cause: error,
          });
          const known = error instanceof EbbError ? error : broken;
          if (!(known instanceof TransientError) || attempt >= ATTEMPTS) throw known;
          await world.sleep(100 * 2 ** attempt, signal);
        }
    },
  };

  async function saveOnce(path: string, file: string, signal: AbortSignal): Promise<void> {
    const dispatcher = await world.dispatcher();
    let url = new URL(baseUrl + path);
    let sent: Readonly<Record<string, string>> = headers;
    for (let redirects = 0; redirects < 5; redirects++) {
      const { origin, pathname, search } = url;
      const answer = await dispatcher.request({
        origin,
        path: pathname + search,
        method: "GET",
        headers: sent,
        signal,
      });
      const { location } = answer.headers;
      if (answer.statusCode < 300) return await writeWhole(answer.body, file);
      await answer.body.dump();
      if ([404, 410].includes(answer.statusCode))
        throw new ConflictError("REVIEW_MISSING", `${name} does not keep the reviewed plan any more`);
      if ([401, 403].includes(answer.statusCode)) throw refused(answer.statusCode);
      if (answer.statusCode >= 400 || typeof location !== "string")
        throw new TransientError("UNAVAILABLE", `${name}: answered ${answer.statusCode} for the reviewed plan`);
      const next = new URL(location, url);
      if (next.origin !== url.origin) sent = {};
      url = next;
    }
    throw new TransientError("UNAVAILABLE", `${name}: leads in a circle when asked for the reviewed plan`);
  }
}

async function writeWhole(bytes: NodeJS.ReadableStream, file: string): Promise<void> {
  const aside = `${file}.new`;
  try {
    await streamToFile(bytes, aside);
    await rename(aside, file);
  } finally {
    await rm(aside, { force: true });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof RecordError && error.vendorCode === "HTTP_404";
}

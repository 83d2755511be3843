/** The network with a failpoint before each call, in its middle and after its answer. @module */
import type { Dispatcher } from "undici";
import type { Bends } from "./bends.ts";
import type { Failpoint } from "./failpoint.ts";

/** What a call is about, by its path. The first that fits. */
const kinds: readonly (readonly [RegExp, string])[] = [
  [/\/oauth/, "token"],
  [/\/describe$|\/properties\//, "describe"],
  [/\/query/, "query"],
  [/\/jobs\/ingest/, "job"],
  [/\/batch\/read|\/composite\/sobjects\/\w+$/, "read"],
  [/\/batch\/|\/composite\/sobjects/, "write"],
  [/\/account-info|\/services\/data\/$/, "account"],
];

/** @example callName("PATCH", "/services/data/v67.0/composite/sobjects") // "http.PATCH.write" */
export function callName(method: string, path: string): string {
  const [plain = ""] = path.split("?");
  const upsert = method === "PATCH" && plain.includes("/composite/");
  const kind = upsert ? "write" : (kinds.find(([pattern]) => pattern.test(plain))?.[1] ?? "other");
  return `http.${method}.${kind}`;
}

export function failingCalls(
  dispatcher: Dispatcher,
  failpoint: Failpoint,
  { timeoutMs, freshConnections: reset = false }: Pick<Bends, "timeoutMs" | "freshConnections">,
): Dispatcher {
  // Instead of the client's own.
  const patience = timeoutMs === undefined ? {} : { headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  const request = async (options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> => {
    const name = callName(options.method, options.path);
    failpoint.pass(name, "before");
    const answering = dispatcher.request({ ...options, ...patience, reset });
    // Handed over: where it needs a connection first, no byte of it has left.
    failpoint.pass(name, "half");
    const answer = await answering;
    failpoint.pass(name, "after");
    return answer;
  };
  return Object.assign(Object.create(dispatcher) as Dispatcher, { request });
}

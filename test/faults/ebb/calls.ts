/** The network with a failpoint before each call and after its answer. @module */
import type { Dispatcher } from "undici";
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

/** @param timeoutMs instead of the client's own patience */
export function failingCalls(dispatcher: Dispatcher, failpoint: Failpoint, timeoutMs: number | undefined): Dispatcher {
  const patience = timeoutMs === undefined ? {} : { headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  const request = async (options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> => {
    const name = callName(options.method, options.path);
    failpoint.pass(name, "before");
    const answer = await dispatcher.request({ ...options, ...patience });
    failpoint.pass(name, "after");
    return answer;
  };
  return Object.assign(Object.create(dispatcher) as Dispatcher, { request });
}

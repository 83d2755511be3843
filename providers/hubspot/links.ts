/** Brings the associations of records that were just written to what their changes say. Safe to send twice. @module */
import { type Http, type RecordKey, TransientError } from "../../src/connector/index.ts";
import { associationsPath } from "./addresses.ts";
import { pointOf, type VendorError } from "./errors.ts";

/** One association to make or to take away. */
export interface Link {
  readonly key: RecordKey;
  readonly field: string;
  readonly id: string;
  /** The other object, as addresses take it. */
  readonly target: string;
  readonly other: string;
  readonly remove: boolean;
}

/** Why a link is not there; a link that is in neither of the two was not answered for. */
export interface Linked {
  readonly done: ReadonlySet<Link>;
  readonly refused: ReadonlyMap<Link, { readonly code: string; readonly message: string; readonly retry: boolean }>;
}

/** Most inputs the vendor takes in one call. */
const most = 2_000;

interface Answer {
  readonly status?: string;
  readonly results?: readonly { readonly from?: { readonly id?: string }; readonly to?: { readonly id?: string } }[];
  readonly errors?: readonly VendorError[];
}

export async function applyLinks(
  http: Http,
  type: string,
  links: readonly Link[],
  signal: AbortSignal,
): Promise<Linked> {
  const done = new Set<Link>();
  const refused = new Map<Link, { code: string; message: string; retry: boolean }>();
  const kinds = new Map<string, Link[]>();
  for (const link of links) {
    const kind = `${link.remove}:${link.target}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), link]);
  }
  for (const same of kinds.values())
    for (let at = 0; at < same.length; at += most) {
      const some = same.slice(at, at + most);
      try {
        await send(http, type, some, done, refused, signal);
      } catch (error) {
        // The record itself is written already; only what can be sent again as it is may be told so.
        if (!(error instanceof TransientError) || error.code === "QUOTA_EXHAUSTED" || signal.aborted) throw error;
        for (const link of some) refused.set(link, { code: error.code, message: error.message, retry: true });
      }
    }
  return { done, refused };
}

async function send(
  http: Http,
  type: string,
  links: readonly Link[],
  done: Set<Link>,
  refused: Map<Link, { code: string; message: string; retry: boolean }>,
  signal: AbortSignal,
): Promise<void> {
  const [first] = links;
  if (!first) return;
  if (first.remove) {
    const inputs = links.map(({ id, other }) => ({ from: { id }, to: [{ id: other }] }));
    const path = associationsPath(type, first.target, "/batch/archive");
    const answer = await http.request({ method: "POST", path, json: { inputs } }, signal);
    const { status, errors = [] } = answer.status === 204 ? { status: "COMPLETE" } : answer.json<Answer>();
    if (status === "COMPLETE" && errors.length === 0) for (const link of links) done.add(link);
    return;
  }
  const inputs = links.map(({ id, other }) => ({ from: { id }, to: { id: other } }));
  const path = associationsPath(type, first.target, "/batch/associate/default");
  const { results = [], errors = [] } = (
    await http.request({ method: "POST", path, json: { inputs } }, signal)
  ).json<Answer>();
  // Both directions may be told; a pair is the same either way.
  const pair = (a = "", b = "") => (a < b ? `${a} ${b}` : `${b} ${a}`);
  const made = new Set(results.map(({ from, to }) => pair(from?.id, to?.id)));
  const failed = new Map(
    errors.map((error) => [pair(error.context?.fromObjectId?.[0], error.context?.toObjectId?.[0]), error]),
  );
  for (const link of links) {
    const error = failed.get(pair(link.id, link.other));
    if (error)
      refused.set(link, { code: pointOf(error).code || "ASSOCIATION", message: error.message ?? "", retry: false });
    else if (made.has(pair(link.id, link.other))) done.add(link);
  }
}

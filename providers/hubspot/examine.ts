/** What can be told of an account for little: the token, its scopes, the calls of the day. Writes nothing. @module */
import { EbbError, type Finding, RecordError } from "../../src/connector/index.ts";
import { usagePath } from "./addresses.ts";
import type { Session } from "./auth.ts";

interface Usage {
  readonly name?: string;
  readonly currentUsage?: number;
  readonly usageLimit?: number;
}

export async function* examineAccount(
  session: Session,
  account: () => Promise<string>,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  try {
    yield { status: "ok", detail: `the token is good, account ${await account()}` };
  } catch (error) {
    if (!(error instanceof EbbError) || signal.aborted) throw error;
    yield { status: "fail", detail: error.message, next: error.next };
    return;
  }
  yield await optional(() => scopes(session, signal), "its scopes could not be told", signal);
  yield await optional(() => calls(session, signal), "the calls of the day could not be told", signal);
}

/** A look that the token may not be allowed is no failure of the connection. */
async function optional(look: () => Promise<Finding>, otherwise: string, signal: AbortSignal): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof EbbError) || signal.aborted) throw error;
    const why = error instanceof RecordError ? error.vendorCode : error.message;
    return { status: "warn", detail: `${otherwise}: ${why}` };
  }
}

async function scopes(session: Session, signal: AbortSignal): Promise<Finding> {
  const granted = await session.scopes(signal);
  if (!granted) return { status: "warn", detail: "its scopes could not be told" };
  const may = (scope: string) => granted.includes(scope);
  const tell = (object: string): string => {
    const reads = may(`crm.objects.${object}.read`);
    const writes = may(`crm.objects.${object}.write`);
    if (reads && writes) return `reads and writes ${object}`;
    return reads ? `only reads ${object} (lacks crm.objects.${object}.write)` : `no ${object}`;
  };
  const objects = ["contacts", "companies", "deals", "custom"];
  const detail = `the token ${objects.map(tell).join(", ")}`;
  if (objects.some((object) => may(`crm.objects.${object}.write`) && may(`crm.objects.${object}.read`)))
    return { status: "ok", detail };
  const next = "Add the scopes crm.objects.OBJECT.read and crm.objects.OBJECT.write of each object a sync names.";
  return { status: "warn", detail, next };
}

async function calls(session: Session, signal: AbortSignal): Promise<Finding> {
  const { results } = (await session.request({ method: "GET", path: usagePath }, signal)).json<{
    results?: readonly Usage[];
  }>();
  const [usage] = results ?? [];
  const { currentUsage: used, usageLimit: limit } = usage ?? {};
  if (used === undefined || !limit) return { status: "ok", detail: "no daily limit is told for this kind of app" };
  const detail = `${used} of ${limit} calls of the day are used`;
  if (used < 0.8 * limit) return { status: "ok", detail };
  return { status: used < limit ? "warn" : "fail", detail, next: "Wait until midnight of the account's time zone." };
}

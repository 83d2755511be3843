/** What HubSpot's answers mean for a run. Bodies may quote record values: only names and codes leave this file. @module */
import {
  AuthError,
  ConfigError,
  type EbbError,
  type HttpResponse,
  type RateSignal,
  RecordError,
  retryAfterMs,
  TransientError,
} from "../../src/connector/index.ts";

/** An error, of a whole call or of one input. Every part may be missing (the vendor's own words). */
export interface VendorError {
  readonly status?: string;
  readonly category?: string;
  readonly subCategory?: unknown;
  /** Private: quotes values. */
  readonly message?: string;
  readonly policyName?: string;
  readonly context?: Readonly<Record<string, readonly string[] | undefined>>;
  readonly errors?: readonly {
    readonly message?: string;
    readonly code?: string;
    readonly in?: string;
    readonly context?: Readonly<Record<string, readonly string[] | undefined>>;
  }[];
}

/** The vendor's most precise code and the property it is about. Both stand in lists, in fields, or only in a sentence. */
export function pointOf(error: VendorError): { readonly code: string; readonly field: string | undefined } {
  const [detail] = error.errors ?? [];
  const said = error.message ?? "";
  const code = detail?.code ?? /"error"\s*:\s*"([A-Z_]+)"/.exec(said)?.[1] ?? error.category ?? "";
  const field = detail?.context?.propertyName?.[0] ?? detail?.in ?? /"name"\s*:\s*"(\w+)"/.exec(said)?.[1];
  return { code: /^\w+$/.test(code) ? code : "", field: field && /^\w+$/.test(field) ? field : undefined };
}

function parse({ text }: HttpResponse): VendorError {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** HubSpot's reading of a refused call; what it leaves open is read by the rules every HTTP API shares. */
export function classifyAnswer(response: HttpResponse, connection: string): EbbError | undefined {
  const { status } = response;
  if (status < 400) return undefined;
  const at = connection;
  const error = parse(response);
  const { code, field } = pointOf(error);
  const pause = retryAfterMs(response.headers["retry-after"], response.headers.date);
  switch (status) {
    case 400:
    case 404:
    case 409:
      if (code === "PROPERTY_DOESNT_EXIST" && field)
        return new ConfigError("FIELD_UNKNOWN", `${connection}: there is no property "${field}"`, { at });
      return new RecordError(code || `HTTP_${status}`, `${connection}: refused the request (${code || status})`, {
        at,
        field,
      });
    case 401: {
      const next = "Check accessToken: it is shown in the private app's settings, and changes when it is rotated.";
      const message = `${connection}: the token was refused (${code || "401"})`;
      return new AuthError("AUTH_REFUSED", message, { at, ...(code === "INVALID_AUTHENTICATION" ? { next } : {}) });
    }
    case 403:
      return scopesMissing(error, connection);
    case 423:
      // The vendor advises to wait at least two seconds. What was done before the lock is not told.
      return new TransientError("UNAVAILABLE", `${connection}: the records are locked (423)`, {
        at,
        retryAfterMs: pause ?? 2_000,
      });
    case 429:
      return error.policyName === "DAILY"
        ? new TransientError("QUOTA_EXHAUSTED", `${connection}: the daily calls are used up (DAILY)`, {
            at,
            unsent: true,
          })
        : new TransientError("RATE_LIMITED", `${connection}: too many calls (429)`, {
            at,
            retryAfterMs: pause ?? windowMs(response, error),
            unsent: true,
          });
    case 477:
      return new TransientError("UNAVAILABLE", `${connection}: the account is being moved to another region (477)`, {
        at,
        retryAfterMs: pause ?? 60_000,
        unsent: true,
      });
    default:
      return undefined;
  }
}

/** HubSpot sends no Retry-After with 429: a window's length is surely enough. */
function windowMs({ headers }: HttpResponse, { policyName }: VendorError): number {
  if (policyName === "SECONDLY") return 1_000;
  return Number(headers["x-hubspot-ratelimit-interval-milliseconds"]) || 10_000;
}

function scopesMissing(error: VendorError, connection: string): EbbError | undefined {
  const named = (error.errors ?? []).flatMap(({ context }) => Object.entries(context ?? {}));
  const all = named.flatMap(([name, values]) => (/scopes$/i.test(name) ? (values ?? []) : []));
  // Scopes are names; anything else that might stand there is left out.
  const scopes = [...new Set(all.filter((scope) => /^[a-z][\w.-]*$/.test(scope)))];
  if (error.category !== "MISSING_SCOPES" || scopes.length === 0) return undefined;
  return new AuthError("ACCESS_DENIED", `${connection}: not allowed without the scope ${scopes.join(" or ")}`, {
    at: connection,
    next: `Add the scope to the app (${scopes.join(" or ")}), and with OAuth install the app again.`,
  });
}

/** Calls of the day from the headers of every answer but search's, and how long a window that is full lasts. */
export function limitSignals(response: HttpResponse): readonly RateSignal[] {
  const { headers, status } = response;
  const told: RateSignal[] = [];
  const limit = Number(headers["x-hubspot-ratelimit-daily"]);
  const left = Number(headers["x-hubspot-ratelimit-daily-remaining"]);
  if (headers["x-hubspot-ratelimit-daily-remaining"] !== undefined && limit > 0)
    told.push({ bucket: "calls", quota: { used: limit - left, limit } });
  const error = status === 429 ? parse(response) : {};
  if (status === 429 && error.policyName !== "DAILY")
    told.push({ bucket: "calls", pauseMs: windowMs(response, error) });
  return told;
}

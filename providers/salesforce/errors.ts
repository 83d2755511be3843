/** What Salesforce's error codes mean for a run. The codes are members of the vendor's `StatusCode` and `ExceptionCode`. */
import {
  ConfigError,
  type EbbError,
  type HttpResponse,
  type Outcome,
  type RateSignal,
  RecordError,
  type RecordKey,
  rejected,
  TransientError,
} from "../../src/connector/index.ts";

/** One error of one record, as Collections give it. */
export interface RecordFault {
  readonly statusCode: string;
  /** The vendor's own sentence. Private: quotes values. */
  readonly message: string;
  readonly fields?: readonly string[];
}

const momentary = new Set([
  "UNABLE_TO_LOCK_ROW",
  "SERVER_UNAVAILABLE",
  "QUERY_TIMEOUT",
  "REQUEST_RUNNING_TOO_LONG",
  "REQUEST_LIMIT_EXCEEDED",
  "INVALID_QUERY_LOCATOR",
  "ALL_OR_NONE_OPERATION_ROLLED_BACK",
]);

/** The account is full: every further record would be refused as well. */
export const storageFull = "STORAGE_LIMIT_EXCEEDED";

/** The outcome of a refused record. A lock that a trigger ran into is reported inside another code's message. */
export function refusal(key: RecordKey, faults: readonly RecordFault[]): Outcome {
  const [first = { statusCode: "UNKNOWN_EXCEPTION", message: "no reason given" }] = faults;
  const retry = faults.every(
    ({ statusCode, message }) =>
      momentary.has(statusCode) || /UNABLE_TO_LOCK_ROW|Too many SOQL queries/i.test(message ?? ""),
  );
  return rejected(key, first.statusCode, first.message, {
    field: first.fields?.[0],
    retry: faults.length > 0 && retry,
  });
}

export function storageError(connection: string): EbbError {
  const message = `${connection}: the organisation's data storage is full (${storageFull})`;
  return new TransientError("QUOTA_EXHAUSTED", message, {
    at: connection,
    unsent: true,
    next: "Free storage in Salesforce, then run `ebb apply` again; the run resumes where it stopped.",
  });
}

/** The vendor's code of a refused call, and the one word in its message that is a name and not a value. */
function firstFault(response: HttpResponse): { readonly code: string; readonly name: string } {
  const [, code = ""] = /"errorCode"\s*:\s*"([A-Z_0-9]+)"/.exec(response.text) ?? [];
  const [, column, type] = /No such column '(\w+)'|sObject type '(\w+)' is not supported/.exec(response.text) ?? [];
  return { code, name: column ?? type ?? "" };
}

/** Salesforce's reading of a refused call; what it leaves open is read by the rules every HTTP API shares. */
export function classifyAnswer(response: HttpResponse, connection: string): EbbError | undefined {
  if (response.status !== 400 && response.status !== 403) return undefined;
  const { code, name } = firstFault(response);
  const at = connection;
  if (response.status === 403)
    return code === "REQUEST_LIMIT_EXCEEDED"
      ? new TransientError("QUOTA_EXHAUSTED", `${connection}: the daily API calls are used up (${code})`, {
          at,
          unsent: true,
        })
      : undefined;
  if (code === storageFull) return storageError(connection);
  if (momentary.has(code)) return new TransientError("UNAVAILABLE", `${connection}: not now (${code})`, { at });
  if (code === "INVALID_TYPE")
    return new ConfigError("OBJECT_UNKNOWN", `${connection} has no object "${name}" that this user may see`, { at });
  if (code === "INVALID_FIELD" && name)
    return new ConfigError("FIELD_UNKNOWN", `${connection}: there is no field "${name}" that this user may see`, {
      at,
    });
  return new RecordError(code || "HTTP_400", `${connection}: refused the request (${code || "400"})`, { at });
}

/**
 * Calls used and allowed in the rolling 24 hours, from every answer's header. Salesforce sends no Retry-After.
 *
 * @example limitSignals("api-usage=18/100000; per-app-api-usage=9/250(appName=x)")
 */
export function limitSignals(header: string | undefined): readonly RateSignal[] {
  const [, used, limit] = /(?<![\w-])api-usage=(\d+)\/(\d+)/.exec(header ?? "") ?? [];
  return used && limit ? [{ bucket: "calls", quota: { used: Number(used), limit: Number(limit) } }] : [];
}

/**
 * One root; the class says what the engine does, the code is what a person looks up, the message says what to do next.
 * @module
 */
import { type ErrorCode, errorCodes } from "./error-codes.ts";

export type Effect = "config" | "auth" | "transient" | "record" | "conflict" | "lock";

export interface ErrorOptions {
  /** The next step, one sentence without private values. */
  readonly next?: string;
  /** Where it stands: a sync, a connection, an attribute path. */
  readonly at?: string;
  readonly cause?: unknown;
}

/** Root of every error Ebb raises on purpose. Anything else that reaches the top is a bug. */
export abstract class EbbError extends Error {
  abstract readonly effect: Effect;
  readonly code: ErrorCode;
  readonly next: string;
  readonly at: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.next = options.next ?? errorCodes[code].next;
    this.at = options.at;
  }
}

/** Something in the project is wrong: stop before any write. */
export class ConfigError extends EbbError {
  readonly effect = "config";
}

/** Credentials are missing, refused or not allowed to do this: stop the run. */
export class AuthError extends EbbError {
  readonly effect = "auth";
}

/** It may work later: wait, settle what is in doubt, try again; then stop resumable. */
export class TransientError extends EbbError {
  readonly effect = "transient";
  /** Milliseconds the destination asked to wait. */
  readonly retryAfterMs: number | undefined;
  /** True when the request surely had no effect, so that nothing is in doubt. */
  readonly unsent: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | undefined; readonly unsent?: boolean } = {},
  ) {
    super(code, message, options);
    this.retryAfterMs = options.retryAfterMs;
    this.unsent = options.unsent ?? false;
  }
}

/** The destination refused a record, or a batch because of a record in it: isolate it and go on. */
export class RecordError extends EbbError {
  readonly effect = "record";
  /** The vendor's own code. */
  readonly vendorCode: string;
  readonly field: string | undefined;

  constructor(
    vendorCode: string,
    message: string,
    options: ErrorOptions & { readonly field?: string | undefined } = {},
  ) {
    super("RECORD_REJECTED", message, options);
    this.vendorCode = vendorCode;
    this.field = options.field;
  }
}

/** The plan does not fit the world any more (stale, expired, altered, foreign): refuse, plan again. */
export class ConflictError extends EbbError {
  readonly effect = "conflict";
}

/** Somebody else holds the state. */
export class LockError extends EbbError {
  readonly effect = "lock";
}

export type { ErrorCode } from "./error-codes.ts";
export { errorCodes } from "./error-codes.ts";

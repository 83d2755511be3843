import { AuthError, ConfigError, EbbError, RecordError, TransientError } from "../../src/connector/index.ts";

/** What a driver's error carries, where it does. */
interface ServerError {
  readonly code?: string;
  readonly column?: string;
  readonly constraint?: string;
  readonly hint?: string;
  /** `COPY people, line 2, column amount: "…"`: only the column's name is taken from it. */
  readonly where?: string;
}

const network = /^(ECONN\w+|ENOTFOUND|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|EPIPE|EAI_AGAIN|08\w{3})$/;
/** The driver throws these without a code. */
const broken = /Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered/;

/**
 * The class of an error by its SQLSTATE or the socket's code; undefined where that alone does not tell.
 * Messages with values of rows in them are not repeated, except in a {@link RecordError}, which is private.
 */
export function classify(error: unknown, connection: string): Error | undefined {
  if (error instanceof EbbError || (error instanceof Error && error.name === "AbortError")) return error;
  const { code = "", column, constraint, where = "" } = (error ?? {}) as ServerError;
  const message = error instanceof Error ? error.message : String(error);
  if (/^28/.test(code)) return new AuthError("AUTH_REFUSED", `${connection}: ${message}`);
  if (code === "42501") return new AuthError("ACCESS_DENIED", `${connection}: ${message}`);
  if (code === "40001" || code === "40P01" || code === "55P03")
    return new TransientError("UNAVAILABLE", `${connection}: another transaction was in the way`, { unsent: true });
  if (/^(57P0[1-5]|57014|53\w{3}|58\w{3})$/.test(code))
    return new TransientError("UNAVAILABLE", `${connection}: ${message}`);
  if (network.test(code) || (code === "" && broken.test(message)))
    return new TransientError("NETWORK", `${connection}: ${message || code}`, {
      unsent: code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "EAI_AGAIN",
    });
  if (code === "3D000") return new ConfigError("CONFIG_INVALID", `${connection}: ${message}`);
  // P0001 is what a trigger raises to refuse a row.
  if (/^(2[23]|P0)/.test(code))
    return new RecordError(code, message, {
      field: column ?? constraint ?? /^COPY .*, line \d+, column ([^:]+)/.exec(where)?.[1],
    });
  return undefined;
}

/** What a failed query of a source means. */
export function queryError(error: unknown, connection: string): Error {
  const known = classify(error, connection);
  if (known && !(known instanceof RecordError)) return known;
  const { code = "", hint } = (error ?? {}) as ServerError;
  const message = error instanceof Error ? error.message : String(error);
  if (code === "" && error instanceof TypeError) return error;
  const words = known ? `a value does not fit (SQLSTATE ${code})` : [message, hint].filter(Boolean).join(". ");
  return new ConfigError("SOURCE_FAILED", `${connection}: ${words}`);
}

/** What a failed statement on a destination's table means. */
export function tableError(error: unknown, connection: string): unknown {
  const known = classify(error, connection);
  if (known) return known;
  const { code } = (error ?? {}) as ServerError;
  const message = error instanceof Error ? error.message : String(error);
  if (code === "25006") return new AuthError("ACCESS_DENIED", `${connection}: ${message}`);
  if (code === "42P01") return new ConfigError("OBJECT_UNKNOWN", `${connection}: ${message}`);
  if (code === "42703") return new ConfigError("FIELD_UNKNOWN", `${connection}: ${message}`);
  return code === undefined ? error : new ConfigError("CONFIG_INVALID", `${connection}: ${message} (${code})`);
}

/** What the driver's and the vendor's errors mean. @module */
import { AuthError, ConfigError, EbbError, type ErrorCode, TransientError } from "../../src/connector/index.ts";

/** What an error carries, where it does: the vendor's codes are text, the driver's own are numbers. */
interface DriverError {
  readonly code?: string | number;
  readonly sqlState?: string;
  readonly response?: { readonly statusCode?: number; readonly status?: number };
  readonly cause?: { readonly code?: string; readonly name?: string };
}

const network = /^(ECONN\w+|ENOTFOUND|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|EPIPE|EAI_AGAIN|ERR_BAD_RESPONSE)$/;
/** Sockets that surely carried nothing. */
const unsentCodes = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];

/** The driver's own numbers. */
const driver = {
  noConnection: "401001",
  httpStatus: "401002",
  notJson: "401003",
  invalidToken: "401004",
  chunkNoConnection: "402001",
  chunkStatus: "402002",
  disconnected: ["405503", "407001", "407002"],
} as const;

/** The vendor's: the session is gone, or its tokens are. */
const sessionCodes = ["390104", "390110", "390111", "390112", "390114", "390115"];

/** True when the session had ended before a statement could start. */
export function sessionEnded(error: unknown): boolean {
  const code = codeOf(error);
  return sessionCodes.includes(code) || (driver.disconnected as readonly string[]).includes(code);
}

function codeOf(error: unknown): string {
  return String((error as DriverError | undefined)?.code ?? "");
}

/** The meaning of an error, wherever it came up. Values of rows never enter a message. */
export function meaningOf(error: unknown, connection: string): Error {
  if (error instanceof EbbError) return named(error, connection);
  if (!(error instanceof Error) || error.name === "AbortError") return error as Error;
  const { sqlState = "", response, cause } = error as DriverError;
  const code = codeOf(error);
  const say = (words: string) => `${connection}: ${words}`;
  const transient = (to: ErrorCode, words: string, more: { next?: string; unsent?: boolean } = {}) =>
    new TransientError(to, say(words), { ...more, cause: withoutBody(error) });

  // All of a chunk came, and is no gzip or no JSON where it says to be.
  if (code === driver.chunkNoConnection && (cause?.code?.startsWith("Z_") || cause?.name === "SyntaxError"))
    return named(damaged("a chunk cannot be read"), connection);
  if (code === driver.noConnection || code === driver.chunkNoConnection || network.test(code)) {
    const socket = cause?.code ?? (network.test(code) ? code : "connection broken");
    const what =
      code === driver.chunkNoConnection
        ? "a part of the result could not be fetched"
        : "the server could not be reached";
    return transient("NETWORK", `${what} (${socket})`, { unsent: unsentCodes.includes(socket) });
  }
  if (code === driver.httpStatus || code === driver.chunkStatus) {
    const status = response?.statusCode ?? response?.status ?? 0;
    if (status === 429) return transient("RATE_LIMITED", "too many calls (429)");
    if (code === driver.httpStatus && (status === 403 || status === 404))
      return new ConfigError("CONFIG_INVALID", say(`there is no such account at this address (${status})`), {
        next: "Correct account, or baseUrl where it is set; a network policy may also refuse this machine.",
      });
    return transient("UNAVAILABLE", `answered ${status}`);
  }
  if (code === driver.notJson) return transient("ANSWER_INVALID", "answered something that is not its API");
  if (code === driver.invalidToken || sessionEnded(error))
    return transient("UNAVAILABLE", "the session has ended", { next: "Run it again: Ebb logs in anew." });

  const vendor = vendorMeaning(code, error.message, say);
  if (vendor) return vendor;
  // 39xxxx are logins; 393xxx and 394xxx tokens.
  if (/^39[0-9]{4}$/.test(code)) return new AuthError("AUTH_REFUSED", say(`${error.message} (${code})`));
  // Class 22: a value of a row does not fit, and the vendor quotes it.
  if (sqlState.startsWith("22") || /^100\d{3}$/.test(code))
    return new ConfigError(
      "SOURCE_FAILED",
      say(`a value does not fit (Snowflake error ${code}, SQLSTATE ${sqlState})`),
    );
  if (sqlState !== "" || /^\d{6}$/.test(code))
    return new ConfigError("SOURCE_FAILED", say(`${userLines(error.message)} (${code})`));
  return transient("ANSWER_INVALID", "the driver could not make sense of the answer");
}

/** What came of a result is not what the server said it would be. */
export function damaged(what: string): TransientError {
  return new TransientError("ANSWER_INVALID", `a part of the result arrived damaged: ${what}`, {
    next: "Run it again; if it comes back, look at the proxy between here and the account's storage.",
  });
}

/** What a failed login means: whatever is wrong with keys and tokens on our side is refused credentials too. */
export function loginMeaning(error: unknown, connection: string): Error {
  const meaning = meaningOf(error, connection);
  const ours = meaning instanceof EbbError && meaning.code === "ANSWER_INVALID" && codeOf(error) !== driver.notJson;
  if (!ours || !(error instanceof Error)) return meaning;
  return new AuthError("AUTH_REFUSED", `${connection}: ${error.message}`, { at: connection });
}

function vendorMeaning(code: string, message: string, say: (words: string) => string): EbbError | undefined {
  switch (code) {
    case "390189":
    case "390186":
      return new AuthError("ACCESS_DENIED", say(message), {
        next: "Grant the role to the user (GRANT ROLE … TO USER …), or name another role.",
      });
    case "003001":
      return new AuthError("ACCESS_DENIED", say(`${userLines(message)} (${code})`));
    case "000606":
      return new ConfigError("SOURCE_FAILED", say("no warehouse is active (000606)"), {
        next: "Set warehouse, grant the role USAGE on it, and let it resume by itself (AUTO_RESUME = TRUE).",
      });
    case "090073":
      return new TransientError("QUOTA_EXHAUSTED", say(`${message} (${code})`), {
        next: "Raise the quota of the resource monitor, or wait until its next interval.",
        unsent: true,
      });
    case "000630":
      return new ConfigError("SOURCE_FAILED", say(`${message} (${code})`), {
        next: "Raise timeoutSeconds, or the timeout of the warehouse; or make the query do less.",
      });
    case "000604":
    case "000605":
      return new TransientError("UNAVAILABLE", say("the statement was cancelled in Snowflake (000604)"), {
        next: "Somebody, or a policy, cancelled it: run it again.",
      });
    case "000625":
    case "090112":
      return new TransientError("UNAVAILABLE", say(`${message} (${code})`));
    default:
      return undefined;
  }
}

/** The user's query starts on the second line of what was sent. */
function userLines(message: string): string {
  const moved = message.replace(/\bline (\d+)\b/g, (_, line: string) => `line ${Math.max(1, Number(line) - 1)}`);
  return moved.replace(/\s*\n\s*/g, " ").trim();
}

/** An error of the contract, with the connection's name. */
function named(error: EbbError, connection: string): EbbError {
  if (error.message.includes(connection)) return error;
  if (error instanceof TransientError)
    return new TransientError(error.code, `${connection}: ${error.message}`, { next: error.next, cause: error });
  return error;
}

/** The driver hangs whole answers onto its errors. */
function withoutBody(error: Error): Error {
  return Object.assign(new TypeError(error.name), { code: (error as DriverError).code });
}

import { AuthError, ConfigError, EbbError, RecordError, TransientError } from "../../src/connector/index.ts";

/** Words DuckDB starts a message with when a value does not fit, and the code a rejected record gets. */
const refusals: Readonly<Record<string, string>> = {
  "Constraint Error": "CONSTRAINT",
  "Conversion Error": "CONVERSION",
  "Out of Range Error": "OUT_OF_RANGE",
  "Invalid Input Error": "INVALID_INPUT",
};

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error)).trim();

/** The engine's own words about a query, "did you mean" included. */
export function queryError(error: unknown, connection: string): Error {
  return lockError(error, connection) ?? new ConfigError("SOURCE_FAILED", `${connection}: ${message(error)}`);
}

/** What a failed statement on a destination's table means. */
export function tableError(error: unknown, connection: string, columns: readonly string[]): unknown {
  const text = message(error);
  const known = lockError(error, connection);
  if (known) return known;
  if (/^(TransactionContext|Transaction) Error/.test(text))
    return new TransientError("UNAVAILABLE", `${connection}: another writer changed the same rows`, { unsent: true });
  const kind = /^[A-Za-z ]+ Error/.exec(text)?.[0] ?? "";
  const code = refusals[kind];
  if (code !== undefined)
    return new RecordError(code, text.split("\n")[0] ?? text, { field: constrainedColumn(text, columns) });
  if (kind === "Catalog Error") return new ConfigError("OBJECT_UNKNOWN", `${connection}: ${text}`);
  if (kind === "Binder Error") return new ConfigError("FIELD_UNKNOWN", `${connection}: ${text}`);
  if (/Permission denied/i.test(text)) return new AuthError("ACCESS_DENIED", `${connection}: ${text}`);
  if (kind === "IO Error") return new ConfigError("CONFIG_INVALID", `${connection}: ${text}`);
  if (kind === "Out of Memory Error")
    return new TransientError("UNAVAILABLE", `${connection}: out of memory`, { unsent: true });
  return error;
}

function lockError(error: unknown, connection: string): Error | undefined {
  if (error instanceof EbbError || (error instanceof Error && error.name === "AbortError")) return error;
  if (/Could not set lock/i.test(message(error)))
    return new TransientError("UNAVAILABLE", `${connection}: another process has the database file open`, {
      unsent: true,
      next: "Close the other process that has the file open, and run the command again.",
    });
  return undefined;
}

/** `NOT NULL constraint failed: t.email`, `Duplicate key "email: …"`. */
function constrainedColumn(text: string, columns: readonly string[]): string | undefined {
  const name = /constraint failed: (?:.*\.)?([^.\s]+)$/m.exec(text)?.[1] ?? /Duplicate key "([^:"]+):/.exec(text)?.[1];
  return columns.find((column) => column === name);
}

import { CommanderError } from "commander";
import { EbbError, errorCodes } from "../core/errors.ts";
import { JSON_FORMAT, toJsonLine } from "../report/json.ts";
import { sanitise, sanitiseLines } from "../report/sanitise.ts";
import type { StopSignal } from "./exit.ts";

export interface ErrorReportOptions {
  readonly json: boolean;
  /** The signal that made it stop, if one did. */
  readonly signal: StopSignal | null;
  /** Show the stack of a bug. */
  readonly debug: boolean;
}

/** What a person, or a machine, is told about an error: code, message, next step. */
export function errorReport(error: unknown, { json, signal, debug }: ErrorReportOptions): string {
  const described = describeError(error, { signal, debug });
  if (json) return toJsonLine({ format_version: JSON_FORMAT, error: described });
  const { code, at, message, next } = described;
  const lines = [`Error ${code}: ${sanitiseLines(message)}`];
  if (at && !message.includes(at)) lines.push(`  at ${sanitise(at)}`);
  return [...lines, `  Next: ${sanitiseLines(next)}`].join("\n");
}

/** An error as data. */
export interface Described {
  readonly code: string;
  /** Where it is declared. */
  readonly at?: string;
  readonly message: string;
  readonly next: string;
}

export function describeError(
  error: unknown,
  { signal, debug }: Pick<ErrorReportOptions, "signal" | "debug">,
): Described {
  if (signal && !(error instanceof EbbError && error.effect === "conflict"))
    return { code: "STOPPED", message: `stopped by ${signal}`, next: "Run the command again when you are ready." };
  if (error instanceof EbbError) {
    const { code, at, message, next } = error;
    return { code, ...(at ? { at } : {}), message, next };
  }
  if (error instanceof CommanderError)
    return { code: "USAGE", message: error.message.replace(/^error: /, ""), next: errorCodes.USAGE.next };
  const told = error instanceof Error ? error : new Error(String(error));
  // The message of an unforeseen error may quote a record.
  return {
    code: "BUG",
    message: debug ? (told.stack ?? told.message) : `this is a bug in Ebb (${told.name})`,
    next: debug
      ? "Report it with the lines above, without record values in them."
      : "Run it again with EBB_DEBUG=1 to see where, and report it.",
  };
}

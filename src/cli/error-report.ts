import { CommanderError } from "commander";
import { EbbError, errorCodes } from "../core/errors.ts";
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
  const { code, at, message, next } = describe(error, signal, debug);
  if (json) return JSON.stringify({ error: { code, ...(at ? { at } : {}), message, next } });
  const lines = [`Error ${code}: ${sanitiseLines(message)}`];
  if (at && !message.includes(at)) lines.push(`  at ${sanitise(at)}`);
  return [...lines, `  Next: ${sanitiseLines(next)}`].join("\n");
}

interface Described {
  readonly code: string;
  readonly at?: string | undefined;
  readonly message: string;
  readonly next: string;
}

function describe(error: unknown, signal: StopSignal | null, debug: boolean): Described {
  if (signal && !(error instanceof EbbError && error.effect === "conflict"))
    return { code: "STOPPED", message: `stopped by ${signal}`, next: "Run the command again when you are ready." };
  if (error instanceof EbbError) return error;
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

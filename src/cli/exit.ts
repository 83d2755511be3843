/** Exit codes: each has one meaning, whatever the command. @module */
import { EbbError } from "../core/errors.ts";
import type { RunResult } from "../engine/run/runs.ts";

export const Exit = {
  done: 0,
  error: 1,
  changes: 2,
  stopped: 3,
  refused: 4,
  partial: 5,
  locked: 6,
  resumable: 7,
} as const;

export type StopSignal = "SIGINT" | "SIGTERM";

/** The code a process ended by a signal leaves with. */
export function exitOfSignal(signal: StopSignal): number {
  return signal === "SIGINT" ? 130 : 143;
}

/** The code an error leaves with. A bug leaves with 1. */
export function exitOfError(error: unknown): number {
  if (!(error instanceof EbbError)) return Exit.error;
  if (["GUARD_STOPPED", "REJECTED_STOPPED", "POLICY_DENIED"].includes(error.code)) return Exit.stopped;
  if (error.code === "STATE_LOCKED") return Exit.locked;
  // Raised while planning, a foreign state is a mistake in the project and no refusal of a plan.
  if (error.effect === "conflict") return Exit.refused;
  return Exit.error;
}

/** The code a run leaves with. */
export function exitOfRun({ status }: RunResult): number {
  if (status === "applied") return Exit.done;
  return status === "partial" ? Exit.partial : Exit.resumable;
}

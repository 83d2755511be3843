/** What a run says besides its numbers. Names and counts only, never values of records. @module */
import { ConfigError, errorCodes, TransientError } from "../core/errors.ts";
import type { RunResult } from "../engine/run/runs.ts";
import { sanitise } from "../report/sanitise.ts";
import type { Message } from "./protobuf.ts";
import type { Block } from "./sync-value.ts";

const WARNING = 2;

/** @throws TransientError RUN_STOPPED where the run stopped before its end */
export function mustEnd(name: string, { status, problem }: RunResult): void {
  if (status !== "stopped") return;
  throw new TransientError("RUN_STOPPED", `sync "${name}": ${problem ?? "stopped before its end"}`, {
    next: "Run `terraform apply` again: it finishes the run first.",
  });
}

/** Records that were refused, or left out because somebody had edited them. */
export function partial(name: string, result: RunResult): Message<"Diagnostic">[] {
  if (result.status !== "partial") return [];
  const lines = result.rejected
    .filter(({ sync }) => sync === name)
    .map(({ code, field, count }) => `rejected: ${count}, ${sanitise(code)}${field ? ` (${sanitise(field)})` : ""}`);
  return [
    {
      severity: WARNING,
      summary: sanitise(`sync "${name}": ${outcomes(name, result)}`),
      detail: [...lines, `RECORD_REJECTED: ${errorCodes.RECORD_REJECTED.next}`].join("\n"),
    },
  ];
}

/** @throws ConfigError REJECTED_STOPPED where the sync says that no record may be refused */
export function mustTakeAll(name: string, result: RunResult): void {
  if ((result.syncs[name]?.rejected ?? 0) === 0) return;
  throw new ConfigError("REJECTED_STOPPED", `sync "${name}": ${outcomes(name, result)}, and fail_on_rejected is set`, {
    next: "What was applied is recorded. Mend the rejected records; the next plan tries them again.",
  });
}

function outcomes(name: string, { syncs }: RunResult): string {
  const numbers = Object.entries(syncs[name] ?? {}).filter(([, count]) => count > 0);
  return numbers.map(([outcome, count]) => `${count} ${outcome}`).join(", ");
}

/** The attribute `last_run`. */
export function lastRunValue(name: string, { run, syncs }: RunResult): Block {
  const { applied = 0, accepted = 0, rejected = 0, skipped = 0 } = syncs[name] ?? {};
  return { id: run, applied: applied + accepted, rejected, drifted: skipped };
}

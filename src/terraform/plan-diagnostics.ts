/** What a plan says besides its numbers. Names and counts only, never values of records. @module */
import { errorCodes } from "../core/errors.ts";
import { toSnake } from "../core/names.ts";
import { rejectCodes, type SyncSummary } from "../core/plan.ts";
import { counted } from "../report/numbers.ts";
import { sanitise, sanitiseLines } from "../report/sanitise.ts";
import type { Message } from "./protobuf.ts";

const ERROR = 1;
const WARNING = 2;

/** Why a plan may not be applied. */
export function refusals({ name, complete, problem, guards }: SyncSummary): Message<"Diagnostic">[] {
  const stopped = guards.map(({ message }) => ({
    severity: ERROR,
    summary: sanitise(`sync "${name}": ${guardText(message)}`, { max: 1_000 }),
    detail: `GUARD_STOPPED: ${errorCodes.GUARD_STOPPED.next}`,
  }));
  if (complete) return stopped;
  const detail = `PLAN_INCOMPLETE: ${errorCodes.PLAN_INCOMPLETE.next}`;
  return [
    { severity: ERROR, summary: sanitise(`sync "${name}": ${problem ?? "could not be read"}`, { max: 1_000 }), detail },
    ...stopped,
  ];
}

/**
 * What the plan would do, as one warning; Terraform shows the text of no other.
 *
 * @param records lines of some records, without private values
 */
export function overview(summary: SyncSummary, records: readonly string[]): Message<"Diagnostic"> {
  const { name, counts, confirmed, unchanged, reasons, newFields, fields, rejected, warnings, cost } = summary;
  const lines = [
    ...newFields.map(({ name: field, type }) => `${field}: new field (${type.kind}), made first`),
    ...fields.map(({ name: field, changed }) => `${field}: changes in ${changed}`),
    ...(reasons.drift + reasons.conflict > 0 ? [`edited by others: ${reasons.drift + reasons.conflict}`] : []),
    ...(confirmed > 0 ? [`already as wanted: ${confirmed}, which apply records`] : []),
    ...rejected.map(
      ({ code, field, count }) => `rejected: ${count}, ${rejectCodes[code]}${field ? ` (${field})` : ""}`,
    ),
    ...warnings,
    `unchanged: ${unchanged}`,
    `apply takes ${counted(cost.applyCalls, "call")}${cost.applySeconds === null ? "" : `, about ${Math.ceil(cost.applySeconds)} s`}`,
    ...records,
  ];
  const numbers = `${counts.create} to create, ${counts.update} to update, ${counts.delete} to delete`;
  return {
    severity: WARNING,
    summary: sanitise(`sync "${name}": ${numbers}`),
    detail: sanitiseLines(lines.join("\n"), { max: 10_000 }),
  };
}

export function notPreviewed(name: string): Message<"Diagnostic"> {
  return {
    severity: WARNING,
    summary: `${name}: cannot be previewed`,
    detail: "Something in it, or in its connections, is known only after other resources have been applied.",
  };
}

export function notDeleted(name: string): Message<"Diagnostic"> {
  return {
    severity: WARNING,
    summary: `sync "${name}": its records stay where they are`,
    detail: "Ebb stops managing them. Nothing is deleted in the destination.",
  };
}

/** A destroy that deletes what Ebb created. */
export function deleted({ name, counts, destination }: SyncSummary): Message<"Diagnostic"> {
  return {
    severity: WARNING,
    summary: sanitise(`sync "${name}": destroying it deletes ${counts.delete} records`),
    detail: sanitiseLines(
      `They are those that Ebb created or adopted in ${destination.connection} ${destination.object}. ` +
        'To keep them, set on_destroy = "keep" and apply that before you destroy.',
    ),
  };
}

/** A guard's words, with Terraform's names of the attributes. */
export function guardText(message: string): string {
  return message.replace(/\b(guards\.\w+|onDrift|failOnRejected)\b/g, toSnake);
}

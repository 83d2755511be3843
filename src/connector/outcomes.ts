import type { Change, Outcome, RecordKey } from "../core/types.ts";

export function applied(key: RecordKey, id: string): Outcome {
  return { key, status: "applied", id };
}

export function rejected(
  key: RecordKey,
  code: string,
  message: string,
  more: { readonly field?: string | undefined; readonly retry?: boolean } = {},
): Outcome {
  return {
    key,
    status: "rejected",
    code,
    message,
    ...(more.field === undefined ? {} : { field: more.field }),
    ...(more.retry ? { retry: true } : {}),
  };
}

export function drifted(key: RecordKey): Outcome {
  return { key, status: "skipped", reason: "drifted" };
}

/** The id a change is about; a create has none yet. */
export function changeId(change: Change): string | undefined {
  return change.action === "create" ? undefined : change.id;
}

import type { WriteRoute } from "../connector/index.ts";
import type { Action, Change } from "../core/types.ts";
import type { PlannedChange } from "./changes.ts";

/** Cuts a stream of changes into batches a route takes: of one action, so many records, so many bytes. */
export async function* cutBatches(
  changes: AsyncIterable<PlannedChange>,
  routeOf: (action: Action) => WriteRoute,
): AsyncIterable<{ readonly route: WriteRoute; readonly changes: readonly Change[] }> {
  let batch: Change[] = [];
  let bytes = 0;
  let action: Action | undefined;
  for await (const { change } of changes) {
    const route = routeOf(change.action);
    const size = route.bytes === undefined ? 0 : byteSize(change);
    const full = batch.length >= route.records || (route.bytes !== undefined && bytes + size > route.bytes);
    if (batch.length > 0 && (full || change.action !== action)) {
      yield { route: routeOf(action ?? change.action), changes: batch };
      batch = [];
      bytes = 0;
    }
    action = change.action;
    batch.push(change);
    bytes += size;
  }
  if (action && batch.length > 0) yield { route: routeOf(action), changes: batch };
}

/** Bytes of a change's canonical text, with room for separators and names. */
export function byteSize(change: Change): number {
  const fields = change.action === "delete" ? {} : change.after;
  return Object.entries(fields).reduce(
    (sum, [name, value]) => sum + name.length + 8 + Buffer.byteLength(value ?? ""),
    Buffer.byteLength(change.key) + 64,
  );
}

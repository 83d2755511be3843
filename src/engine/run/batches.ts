import type { WriteRoute } from "../../connector/index.ts";
import type { Action, Change } from "../../core/types.ts";

export interface CutBatch {
  readonly route: WriteRoute;
  readonly action: Action;
  readonly changes: readonly Change[];
}

/** Cuts pages of changes into batches a route takes: of one action, so many records, so many bytes. */
export async function* cutBatches(
  pages: AsyncIterable<readonly Change[]>,
  routeOf: (action: Action) => WriteRoute,
): AsyncGenerator<CutBatch, void, undefined> {
  let batch: Change[] = [];
  let bytes = 0;
  let action: Action = "create";
  let route = routeOf(action);
  for await (const page of pages)
    for (const change of page) {
      if (change.action !== action) {
        if (batch.length > 0) yield { route, action, changes: batch };
        batch = [];
        bytes = 0;
        action = change.action;
        route = routeOf(action);
      }
      const size = route.bytes === undefined ? 0 : byteSize(change);
      if (
        batch.length >= route.records ||
        (batch.length > 0 && bytes + size > (route.bytes ?? Number.POSITIVE_INFINITY))
      ) {
        yield { route, action, changes: batch };
        batch = [];
        bytes = 0;
      }
      batch.push(change);
      bytes += size;
    }
  if (batch.length > 0) yield { route, action, changes: batch };
}

/** Bytes of a change's canonical text, with room for separators and names. */
export function byteSize(change: Change): number {
  const fields = change.action === "delete" ? {} : change.after;
  return Object.entries(fields).reduce(
    (sum, [name, value]) => sum + name.length + 8 + Buffer.byteLength(value ?? ""),
    Buffer.byteLength(change.key) + 64,
  );
}

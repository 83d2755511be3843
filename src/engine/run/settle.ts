/** Settles what is in doubt: reads back before anything is sent again. @module */

import { applied, drifted } from "../../connector/index.ts";
import type { PlannedSync } from "../../core/plan.ts";
import type { Change, Outcome } from "../../core/types.ts";
import { LONGEST_LAG_MS } from "../diff/lag.ts";
import { holds } from "../staging/canonicalise.ts";
import type { BatchDesk } from "./desk.ts";

export interface Settled {
  readonly outcomes: readonly Outcome[];
  /** Surely without effect: may be sent again. */
  readonly resend: readonly Change[];
  /** Cannot be known here: left for the next plan. */
  readonly doubt: readonly Change[];
  /** Nobody could look. */
  readonly blind?: true;
}

/** @param sentAt milliseconds since the epoch at which the changes were sent last */
export async function settle(
  { world, open, planned, reader }: Pick<BatchDesk, "world" | "open" | "planned" | "reader">,
  changes: readonly Change[],
  sentAt: number,
  signal: AbortSignal,
): Promise<Settled> {
  const { read, callSeconds = 0 } = open.capabilities;
  const lagMs = read.lagSeconds * 1000;
  if (lagMs > LONGEST_LAG_MS) return unreadable(planned, changes);
  // Nobody listens any more, and the vendor may still be at it: only when that is over does a look tell.
  const underWayMs = mayDouble(planned, changes)
    ? Math.min(sentAt + callSeconds * 1000 - world.now(), callSeconds * 1000)
    : 0;
  const waitMs = Math.max(0, underWayMs) + lagMs;
  if (waitMs > 0) await world.sleep(waitMs, signal);
  const now = await reader.about(changes, signal);
  if (!now) return unreadable(planned, changes);

  const outcomes: Outcome[] = [];
  const resend: Change[] = [];
  for (const change of changes) {
    if (change.action === "create") {
      const found = now.byKey.get(change.key) ?? [];
      const landed = found.find((record) => holds(record, change.after));
      if (landed) outcomes.push(applied(change.key, landed.id));
      else if (found.length > 0) outcomes.push(drifted(change.key));
      else resend.push(change);
      continue;
    }
    const found = now.byId.get(change.id) ?? (open.capabilities.idIsKey ? now.byKey.get(change.key)?.[0] : undefined);
    const there = found !== undefined && !found.deleted;
    if (change.action === "delete") {
      if (!there) outcomes.push(applied(change.key, change.id));
      else if (holds(found, change.before)) resend.push(change);
      else outcomes.push(drifted(change.key));
    } else if (!there) outcomes.push(drifted(change.key));
    else if (holds(found, change.after)) outcomes.push(applied(change.key, change.id));
    else if (holds(found, change.before)) resend.push(change);
    else outcomes.push(drifted(change.key));
  }
  return { outcomes, resend, doubt: [] };
}

function mayDouble({ createIsIdempotent }: PlannedSync, changes: readonly Change[]): boolean {
  return createIsIdempotent === "no" && changes.some(({ action }) => action === "create");
}

/** Without a way to look now, only what is harmless twice is sent again. */
function unreadable({ createIsIdempotent, sync }: PlannedSync, changes: readonly Change[]): Settled {
  const harmless = ({ action }: Change) =>
    action !== "create" || createIsIdempotent !== "no" || sync.createSafety === "atLeastOnce";
  const doubt = changes.filter((change) => !harmless(change));
  return { outcomes: [], resend: changes.filter(harmless), doubt, blind: true };
}

/** Settles what is in doubt: reads back before anything is sent again. @module */

import { applied, drifted } from "../../connector/index.ts";
import type { PlannedSync } from "../../core/plan.ts";
import type { Change, Outcome } from "../../core/types.ts";
import type { OpenDestination } from "../connect/connections.ts";
import { holds } from "../staging/canonicalise.ts";
import type { World } from "../world.ts";
import type { Reader } from "./readback.ts";

export interface Settled {
  readonly outcomes: readonly Outcome[];
  /** Surely without effect: may be sent again. */
  readonly resend: readonly Change[];
  /** Cannot be known here: left for the next plan. */
  readonly doubt: readonly Change[];
}

/** A destination that shows a write later than this is not waited for: the next plan will see. */
const LONGEST_LAG_MS = 120_000;

export async function settle(
  world: Pick<World, "sleep">,
  open: OpenDestination,
  planned: PlannedSync,
  reader: Reader,
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<Settled> {
  const lagMs = open.capabilities.read.lagSeconds * 1000;
  if (lagMs > LONGEST_LAG_MS) return unreadable(planned, changes);
  if (lagMs > 0) await world.sleep(lagMs, signal);
  const now = await reader.about(changes, signal);
  if (!now) return unreadable(planned, changes);

  const outcomes: Outcome[] = [];
  const resend: Change[] = [];
  for (const change of changes) {
    if (change.action === "create") {
      const [found] = now.byKey.get(change.key) ?? [];
      if (!found) resend.push(change);
      else outcomes.push(holds(found, change.after) ? applied(change.key, found.id) : drifted(change.key));
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

/** Without a way to look now, only what is harmless twice is sent again. */
function unreadable({ createIsIdempotent, sync }: PlannedSync, changes: readonly Change[]): Settled {
  const harmless = ({ action }: Change) =>
    action !== "create" || createIsIdempotent !== "no" || sync.createSafety === "atLeastOnce";
  return { outcomes: [], resend: changes.filter(harmless), doubt: changes.filter((change) => !harmless(change)) };
}

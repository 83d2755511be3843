import { TransientError } from "../../core/errors.ts";
import type { OpenDestination } from "../connect/connections.ts";
import type { PlanSyncInput } from "./plan-sync.ts";

/** A destination that shows a write later than this is not waited for: a later plan will see. */
export const LONGEST_LAG_MS = 120_000;

/**
 * What a run wrote a moment ago, and a read does not show yet, would look as if somebody had deleted it; and would be
 * created a second time.
 */
export async function untilVisible(
  { world, sync, state, unfinished }: PlanSyncInput,
  { capabilities }: OpenDestination,
  signal: AbortSignal,
): Promise<void> {
  const lagMs = capabilities.read.lagSeconds * 1000;
  if (lagMs === 0) return;
  const sent = unfinished.flatMap(({ entries }) =>
    entries.map((entry) => (entry.t === "intent" && entry.sync === sync.name ? (entry.at ?? 0) : 0)),
  );
  const writtenAt = sent.reduce((last, at) => Math.max(last, at), state.syncs[sync.name]?.writtenAt ?? 0);
  // A clock that was set back makes nobody wait for longer than the lag.
  const waitMs = Math.min(writtenAt + lagMs - world.now(), lagMs);
  if (waitMs <= 0) return;
  if (waitMs > LONGEST_LAG_MS) {
    const minutes = Math.ceil(waitMs / 60_000);
    throw new TransientError(
      "UNAVAILABLE",
      `${sync.destination.connection} will show what was last written to it in ${minutes} minutes`,
    );
  }
  await world.sleep(waitMs, signal);
}

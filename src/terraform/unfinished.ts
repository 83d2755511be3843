import type { ApplySignals } from "../engine/apply.ts";
import type { RunResult } from "../engine/run/runs.ts";
import type { Settings } from "./check-provider.ts";
import type { Session } from "./session.ts";

/** Finishes a run that stopped before its end, whichever syncs it was of. Null when there is none. */
export async function finishStopped(session: Session, settings: Settings): Promise<RunResult | null> {
  const [world, { resume }, { unfinishedRuns }, { openState }] = await Promise.all([
    session.world(),
    import("../engine/apply.ts"),
    import("../engine/run/runs.ts"),
    import("../engine/state/state.ts"),
  ]);
  const [run] = await unfinishedRuns(world, openState(world, settings.state.directory));
  if (!run) return null;
  const project = { ...settings, syncs: run.manifest.syncs.map(({ sync }) => sync) };
  return resume(world, project, () => undefined, signalsOf(session));
}

/** Terraform's interrupt ends a run between batches. There is no harder stop: Terraform then ends the process. */
export function signalsOf(session: Session): ApplySignals {
  return { stop: session.stop.signal, abort: new AbortController().signal };
}

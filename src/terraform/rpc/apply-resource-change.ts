import { ConfigError } from "../../core/errors.ts";
import type { OpenPlan } from "../../engine/plan-file.ts";
import type { Settings } from "../check-provider.ts";
import { destroy } from "../destroying.ts";
import { errorDiagnostic } from "../diagnostics.ts";
import { readValue, writeValue } from "../dynamic-value.ts";
import { unknown } from "../msgpack.ts";
import { isPending, type Preview, planned, readPreview, type Wanted } from "../planning.ts";
import { lastRunValue, mustEnd, mustTakeAll, partial } from "../run-diagnostics.ts";
import type { Rpc } from "../service.ts";
import type { Session } from "../session.ts";
import { stale } from "../shown.ts";
import { asBlock, type Block, imagesValue, plannedValue, syncIn } from "../sync-value.ts";
import { finishStopped, signalsOf } from "../unfinished.ts";

/** Does what the plan showed, or nothing. */
export const applyResourceChange: Rpc<"ApplyResourceChangeRequest", "ApplyResourceChangeResponse"> = async (
  { priorState = {}, plannedState, plannedPrivate },
  session,
) => {
  const wanted = asBlock(readValue(plannedState));
  try {
    if (readValue(plannedState) === null) {
      await destroy(asBlock(readValue(priorState)), session, plannedPrivate);
      return { newState: writeValue(null) };
    }
    const { sync, options = {} } = syncIn(wanted, session);
    if (!sync || !session.settings)
      throw new ConfigError("CONFIG_INVALID", "the sync is not known completely when it is to be applied");
    const done = await carryOut(session, session.settings, { sync, ...options }, readPreview(plannedPrivate));
    const state: Block = {
      ...wanted,
      id: sync.name,
      ...(wanted.digest === unknown ? plannedValue(done.made) : {}),
      ...(wanted.images === unknown ? { images: imagesValue(done.made.images?.after) } : {}),
      ...(wanted.last_run === unknown ? { last_run: done.lastRun } : {}),
    };
    return { newState: writeValue(state), diagnostics: done.diagnostics };
  } catch (error) {
    // A state beside an error would make Terraform destroy the sync and create it anew.
    return { newState: priorState, diagnostics: [errorDiagnostic(error)] };
  }
};

async function carryOut(session: Session, settings: Settings, { sync, records }: Wanted, shown: Preview | undefined) {
  const finished = await session.exclusive(() => finishStopped(session, settings));
  if (finished) mustEnd(sync.name, finished);
  return planned(session, settings, sync, async (plan, made, project) => {
    const pending = isPending(made.summary);
    // A run that stopped before its end was itself shown and approved; with it all may be done.
    if (shown?.digest !== made.digest && !(finished && !pending)) {
      await note(session, plan, made);
      throw await stale(session, settings, sync, shown?.digest, made.digest);
    }
    if (!pending) return { made, diagnostics: [], lastRun: finished ? lastRunValue(sync.name, finished) : null };
    const images = records ? (await note(session, plan, made, true)).images : undefined;
    const [world, { apply }] = await Promise.all([session.world(), import("../../engine/apply.ts")]);
    const result = await apply(world, project, plan, () => undefined, signalsOf(session));
    mustEnd(sync.name, result);
    if (sync.failOnRejected) mustTakeAll(sync.name, result);
    return {
      made: images ? { ...made, images } : made,
      diagnostics: partial(sync.name, result),
      lastRun: lastRunValue(sync.name, result) as Block | null,
    };
  });
}

/** Looks at the records of a plan that is about to be refused, or whose values are wanted. */
async function note(session: Session, plan: OpenPlan, made: Preview, records = false) {
  const { look } = await import("../look.ts");
  const seen = await look(plan, made.summary, records);
  session.marks.set(made.digest, seen.marks);
  return seen;
}

import { ConfigError, ConflictError, errorCodes, TransientError } from "../../core/errors.ts";
import type { Sync } from "../../core/sync.ts";
import type { RunResult } from "../../engine/run/runs.ts";
import type { Settings } from "../check-provider.ts";
import { errorDiagnostic } from "../diagnostics.ts";
import { readValue, writeValue } from "../dynamic-value.ts";
import { unknown } from "../msgpack.ts";
import { isPending, type Preview, planned, readPreview } from "../planning.ts";
import type { Message } from "../protobuf.ts";
import type { Rpc } from "../service.ts";
import type { Session } from "../session.ts";
import { asBlock, countsValue, syncIn } from "../sync-value.ts";
import { finishStopped, signalsOf } from "../unfinished.ts";

/** Does what the plan showed, or nothing. */
export const applyResourceChange: Rpc<"ApplyResourceChangeRequest", "ApplyResourceChangeResponse"> = async (
  { priorState = {}, plannedState, plannedPrivate },
  session,
) => {
  const wanted = readValue(plannedState);
  if (wanted === null) return { newState: writeValue(null) };
  const { sync } = syncIn(asBlock(wanted), session);
  try {
    if (!sync || !session.settings)
      throw new ConfigError("CONFIG_INVALID", "the sync is not known completely when it is to be applied");
    const { made, diagnostics } = await carryOut(session, session.settings, sync, readPreview(plannedPrivate));
    const state = asBlock(wanted);
    const late = state.digest === unknown ? { changes: countsValue(made.summary.counts), digest: made.digest } : {};
    return { newState: writeValue({ ...state, id: sync.name, ...late }), diagnostics };
  } catch (error) {
    // A state beside an error would make Terraform destroy the sync and create it anew.
    return { newState: priorState, diagnostics: [errorDiagnostic(error)] };
  }
};

async function carryOut(session: Session, settings: Settings, sync: Sync, shown: Preview | undefined) {
  const finished = await session.exclusive(() => finishStopped(session, settings));
  if (finished) mustEnd(sync.name, finished);
  return planned(session, settings, sync, async (plan, made) => {
    const pending = isPending(made.summary);
    // A run that stopped before its end was itself shown and approved; with it all may be done.
    if (shown?.digest !== made.digest && !(finished && !pending))
      throw new ConflictError("PLAN_STALE", `sync "${sync.name}": what would change is not what the plan showed`, {
        next: "Nothing of it was written. Plan again, and have that plan approved.",
      });
    if (!pending) return { made, diagnostics: [] };
    const [world, { apply }] = await Promise.all([session.world(), import("../../engine/apply.ts")]);
    const result = await apply(world, { ...settings, syncs: [sync] }, plan, () => undefined, signalsOf(session));
    mustEnd(sync.name, result);
    return {
      made,
      diagnostics: result.status === "partial" ? [partial(sync.name, result.syncs[sync.name] ?? {})] : [],
    };
  });
}

function mustEnd(name: string, { status, problem }: RunResult): void {
  if (status !== "stopped") return;
  throw new TransientError("RUN_STOPPED", `sync "${name}": ${problem ?? "stopped before its end"}`, {
    next: "Run `terraform apply` again: it finishes the run first.",
  });
}

function partial(name: string, outcomes: Readonly<Record<string, number>>): Message<"Diagnostic"> {
  const numbers = Object.entries(outcomes).filter(([, count]) => count > 0);
  return {
    severity: 2,
    summary: `sync "${name}": ${numbers.map(([outcome, count]) => `${count} ${outcome}`).join(", ")}`,
    detail: `RECORD_REJECTED: ${errorCodes.RECORD_REJECTED.next}`,
  };
}

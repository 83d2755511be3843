import { pathMessage } from "../attribute-path.ts";
import { errorDiagnostic } from "../diagnostics.ts";
import { readValue, writeValue } from "../dynamic-value.ts";
import { unknown } from "../msgpack.ts";
import { notDeleted, notPreviewed, overview, refusals } from "../plan-diagnostics.ts";
import { isOf, isPending, preview, readPreview, writePreview } from "../planning.ts";
import type { Rpc } from "../service.ts";
import { asBlock, countsValue, noChanges, syncIn } from "../sync-value.ts";

/** Shows what the sync would do. Terraform calls this again before it applies, in another process. */
export const planResourceChange: Rpc<"PlanResourceChangeRequest", "PlanResourceChangeResponse"> = async (
  { priorState, proposedState, priorPrivate },
  session,
) => {
  const prior = readValue(priorState);
  const proposed = readValue(proposedState);
  if (proposed === null)
    return { plannedState: writeValue(null), diagnostics: [notDeleted(String(asBlock(prior).name))] };
  const wanted = asBlock(proposed);
  const name = wanted.name ?? unknown;
  const replaced = prior !== null && asBlock(prior).name !== name;
  const requiresReplace = replaced ? [pathMessage([{ attribute: "name" }])] : [];

  const { sync } = syncIn(wanted, session);
  const { settings } = session;
  if (!sync || !settings) {
    const plannedState = writeValue({ ...wanted, id: name, changes: unknown, digest: unknown });
    return {
      plannedState,
      requiresReplace,
      diagnostics: [notPreviewed(typeof name === "string" ? `sync "${name}"` : "a sync")],
    };
  }
  try {
    const kept = readPreview(priorPrivate);
    const made = kept && isOf(kept, settings, sync) ? kept : await preview(session, settings, sync);
    const refused = refusals(made.summary);
    if (refused.length > 0) return { plannedState: writeValue(wanted), diagnostics: refused };
    const pending = isPending(made.summary);
    const idle = prior === null ? { changes: noChanges, digest: made.digest } : {};
    const computed = pending ? { changes: countsValue(made.summary.counts), digest: made.digest } : idle;
    return {
      plannedState: writeValue({ ...wanted, id: name, ...computed }),
      plannedPrivate: writePreview(made),
      requiresReplace,
      diagnostics: pending || made.summary.rejected.length > 0 ? [overview(made.summary)] : [],
    };
  } catch (error) {
    return { plannedState: writeValue(wanted), diagnostics: [errorDiagnostic(error)] };
  }
};

import { pathMessage } from "../attribute-path.ts";
import type { Settings } from "../check-provider.ts";
import { destroyed } from "../destroying.ts";
import { errorDiagnostic } from "../diagnostics.ts";
import { readValue, writeValue } from "../dynamic-value.ts";
import { unknown } from "../msgpack.ts";
import { notPreviewed, overview, refusals } from "../plan-diagnostics.ts";
import {
  configOf,
  isOf,
  isPending,
  type Preview,
  preview,
  readPreview,
  type Wanted,
  writePreview,
} from "../planning.ts";
import type { Rpc } from "../service.ts";
import type { Session } from "../session.ts";
import { forgetShown, keepShown, lastShown, stale } from "../shown.ts";
import { asBlock, type Block, imagesValue, nothingKnown, plannedValue, syncIn } from "../sync-value.ts";

/** Shows what the sync would do. Terraform calls this again before it applies, in another process. */
export const planResourceChange: Rpc<"PlanResourceChangeRequest", "PlanResourceChangeResponse"> = async (
  { priorState, proposedState, priorPrivate, client },
  session,
) => {
  const prior = readValue(priorState);
  const proposed = readValue(proposedState);
  if (proposed === null) return { plannedState: writeValue(null), ...(await destroyed(asBlock(prior), session)) };
  const wanted = asBlock(proposed);
  const name = wanted.name ?? unknown;
  const replaced = prior !== null && asBlock(prior).name !== name;
  const requiresReplace = replaced ? [pathMessage([{ attribute: "name" }])] : [];

  const { sync, options = {} } = syncIn(wanted, session);
  const { settings } = session;
  if (!sync || !settings) {
    if (settings && typeof name === "string") await forgetShown(session, settings, { name });
    return {
      plannedState: writeValue({ ...wanted, id: name, ...nothingKnown }),
      requiresReplace,
      diagnostics: [notPreviewed(typeof name === "string" ? `sync "${name}"` : "a sync")],
    };
  }
  try {
    const applying = client?.deferralAllowed === true;
    const { made, shown } = await madeOf(session, settings, { sync, records: options.records }, priorPrivate, applying);
    const refused = refusals(made.summary);
    if (refused.length > 0) return { plannedState: writeValue(wanted), diagnostics: refused };
    const pending = isPending(made.summary);
    const tells = !shown && (pending || made.summary.rejected.length > 0);
    return {
      plannedState: writeValue({ ...wanted, id: name, ...computedValue(wanted, made, options.records === true) }),
      plannedPrivate: writePreview(made),
      requiresReplace,
      diagnostics: [
        ...(replaced && !applying ? ((await destroyed(asBlock(prior), session)).diagnostics ?? []) : []),
        ...(tells ? [overview(made.summary, session.lines.get(made.digest) ?? [])] : []),
      ],
    };
  } catch (error) {
    return { plannedState: writeValue(wanted), diagnostics: [errorDiagnostic(error)] };
  }
};

/**
 * The plan that was made when the resource was read, or a new one; when Terraform applies, the one that was shown, and it
 * is the apply that finds out whether it still holds.
 *
 * @throws ConflictError PLAN_STALE where values were shown that are not kept, and they have changed
 */
async function madeOf(
  session: Session,
  settings: Settings,
  wanted: Wanted,
  priorPrivate: Uint8Array | undefined,
  applying: boolean,
): Promise<{ readonly made: Preview; readonly shown: boolean }> {
  const kept = readPreview(priorPrivate) ?? session.found.get(configOf(settings, wanted.sync));
  if (kept && isOf(kept, settings, wanted)) {
    if (!applying) await keepShown(session, settings, wanted.sync, kept);
    return { made: kept, shown: applying };
  }
  const last = applying ? await lastShown(session, settings, wanted.sync) : undefined;
  if (last && !wanted.records) return { made: last, shown: true };
  const made = await preview(session, settings, wanted);
  if (last && last.digest !== made.digest) throw await stale(session, settings, wanted.sync, last.digest, made.digest);
  if (last) return { made: { ...last, ...(made.images && { images: made.images }) }, shown: true };
  return { made: applying ? made : await keepShown(session, settings, wanted.sync, made), shown: false };
}

/**
 * While there is nothing to do, the numbers stay those of the last plan that had something to do: an output that reads
 * them must not make a change of its own.
 */
function computedValue(wanted: Block, made: Preview, records: boolean): Block {
  if (isPending(made.summary))
    return { ...plannedValue(made), images: imagesValue(records ? made.images?.after : undefined), last_run: unknown };
  return wanted.digest === undefined || wanted.digest === null || wanted.digest === unknown
    ? { ...plannedValue(made), images: null, last_run: null }
    : {};
}

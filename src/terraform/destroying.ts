/** What becomes of the records when a sync is destroyed: they stay, or Ebb deletes those that it created. @module */
import type { System } from "../connector/index.ts";
import type { Project } from "../core/decode.ts";
import { guardDefaults, type Sync } from "../core/sync.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import type { RunResult } from "../engine/run/runs.ts";
import type { World } from "../engine/world.ts";
import type { Settings } from "./check-provider.ts";
import { errorDiagnostic } from "./diagnostics.ts";
import { deleted, notDeleted, refusals } from "./plan-diagnostics.ts";
import { type Preview, planOf, readPreview, writePreview } from "./planning.ts";
import type { Message } from "./protobuf.ts";
import { mustEnd } from "./run-diagnostics.ts";
import type { Session } from "./session.ts";
import { stale } from "./shown.ts";
import { type Block, syncIn } from "./sync-value.ts";
import { finishStopped, signalsOf } from "./unfinished.ts";

type Planned = Pick<Message<"PlanResourceChangeResponse">, "plannedPrivate" | "diagnostics">;

/** The plan of a destroy, with a warning in either case. */
export async function destroyed(prior: Block, session: Session): Promise<Planned> {
  const { sync, settings } = toDelete(prior, session);
  if (!sync || !settings) return { diagnostics: [notDeleted(String(prior.name))] };
  try {
    return await deleting(session, settings, sync, async (_, made) => {
      const refused = refusals(made.summary);
      return {
        plannedPrivate: writePreview(made),
        diagnostics: refused.length > 0 ? refused : [deleted(made.summary)],
      };
    });
  } catch (error) {
    return { diagnostics: [errorDiagnostic(error)] };
  }
}

/** Carries a destroy out. Deletes what the plan showed, or nothing. */
export async function destroy(prior: Block, session: Session, plannedPrivate: Uint8Array | undefined): Promise<void> {
  const { sync, settings } = toDelete(prior, session);
  if (!sync || !settings) return;
  const finished = await session.exclusive(() => finishStopped(session, settings));
  if (finished) mustEnd(sync.name, finished);
  const kept = readPreview(plannedPrivate);
  await deleting(session, settings, sync, async (plan, made, world, project) => {
    if (made.summary.counts.delete === 0) return;
    // The delete half of a replacement comes without a plan of its own.
    if (kept?.of === "delete" && kept.digest !== made.digest && !finished)
      throw await stale(session, settings, sync, kept.digest, made.digest);
    const { apply } = await import("../engine/apply.ts");
    const result: RunResult = await apply(world, project, plan, () => undefined, signalsOf(session));
    mustEnd(sync.name, result);
  });
}

function toDelete(prior: Block, session: Session): { readonly sync?: Sync; readonly settings?: Settings } {
  const { sync, options } = syncIn(prior, session);
  const { settings } = session;
  return sync && settings && options?.onDestroy === "delete_records" ? { sync, settings } : {};
}

/** Plans the sync as a mirror of nothing: only what Ebb created or adopted is deleted then. */
function deleting<T>(
  session: Session,
  settings: Settings,
  sync: Sync,
  use: (plan: OpenPlan, made: Preview, world: World, project: Project) => Promise<T>,
): Promise<T> {
  return session.exclusive(async () => {
    const real = await session.world();
    const world = { ...real, systems: real.systems.map(withoutRows) };
    const guards = { ...guardDefaults, maxDeletes: Number.MAX_SAFE_INTEGER, maxDeletePercent: 100 };
    const project: Project = {
      ...settings,
      syncs: [
        {
          ...sync,
          mode: "mirror",
          diff: "local",
          refresh: "full",
          onDrift: "overwrite",
          missingFields: "refuse",
          guards: { ...guards, allowEmptySource: true, unusual: "off" },
        },
      ],
    };
    return planOf(session, world, project, { of: "delete" }, (plan, made) => use(plan, made, world, project));
  });
}

/** The system with sources that have their columns and no rows. */
function withoutRows(system: System): System {
  const { source } = system;
  if (!source) return system;
  const open: typeof source.open = async (options, context) => {
    const opened = await source.open(options, context);
    return {
      describe: (query, signal) => opened.describe(query, signal),
      extract: async (query, signal) => ({
        kind: "text",
        columns: await opened.describe(query, signal),
        batches: noBatches(),
      }),
      ...(opened.close && { close: () => opened.close?.() ?? Promise.resolve() }),
    };
  };
  return { ...system, source: { ...source, open } };
}

async function* noBatches(): AsyncGenerator<never> {}

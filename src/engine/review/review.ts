/** What a person looks at before a plan is applied, besides its summary. Holds record values. @module */
import { totalChanges } from "../../core/plan.ts";
import { presentChanges } from "../diff/changes.ts";
import type { OpenPlan } from "../plan-file.ts";
import { withStaging } from "../staging/scratch.ts";
import type { Concentration } from "./concentration.ts";
import { countKinds, type SampledKinds, type SyncSamples, sampleSync } from "./samples.ts";
import { type FieldShape, fieldShapes } from "./shapes.ts";
import { strataOf } from "./share.ts";

export interface SyncReview extends SyncSamples {
  readonly kinds: SampledKinds;
  /** Fields as a whole, in the order of the summary. */
  readonly shapes: readonly FieldShape[];
  readonly concentrations: readonly Concentration[];
}

export interface ReviewOptions {
  /** Records of each kind; deletes up to 50 in any case. */
  readonly limit: number;
  /** Keys for each reason to reject (default: as `limit`). */
  readonly rejected?: number;
  /** Leave out what needs a pass over all changes. */
  readonly samplesOnly?: boolean;
  /** Threads of the engine (default: as many as there are processors). */
  readonly threads?: number;
}

/** The review spills to disk beyond this, so that a plan of any size can be looked at on a small machine. */
const MEMORY_MB = 200;

/** Looks at each sync of a plan that changes or rejects anything, in the order of the plan. */
export async function reviewPlan(
  { directory, manifest, summary, concentrations }: OpenPlan,
  { limit, rejected = limit, samplesOnly = false, threads }: ReviewOptions,
): Promise<readonly SyncReview[]> {
  const looked = manifest.syncs.flatMap((planned) => {
    const own = summary.syncs.find(({ name }) => name === planned.sync.name);
    return own && (totalChanges(own.counts) > 0 || own.rejected.length > 0) ? [{ planned, own }] : [];
  });
  if (looked.length === 0) return [];
  return withStaging({ memoryMb: MEMORY_MB, threads }, async (staging) => {
    const reviews: SyncReview[] = [];
    for (const { planned, own } of looked) {
      const changes = await presentChanges(staging, directory, planned);
      const shapes = samplesOnly ? [] : await fieldShapes(staging, changes, planned, own);
      const samples = await sampleSync(staging, directory, changes, planned, limit, rejected);
      const kinds = countKinds(await strataOf(staging, changes));
      reviews.push({ ...samples, kinds, shapes, concentrations: concentrations[planned.sync.name] ?? [] });
    }
    return reviews;
  });
}

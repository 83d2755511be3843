/** Plans of a story. @module */
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { Change } from "../../src/core/types.ts";
import { readChanges } from "../../src/engine/diff/changes.ts";
import { plan } from "../../src/engine/plan.ts";
import type { OpenPlan } from "../../src/engine/plan-file.ts";
import { withStaging } from "../../src/engine/staging/scratch.ts";
import { spared } from "./process.ts";
import type { Stage } from "./stage.ts";
import { projectOf } from "./world.ts";

export interface Planned extends OpenPlan {
  readonly changes: readonly Change[];
  /** Records it would only note in the ledger. */
  readonly confirms: boolean;
}

/** Plans until there is a plan that could be read whole; undefined when something stands in its way. */
export async function planned(stage: Stage, name: string, refresh?: "off"): Promise<Planned | undefined> {
  const { model, directory } = stage;
  const { witness, clock } = model;
  const never = new AbortController().signal;
  const trouble = model.calm;
  for (let attempt = 0; attempt < 5; attempt++) {
    if (attempt > 2) model.calm = true;
    const who = stage.start(`${name}.${attempt}`, spared);
    const folder = await mkdtemp(join(directory, "plan-"));
    witness.stats.plans += 1;
    const ended = await stage.run(who, (world) =>
      plan(
        world,
        projectOf(model.config),
        { directory: folder, ...(refresh ? { refresh } : {}) },
        () => undefined,
        never,
      ),
    );
    model.calm = trouble;
    if (ended.how === "done" && ended.value.manifest.complete) {
      const open = ended.value;
      const [sync] = open.manifest.syncs;
      const changes: Change[] = [];
      if (sync && sync.changes > 0)
        await withStaging({}, async (staging) => {
          for await (const { change } of readChanges(staging, open.directory, sync)) changes.push(change);
        });
      const { counts, rejected, confirmed } = open.summary.syncs[0] ?? {};
      witness.tell(`${name} ${JSON.stringify({ counts, confirmed, rejected: rejected?.length })}`);
      for (const change of changes) witness.tell(`  ${JSON.stringify(change)}`);
      return { ...open, changes, confirms: (confirmed ?? 0) > 0 };
    }
    if (ended.how === "done")
      witness.tell(`${name} is incomplete: ${ended.value.summary.syncs[0]?.problem?.split(":")[0]}`);
    else if (ended.how === "refused") witness.tell(`${name} refused: ${ended.error.code}`);
    if (witness.violations.length > 0) return undefined;
    clock.advance(700_000);
  }
  return undefined;
}

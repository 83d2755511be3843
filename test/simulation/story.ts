/** One story, from its seed to its end. @module */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isEmpty } from "../../src/core/plan.ts";
import type { Change } from "../../src/core/types.ts";
import { readChanges } from "../../src/engine/diff/changes.ts";
import { plan } from "../../src/engine/plan.ts";
import type { OpenPlan } from "../../src/engine/plan-file.ts";
import { unfinishedRuns } from "../../src/engine/run/runs.ts";
import { withStaging } from "../../src/engine/staging/scratch.ts";
import { openState } from "../../src/engine/state/state.ts";
import { applyToItsEnd } from "./apply-to-its-end.ts";
import { storyClock } from "./clock.ts";
import { configOf, type StoryConfig } from "./config.ts";
import { storyDisk } from "./disk.ts";
import { poolEngines } from "./engine-pool.ts";
import { ambiguous, checkEnd, touchedAtAll } from "./invariants.ts";
import { landDue, type Model, makeModel, mendSource, moveSource, peopleAct } from "./model.ts";
import { spared } from "./process.ts";
import { randomOf } from "./random.ts";
import { makeStage, type Stage } from "./stage.ts";
import type { Stats, Violation } from "./witness.ts";
import { projectOf } from "./world.ts";

export interface StoryResult {
  readonly seed: number;
  readonly config: StoryConfig;
  /** Equal for equal stories. */
  readonly digest: string;
  readonly violations: readonly Violation[];
  readonly events: readonly string[];
  readonly stats: Stats;
  readonly virtualMs: number;
}

export interface StoryOptions {
  readonly config?: StoryConfig;
  /** Changes the model before the story begins, so that a test can see a rule break. */
  readonly sabotage?: (model: Model) => void;
}

/** A story that has not ended after so long is stuck. */
const STUCK_MS = 20_000;

export async function tellStory(seed: number, options: StoryOptions = {}): Promise<StoryResult> {
  const config = options.config ?? configOf(seed);
  const clock = storyClock(poolEngines());
  const model = makeModel(config, clock, storyDisk());
  const directory = await mkdtemp(join(tmpdir(), "ebb-story-"));
  const started = clock.now();
  options.sabotage?.(model);
  model.witness.tell(JSON.stringify({ ...config, faults: undefined }));
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      model.witness.broken("engine error", "the story is stuck");
      resolve();
    }, STUCK_MS);
  });
  try {
    await Promise.race([go(makeStage(model, directory)), stuck]);
  } catch (error) {
    model.witness.broken("engine error", error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    clearTimeout(timer);
    // A story that is stuck may still write there.
    await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  }
  const { violations, events, stats } = model.witness;
  const digest = createHash("sha256").update(events.join("\n")).digest("hex").slice(0, 16);
  return { seed, config, digest, violations, events, stats, virtualMs: clock.now() - started };
}

async function go(stage: Stage): Promise<void> {
  const { model } = stage;
  const { config, clock, witness } = model;
  const random = randomOf("story", config.seed);
  for (let round = 0; round < config.rounds; round++) {
    moveSource(model, round);
    for (let n = random.int(3); n > 0; n--) peopleAct(model, "before plan", round, n);
    clock.advance(random.int(3) * 40_000 + (config.faults.planWithinLag ? 0 : config.lagSeconds * 1_000));
    landDue(model);
    const open = await planned(stage, `plan${round}`);
    if (!open) continue;
    for (let n = random.int(3); n > 0; n--) peopleAct(model, "after plan", round, n);
    clock.advance(random.chance(0.03) ? 25 * 3_600_000 : random.int(5) * 60_000);
    await applyToItsEnd(stage, open, `run${round}`, round);
    if (witness.violations.length > 0) return;
  }
  await end(stage);
}

/** Faults are over: a few rounds must bring everything to where the source wants it, and then there is nothing to do. */
async function end(stage: Stage): Promise<void> {
  const { model } = stage;
  const { config, clock, witness } = model;
  model.calm = true;
  clock.advance(3_600_000);
  landDue(model);
  mendSource(model);
  const blind = config.reading === "none" && touchedAtAll(model);
  let empty = false;
  for (let round = 0; round < 4 && !empty; round++) {
    const open = await planned(stage, `end${round}`);
    if (!open) return witness.broken("converged", "no plan although nothing goes wrong any more");
    empty = isEmpty(open.summary);
    if (!empty || (round === 0 && open.confirms)) await applyToItsEnd(stage, open, `end${round}`, 100 + round);
    clock.advance(120_000);
    if (witness.violations.length > 0) return;
  }
  if (!empty && !blind) witness.broken("converged", "plan after plan is not empty");
  checkEnd(model, stage.vague);
  const comparable = config.onDrift === "overwrite" && (config.mode === "upsert" || config.mode === "mirror");
  if (comparable && !blind && !ambiguous(model) && stage.vague.size === 0) {
    const off = await planned(stage, "off", "off");
    const wants = off?.changes.filter(
      (change) =>
        change.action !== "delete" ||
        (config.faults.ledgerForgets && config.lagSeconds === 0) ||
        model.store.now(change.id),
    );
    if (wants && wants.length > 0)
      witness.broken("converged", `the ledger wants ${JSON.stringify(wants)} after an empty plan`);
  }
  const inspector = stage.world(stage.start("inspector", spared));
  const left = await unfinishedRuns(inspector, openState(inspector, ".ebb"));
  if (left.length > 0) witness.broken("converged", `run ${left[0]?.run} was never finished`);
}

export interface Planned extends OpenPlan {
  readonly changes: readonly Change[];
  /** Records it would only note in the ledger. */
  readonly confirms: boolean;
}

/** Plans until there is a plan that could be read whole; undefined when something stands in its way. */
async function planned(stage: Stage, name: string, refresh?: "off"): Promise<Planned | undefined> {
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
        await withStaging(undefined, async (staging) => {
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

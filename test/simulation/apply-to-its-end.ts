/** Applies a plan, whatever happens on the way, until its run has ended or is refused. @module */
import { apply, resume } from "../../src/engine/apply.ts";
import { type LoadedRun, listRuns, loadRun, type RunResult } from "../../src/engine/run/runs.ts";
import { openState } from "../../src/engine/state/state.ts";
import type { World } from "../../src/engine/world.ts";
import type { Features } from "./config.ts";
import { checkRun } from "./invariants.ts";
import { peopleAct } from "./model.ts";
import type { Planned } from "./planned.ts";
import { type Doom, type Process, spared } from "./process.ts";
import { type Random, randomOf } from "./random.ts";
import type { Ended, Stage } from "./stage.ts";
import type { Applying } from "./witness.ts";
import { projectOf } from "./world.ts";

const MOST_ATTEMPTS = 14;
/** From this attempt on nothing goes wrong, so that every run comes to an end. */
const CALM_FROM = 7;
/** Problems that only another plan solves. */
const REFUSED = ["PLAN_STALE", "PLAN_EXPIRED"];

/** The run as it ended, when there was one. */
export async function applyToItsEnd(
  stage: Stage,
  open: Planned,
  name: string,
  round: number,
): Promise<LoadedRun | undefined> {
  const { model } = stage;
  const { config, witness, clock } = model;
  const random = randomOf("apply", config.seed, round);
  const calmBefore = model.calm;
  const applying: Applying = {
    name,
    changes: open.changes,
    effects: new Map(),
    received: new Map(),
    unanswered: new Set(),
    powerCuts: witness.stats.powerCuts,
  };
  const zombies: Zombie[] = [];
  try {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      if (attempt >= CALM_FROM) model.calm = true;
      const doom = model.calm ? spared : doomOf(random, config.faults);
      const who = stage.start(`${name}.${attempt}`, doom);
      model.disk.refuses = refusing(random, model.calm, who);
      witness.applying.set(who, applying);
      witness.stats.applies += 1;
      const again = attempt > 0 && random.chance(0.6);
      const ended = await throughFreeze(stage, who, zombies, random, (world) => work(world, open, stage, again));
      model.disk.refuses = () => false;
      if (witness.violations.length > 0) return undefined;
      if (ended.how === "killed") witness.stats.kills += 1;
      if (ended.how === "refused") witness.tell(`${who.name} refused: ${ended.error.code}`);
      if (ended.how === "refused" && REFUSED.includes(ended.error.code)) break;
      if (ended.how === "done")
        witness.tell(
          `${who.name} ${ended.value.status} ${ended.value.problem?.split(":")[0] ?? ""} ${JSON.stringify(ended.value.syncs.people)}`,
        );
      if (ended.how === "done" && ended.value.status !== "stopped") break;
      if (attempt === MOST_ATTEMPTS - 1) witness.broken("converged", `${name} does not come to its end`);
      for (let n = random.int(2); n > 0 && !model.calm; n--) peopleAct(model, "between attempts", round, attempt, n);
      clock.advance(random.pick([100, 5_000, 31_000, 31_000, 120_000, 1_200_000]));
    }
    for (const zombie of zombies.splice(0)) await wake(stage, zombie);
    return await settleAccounts(stage, applying, open.manifest.digest);
  } finally {
    model.calm = calmBefore;
  }
}

interface Zombie {
  readonly who: Process;
  readonly rest: Promise<Ended<RunResult>>;
}

async function wake(stage: Stage, { who, rest }: Zombie): Promise<void> {
  stage.model.witness.stats.zombies += 1;
  stage.model.witness.tell(`${who.name} wakes`);
  who.thaw();
  const ended = await rest;
  stage.model.witness.tell(`${who.name} ended: ${ended.how} ${ended.how === "refused" ? ended.error.code : ""}`);
}

/** A frozen process is left behind, or only held up until another zombie had its turn. */
async function throughFreeze(
  stage: Stage,
  who: Process,
  zombies: Zombie[],
  random: Random,
  work: (world: World) => Promise<RunResult>,
): Promise<Ended<RunResult>> {
  const ended = await stage.run(who, work);
  if (ended.how !== "frozen") return ended;
  const [other] = zombies.splice(0, 1);
  if (!other && random.chance(0.8)) {
    zombies.push({ who, rest: ended.rest });
    return ended;
  }
  if (other) await wake(stage, other);
  stage.model.witness.tell(`${who.name} goes on`);
  who.thaw();
  return ended.rest;
}

async function work(world: World, open: Planned, stage: Stage, again: boolean): Promise<RunResult> {
  const never = new AbortController().signal;
  const signals = { stop: never, abort: never };
  const project = projectOf(stage.model.config);
  const listen = () => undefined;
  const resumed = again ? await resume(world, project, listen, signals) : null;
  return resumed ?? apply(world, project, open, listen, signals);
}

function doomOf(random: Random, { zombies, zombiesBegin, zombiesClean, frozenAppends }: Features): Doom {
  const moment = 1 + Math.floor(random.next() ** 1.5 * 120);
  const kind = random.next();
  if (kind < 0.45) return { ...spared, killAt: moment, power: random.chance(0.3) };
  if (kind > 0.57 || !zombies) return spared;
  const mayFreeze: Doom["mayFreeze"] = (where, been) =>
    (zombiesBegin || been.has("before append")) &&
    (zombiesClean || !been.has("before replace state.json")) &&
    (frozenAppends || !/^(before|in) append|flush of/.test(where));
  return { ...spared, freezeAt: moment, mayFreeze };
}

/** A disk that is full from some moment of the process on. */
function refusing(random: Random, calm: boolean, who: Process): () => boolean {
  const from = random.int(80);
  const full = random.chance(0.06) && !calm;
  return () => full && who.moments >= from;
}

/** What the run's journal and result say is held against what the model knows. */
async function settleAccounts(stage: Stage, applying: Applying, digest: string): Promise<LoadedRun | undefined> {
  let found: LoadedRun | undefined;
  const { model } = stage;
  const world = stage.world(stage.start("inspector", spared));
  const store = openState(world, ".ebb");
  for (const name of await listRuns(world, store)) {
    if ((await world.disk.read(`${store.directory}/runs/${name}/journal.ndjson`)) === null) continue;
    const manifest = await world.disk.read(`${store.directory}/runs/${name}/plan/manifest.json`);
    if (!manifest?.includes(digest)) continue;
    const run = await loadRun(world, store, name);
    const cut = model.witness.stats.powerCuts > applying.powerCuts && !model.config.faults.journalAfterPowerCut;
    if (run.manifest.digest !== digest || !run.result) continue;
    found = run;
    if (!cut) checkRun(model, applying, run, run.result, stage.vague);
  }
  return found;
}

/** What every round of a story is made of. @module */
import { landDue, moveSource, peopleAct } from "./model.ts";
import { type Planned, planned } from "./planned.ts";
import type { Random } from "./random.ts";
import type { Stage } from "./stage.ts";

/** The source moves, people edit, and a plan is made. */
export async function planRound(stage: Stage, random: Random, round: number): Promise<Planned | undefined> {
  const { model } = stage;
  const { config, clock } = model;
  moveSource(model, round);
  for (let n = random.int(3); n > 0; n--) peopleAct(model, "before plan", round, n);
  clock.advance(random.int(3) * 40_000 + (config.faults.planWithinLag ? 0 : config.lagSeconds * 1_000));
  landDue(model);
  return planned(stage, `plan${round}`);
}

/** Between a plan and its apply people edit, and time passes: now and then too much. */
export function waitForApply({ model }: Stage, random: Random, round: number): void {
  for (let n = random.int(3); n > 0; n--) peopleAct(model, "after plan", round, n);
  model.clock.advance(random.chance(0.03) ? 25 * 3_600_000 : random.int(5) * 60_000);
}

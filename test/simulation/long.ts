/** A long story: some rounds with all that can go wrong, and the full end. @module */
import { applyToItsEnd } from "./apply-to-its-end.ts";
import { end } from "./end.ts";
import { randomOf } from "./random.ts";
import { planRound, waitForApply } from "./rounds.ts";
import type { Stage } from "./stage.ts";

export async function tellLong(stage: Stage): Promise<void> {
  const { config, witness } = stage.model;
  const random = randomOf("story", config.seed);
  for (let round = 0; round < config.rounds; round++) {
    const open = await planRound(stage, random, round);
    if (!open) continue;
    waitForApply(stage, random, round);
    await applyToItsEnd(stage, open, `run${round}`, round);
    if (witness.violations.length > 0) return;
  }
  await end(stage);
}

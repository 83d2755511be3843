/** A fate: what becomes of a preparation's plan in one story, and what must hold after it. @module */
import { applyToItsEnd } from "./apply-to-its-end.ts";
import { checkFinished, end } from "./end.ts";
import { checkLedger } from "./ledger-check.ts";
import { type Preparation, restoreFiles } from "./preparation.ts";
import { randomOf } from "./random.ts";
import { waitForApply } from "./rounds.ts";
import type { Stage } from "./stage.ts";

/** @param full whether the story then goes on until plans are empty */
export async function liveFate(stage: Stage, preparation: Preparation, full: boolean): Promise<void> {
  const { config, witness } = stage.model;
  const { open, round } = preparation;
  restoreFiles(stage.directory);
  if (open) {
    waitForApply(stage, randomOf("fate", config.seed), round);
    const run = await applyToItsEnd(stage, open, `run${round}`, round);
    if (witness.violations.length > 0) return;
    await checkFinished(stage);
    await checkLedger(stage, open.changes, run);
  }
  if (full && witness.violations.length === 0) await end(stage);
}

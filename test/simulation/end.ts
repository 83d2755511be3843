/** The end of a story. @module */
import { isEmpty } from "../../src/core/plan.ts";
import { unfinishedRuns } from "../../src/engine/run/runs.ts";
import { openState } from "../../src/engine/state/state.ts";
import { applyToItsEnd } from "./apply-to-its-end.ts";
import { ambiguous, checkEnd, touchedAtAll } from "./invariants.ts";
import { landDue, mendSource } from "./model.ts";
import { planned } from "./planned.ts";
import { spared } from "./process.ts";
import type { Stage } from "./stage.ts";

/** Faults are over: a few rounds must bring everything to where the source wants it, and then there is nothing to do. */
export async function end(stage: Stage): Promise<void> {
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
  await checkFinished(stage);
}

/** Every run that was begun has ended. */
export async function checkFinished(stage: Stage): Promise<void> {
  const inspector = stage.world(stage.start("inspector", spared));
  const left = await unfinishedRuns(inspector, openState(inspector, ".ebb"));
  if (left.length > 0) stage.model.witness.broken("converged", `run ${left[0]?.run} was never finished`);
}

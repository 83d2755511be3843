/** What some fates have in common: earlier rounds, the source, other people's edits and the last round's plan. @module */
import { applyToItsEnd } from "./apply-to-its-end.ts";
import { landDue, type SavedModel, saveModel } from "./model.ts";
import type { Planned } from "./planned.ts";
import { randomOf } from "./random.ts";
import { planRound, waitForApply } from "./rounds.ts";
import type { Stage } from "./stage.ts";
import { copyTree, removeTree } from "./tree.ts";

export interface Preparation {
  readonly round: number;
  /** Undefined when no plan could be made. */
  readonly open: Planned | undefined;
  readonly vague: ReadonlySet<string>;
  /** The world as it is after the plan. */
  readonly saved: SavedModel;
}

/** Rounds that may follow when there is nothing to apply. */
const MORE_ROUNDS = 2;

/** Undefined when a rule broke. */
export async function prepare(stage: Stage): Promise<Preparation | undefined> {
  const { model, directory } = stage;
  const { config, witness, clock } = model;
  const random = randomOf("story", config.seed);
  for (let round = 0; ; round++) {
    // What is under way cannot be shared.
    const last = Math.max(clock.now(), ...model.pending.map(({ at }) => at));
    clock.advance(last - clock.now());
    landDue(model);
    const open = await planRound(stage, random, round);
    if (witness.violations.length > 0) return undefined;
    const worth = open !== undefined && (open.changes.length > 0 || open.confirms);
    if (round >= config.rounds - 1 && (worth || round >= config.rounds - 1 + MORE_ROUNDS)) {
      copyTree(directory, backupOf(directory));
      return { round, open, vague: new Set(stage.vague), saved: saveModel(model) };
    }
    if (!worth) continue;
    waitForApply(stage, random, round);
    await applyToItsEnd(stage, open, `run${round}`, round);
    if (witness.violations.length > 0) return undefined;
  }
}

/**
 * Puts the preparation's real files back. Every fate lives in the same folder, one after another: the engine knows its
 * state, and what processes share of it, by the folder's name.
 */
export function restoreFiles(directory: string): void {
  removeTree(directory);
  copyTree(backupOf(directory), directory);
}

export const backupOf = (directory: string): string => `${directory}-prepared`;

/** Where processes of a story live and end. @module */
import { EbbError } from "../../src/core/errors.ts";
import type { World } from "../../src/engine/world.ts";
import type { Model } from "./model.ts";
import { type Doom, type Process, startProcess } from "./process.ts";
import { processWorld } from "./world.ts";

export type Ended<T> =
  | { readonly how: "done"; readonly value: T }
  | { readonly how: "refused"; readonly error: EbbError }
  | { readonly how: "killed" }
  /** It can be thawed; `rest` resolves when it has ended then. */
  | { readonly how: "frozen"; readonly rest: Promise<Ended<T>> };

export interface Stage {
  readonly model: Model;
  readonly directory: string;
  /** Keys of which nobody can know for sure what Ebb did to them. */
  readonly vague: Set<string>;
  start(name: string, doom: Doom): Process;
  world(who: Process): World;
  run<T>(who: Process, work: (world: World) => Promise<T>): Promise<Ended<T>>;
}

export function makeStage(model: Model, directory: string, vague: ReadonlySet<string> = new Set()): Stage {
  const { witness, disk, clock } = model;
  const stage: Stage = {
    model,
    directory,
    vague: new Set(vague),
    start: (name, doom) =>
      startProcess(
        name,
        doom,
        ({ power }) => {
          if (power) {
            witness.stats.powerCuts += 1;
            disk.losePower();
          }
          clock.nudge();
        },
        clock.nudge,
      ),
    world: (who) => processWorld(model, who, directory),
    async run<T>(who: Process, work: (world: World) => Promise<T>) {
      const whole = work(stage.world(who)).then(
        (value): Ended<T> => (who.dead ? { how: "killed" } : { how: "done", value }),
        (error: unknown): Ended<T> => {
          if (who.dead) return { how: "killed" };
          if (error instanceof EbbError) return { how: "refused", error };
          throw error;
        },
      );
      const frozen = who.froze.then((): Ended<T> => ({ how: "frozen", rest: whole }));
      const ended = await Promise.race([whole, frozen]);
      if (ended.how === "killed") witness.tell(`${who.name} was killed ${who.where}, moment ${who.moments}`);
      if (ended.how === "refused" && ended.error.code === "STATE_CORRUPT")
        witness.tell(ended.error.message.replaceAll(directory, ""));
      if (ended.how === "frozen") witness.tell(`${who.name} froze ${who.where}, moment ${who.moments}`);
      return ended;
    },
  };
  return stage;
}

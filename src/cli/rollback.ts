/** `ebb rollback`. @module */
import type { Command } from "commander";
import { isEmpty } from "../core/plan.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import type { Run } from "./command.ts";
import { invocation } from "./invocation.ts";
import { type MakeOptions, makePlan, outputOptions } from "./make-plan.ts";
import { levelOptions } from "./options.ts";
import { quoted } from "./plan-view.ts";
import type { Shell } from "./shell.ts";

export function define(command: Command, run: Run): void {
  const described = command
    .description(
      "Plans the inverse of a run: what it created is deleted, what it changed or deleted is put back. Reads the destination and writes nothing; apply the plan to roll back. What others changed since is left as it is.",
    )
    .argument("<run>", "name of a run; see `ebb runs`");
  levelOptions(outputOptions(described))
    .addHelpText("after", "\nExample:\n  ebb rollback 20261121T081409-4e1c9b --out rollback.ebb")
    .action((name: string, options: MakeOptions) => run((shell) => rollbackCommand(shell, name, options)));
}

function rollbackCommand(shell: Shell, name: string, options: MakeOptions): Promise<number> {
  return makePlan(shell, options, {
    policies: [],
    again: `rollback ${name}`,
    async make({ world, project }, settings, listen) {
      const { rollback } = await import("../engine/rollback.ts");
      return rollback(world, project, name, settings, listen, shell.signals.stop);
    },
    about: async (_, made) => ({ next: nextSteps(made, name, options.out) }),
  });
}

function nextSteps({ manifest, summary }: OpenPlan, name: string, out: string | undefined): readonly string[] {
  const ebb = invocation();
  if (!manifest.complete) return ["Mend what could not be read, and plan again."];
  if (isEmpty(summary)) return [];
  const again = "    what the warehouse still wants, the next plan will want again";
  if (out !== undefined) return [`${ebb} apply ${quoted(out)}`, again];
  return [`${ebb} rollback ${name} --out rollback.ebb`, `${ebb} apply rollback.ebb`, again];
}

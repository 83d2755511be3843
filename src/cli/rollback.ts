/** `ebb rollback`. @module */
import { resolve } from "node:path";
import type { Command } from "commander";
import { isEmpty } from "../core/plan.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import type { Run } from "./command.ts";
import { invocation } from "./invocation.ts";
import { judging } from "./judging.ts";
import { type LevelOptions, levelOptions } from "./options.ts";
import { exitOfPlan, levelOf, planText, quoted } from "./plan-view.ts";
import { withProgress } from "./progress.ts";
import { loadProject } from "./project.ts";
import { addSealOptions, type SealOptions, sealedNote, sealFor } from "./sealing.ts";
import type { Shell } from "./shell.ts";
import { showsValues } from "./show-values.ts";

interface Options extends LevelOptions, SealOptions {
  readonly detailedExitcode?: boolean;
}

export function define(command: Command, run: Run): void {
  const described = command
    .description(
      "Plans the inverse of a run: what it created is deleted, what it changed or deleted is put back. Reads the\ndestination and writes nothing; apply the plan to roll back. What others changed since is left as it is.",
    )
    .argument("<run>", "name of a run; see `ebb runs`")
    .option("-o, --out <file>", "save the plan, to be reviewed and applied exactly");
  addSealOptions(described).option("--detailed-exitcode", "exit with 2 when there are changes");
  levelOptions(described)
    .addHelpText("after", "\nExample:\n  ebb rollback 20261121T081409-4e1c9b --out rollback.ebb")
    .action((name: string, options: Options) => run((shell) => rollbackCommand(shell, name, options)));
}

async function rollbackCommand(shell: Shell, name: string, options: Options): Promise<number> {
  shell.events?.start();
  const seal = await sealFor(options, process.env);
  const all = showsValues(shell, options.showValues ?? false);
  const { world, project, policies } = await loadProject(shell, { engine: true });
  const judged = await judging(policies);
  const [{ rollback }, { savePlan }, { withScratch }] = await Promise.all([
    import("../engine/rollback.ts"),
    import("../engine/plan-file.ts"),
    import("../engine/staging/scratch.ts"),
  ]);
  return withScratch(async (directory) => {
    const file = options.out === undefined ? undefined : resolve(options.out);
    const made = await withProgress(shell, (listen) =>
      rollback(world, project, name, { directory, ...judged }, listen, shell.signals.stop),
    );
    if (file !== undefined) await savePlan(made, file, seal);
    const text = await planText(shell, made, {
      all,
      level: levelOf(options),
      showing: (records) =>
        `${invocation()} ${options.out === undefined ? `rollback ${name}` : `show ${quoted(options.out)}`} --detail ${records}`,
      next: nextSteps(made, name, options.out),
      ...(file === undefined ? {} : { file }),
    });
    shell.print(text);
    if (seal && file !== undefined) shell.note(sealedNote(file));
    return exitOfPlan(made, options.detailedExitcode ?? false);
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

/** What `ebb plan` and `ebb rollback` share: a plan is made, saved, told in markdown, and printed. @module */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { PlanOptions } from "../engine/plan.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import type { Listener } from "../engine/world.ts";
import { writeWhole } from "../engine/write-whole.ts";
import { invocation } from "./invocation.ts";
import { judging } from "./judging.ts";
import type { LevelOptions } from "./options.ts";
import {
  applyCommand,
  exitOfPlan,
  levelOf,
  type PlanViewOptions,
  planMarkdown,
  planText,
  quoted,
} from "./plan-view.ts";
import { withProgress } from "./progress.ts";
import { loadProject, type OpenProject } from "./project.ts";
import { addSealOptions, type SealOptions, sealedNote, sealFor } from "./sealing.ts";
import type { Shell } from "./shell.ts";
import { showsValues } from "./show-values.ts";

export interface MakeOptions extends LevelOptions, SealOptions {
  readonly markdown?: string;
  readonly detailedExitcode?: boolean;
}

/** What there is of a plan's folder, policies and the like, whoever makes it. */
type Settings = Pick<PlanOptions, "judge"> & { readonly directory: string };

/** The part of the command that is its own. */
export interface Maker {
  /** Files of policies, besides those of the project. */
  readonly policies: readonly string[];
  /** The command that makes such a plan again, without `ebb`. */
  readonly again: string;
  make(open: OpenProject, settings: Settings, listen: Listener): Promise<OpenPlan>;
  /** What else is told of the plan. */
  about(open: OpenProject, plan: OpenPlan): Promise<Pick<PlanViewOptions, "next" | "queries" | "unfinished">>;
}

/** Gives a command the options that say what becomes of its plan. */
export function outputOptions(command: Command): Command {
  const described = command.option("-o, --out <file>", "save the plan, to be reviewed and applied exactly");
  return addSealOptions(described)
    .option("--markdown <file>", "also write it as the comment of a pull request")
    .option("--detailed-exitcode", "exit with 2 when there are changes");
}

export async function makePlan(shell: Shell, options: MakeOptions, maker: Maker): Promise<number> {
  shell.events?.start();
  const seal = await sealFor(options, process.env);
  const all = showsValues(shell, options.showValues ?? false);
  const open = await loadProject(shell, { engine: true });
  const judged = await judging([...open.policies, ...maker.policies]);
  const [{ savePlan }, { withScratch }] = await Promise.all([
    import("../engine/plan-file.ts"),
    import("../engine/staging/scratch.ts"),
  ]);
  const { out } = options;
  const file = out === undefined ? undefined : resolve(out);
  const level = levelOf(options);
  const show = `${invocation()} ${out === undefined ? maker.again : `show ${quoted(out)}`}`;
  return withScratch(async (directory) => {
    const made = await withProgress(shell, (listen) => maker.make(open, { directory, ...judged }, listen));
    if (file !== undefined) await savePlan(made, file, seal);
    if (options.markdown !== undefined) {
      const apply = out === undefined ? null : applyCommand(made, out);
      const text = await planMarkdown(shell, made, { level, apply, show });
      await writeWhole(resolve(options.markdown), [text], "the plan's markdown");
    }
    const text = await planText(shell, made, {
      all,
      level,
      showing: (records) => `${show} --detail ${records}`,
      ...(await maker.about(open, made)),
      ...(file === undefined ? {} : { file }),
    });
    shell.print(text);
    if (seal && file !== undefined) shell.note(sealedNote(file));
    return exitOfPlan(made, options.detailedExitcode ?? false);
  });
}

/** `ebb plan`. @module */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { denials } from "../core/plan.ts";
import type { Refresh } from "../core/sync.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import type { Run } from "./command.ts";
import { invocation } from "./invocation.ts";
import { judging } from "./judging.ts";
import { type LevelOptions, lengthOfTime, levelOptions, several } from "./options.ts";
import { exitOfPlan, levelOf, planText, quoted } from "./plan-view.ts";
import { withProgress } from "./progress.ts";
import { loadProject } from "./project.ts";
import { addSealOptions, type SealOptions, sealedNote, sealFor } from "./sealing.ts";
import type { Shell } from "./shell.ts";
import { showsValues } from "./show-values.ts";

interface Options extends LevelOptions, SealOptions {
  readonly target: readonly string[];
  readonly refresh?: Refresh;
  readonly expires: number;
  readonly policy: readonly string[];
  readonly detailedExitcode?: boolean;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export function define(command: Command, run: Run): void {
  const described = command
    .description("Reads both sides and shows what would change, record by record. Writes nothing.")
    .option("-o, --out <file>", "save the plan, to be reviewed and applied exactly");
  addSealOptions(described)
    .option("-t, --target <sync>", "plan only this sync; may be repeated", several, [])
    .addOption(
      new Option("--refresh <level>", "how much of the destination to read").choices(["full", "changed", "off"]),
    )
    .addOption(
      new Option("--expires <time>", "how long the plan may be applied").argParser(lengthOfTime).default(DAY_MS, "24h"),
    )
    .option("--policy <file>", "hold these policies against the plan; may be repeated", several, [])
    .option("--detailed-exitcode", "exit with 2 when there are changes");
  levelOptions(described)
    .addHelpText(
      "after",
      "\nExample:\n  ebb plan --target customer-ltv --out customer-ltv.ebb\n  ebb plan --out crm.ebb --encrypt-to age1…    (a key made by `ebb keygen`)",
    )
    .action((options: Options) => run((shell) => planCommand(shell, options)));
}

async function planCommand(shell: Shell, options: Options): Promise<number> {
  shell.events?.start();
  const seal = await sealFor(options, process.env);
  const all = showsValues(shell, options.showValues ?? false);
  const { world, project, policies } = await loadProject(shell, { engine: true });
  const judged = await judging([...policies, ...options.policy.map((file) => resolve(file))]);
  const [{ plan }, { savePlan }, { withScratch }, { openState }, { unfinishedRuns }, { changedQueries }] =
    await Promise.all([
      import("../engine/plan.ts"),
      import("../engine/plan-file.ts"),
      import("../engine/staging/scratch.ts"),
      import("../engine/state/state.ts"),
      import("../engine/run/runs.ts"),
      import("../engine/review/queries.ts"),
    ]);
  const store = openState(world, project.state.directory);
  const [unfinished] = await unfinishedRuns(world, store);
  return withScratch(async (directory) => {
    const settings = {
      targets: options.target,
      directory,
      expiresMs: options.expires,
      ...judged,
      ...(options.refresh === undefined ? {} : { refresh: options.refresh }),
    };
    const file = options.out === undefined ? undefined : resolve(options.out);
    const made = await withProgress(shell, (listen) => plan(world, project, settings, listen, shell.signals.stop));
    if (file !== undefined) await savePlan(made, file, seal);
    const text = await planText(shell, made, {
      all,
      level: levelOf(options),
      showing: (records) => showing(options, records),
      queries: await changedQueries(world, store, made.manifest),
      next: nextSteps(made, options, unfinished?.run),
      ...(file === undefined ? {} : { file }),
      unfinished: unfinished?.run ?? null,
    });
    shell.print(text);
    if (seal && file !== undefined) shell.note(sealedNote(file));
    return exitOfPlan(made, options.detailedExitcode ?? false);
  });
}

function nextSteps(plan: OpenPlan, { out, target }: Options, unfinished: string | undefined): readonly string[] {
  const ebb = invocation();
  if (unfinished !== undefined)
    return [`${ebb} apply`, `    finishes run ${unfinished}, which stopped before its end`, "    and then plan again"];
  const { complete, stopped, syncs } = plan.manifest;
  if (!complete) return ["Mend what could not be read, and plan again."];
  if (denials(plan.summary.policies).length > 0)
    return ["Change what the policies name, or have a policy that is wrong changed,", "and plan again."];
  if (stopped) return ["Look at the changes; if they are right, raise the guard's number in the sync."];
  if (syncs.every(({ changes, confirmed }) => changes + confirmed === 0)) return [];
  if (out !== undefined) return [`${ebb} show ${quoted(out)}`, `${ebb} apply ${quoted(out)}`];
  return [`${ebb} plan${targetWords(target)} --out plan.ebb`, `${ebb} apply plan.ebb`];
}

/** The command that shows so many records. */
function showing({ out, target }: Options, records: number): string {
  const what = out === undefined ? `plan${targetWords(target)}` : `show ${quoted(out)}`;
  return `${invocation()} ${what} --detail ${records}`;
}

function targetWords(target: readonly string[]): string {
  return target.map((name) => ` --target ${quoted(name)}`).join("");
}

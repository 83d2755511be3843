/** `ebb apply`. @module */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import { isEmpty, isStopped } from "../core/plan.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import type { RunResult } from "../engine/run/runs.ts";
import { execute, gracefully, withReviewed } from "./applying.ts";
import type { Run } from "./command.ts";
import { Exit, exitOfRun, exitOfSignal } from "./exit.ts";
import { invocation } from "./invocation.ts";
import { judging, judgingLater } from "./judging.ts";
import { lengthOfTime, planDigest, SAMPLES, several } from "./options.ts";
import { exitOfPlan, planText } from "./plan-view.ts";
import { withProgress } from "./progress.ts";
import { loadProject, type OpenProject } from "./project.ts";
import { addIdentityOption, identitiesFor } from "./sealing.ts";
import type { Shell } from "./shell.ts";
import { showsValues } from "./show-values.ts";

interface Options {
  readonly digest?: string;
  /** Milliseconds. */
  readonly replanWithin?: number;
  readonly identity: readonly string[];
  readonly policy: readonly string[];
}

export function define(command: Command, run: Run): void {
  command
    .description(
      "Executes exactly a saved plan. Without one: finishes the run that stopped before its end; or else plans, shows the plan, asks, and applies. Run again after a crash, it goes on where it stopped.",
    )
    .argument("[plan]", "a file saved by `ebb plan --out`")
    .option("--policy <file>", "hold these policies against the plan; may be repeated", several, [])
    .addOption(
      new Option(
        "--digest <digest>",
        "refuse any other plan than this: its digest, or the first 12 characters or more of that",
      ).argParser(planDigest),
    )
    .addOption(
      new Option(
        "--replan-within <time>",
        "plan again, and apply what is then left of the reviewed plan and nothing else, if it is no older than this",
      ).argParser(lengthOfTime),
    );
  addIdentityOption(command)
    .addHelpText(
      "after",
      "\nExample:\n  ebb apply customer-ltv.ebb\n  ebb apply customer-ltv.ebb --digest 7f3a09c1d2e4 --replan-within 2d",
    )
    .action((file: string | undefined, options: Options) => run((shell) => applyCommand(shell, file, options)));
}

async function applyCommand(shell: Shell, file: string | undefined, options: Options): Promise<number> {
  shell.events?.start();
  if (file === undefined && options.replanWithin !== undefined)
    throw new ConfigError("USAGE", "--replan-within: there is no reviewed plan", {
      next: "Give the file of the plan.",
    });
  const identities = await identitiesFor(options.identity, process.env);
  const policies = options.policy.map((one) => resolve(one));
  const open = await loadProject(shell, { engine: true });
  if (file !== undefined) {
    const { digest, replanWithin } = options;
    return withReviewed(shell, open, { file, digest, policies, identities }, async (plan) =>
      replanWithin === undefined
        ? report(shell, open, await execute(shell, open, plan))
        : replanAndApply(shell, open, plan, replanWithin, policies),
    );
  }
  if (options.digest !== undefined) await requireUnfinished(open, options.digest);
  const { resume } = await import("../engine/apply.ts");
  const resumed = await gracefully(shell, (listen, signals) => resume(open.world, open.project, listen, signals));
  if (resumed) return report(shell, open, resumed);
  if (!shell.canAsk) throw new ConfigError("APPROVAL_NEEDED", "there is no plan to apply, and no terminal to ask on");
  const { withScratch } = await import("../engine/staging/scratch.ts");
  return withScratch((directory) => planAndApply(shell, open, directory, policies));
}

/** Without a plan, a digest can only name the one of the run that is to be finished. */
async function requireUnfinished({ world, project }: OpenProject, digest: string): Promise<void> {
  const [{ unfinishedRuns }, { openState }, { requireDigest }] = await Promise.all([
    import("../engine/run/runs.ts"),
    import("../engine/state/state.ts"),
    import("../engine/plan-file.ts"),
  ]);
  const [unfinished] = await unfinishedRuns(world, openState(world, project.state.directory));
  if (!unfinished)
    throw new ConfigError("USAGE", "--digest: there is no plan, and no run that stopped before its end", {
      next: "Give the file of the plan.",
    });
  requireDigest(unfinished.manifest, digest);
}

async function replanAndApply(
  shell: Shell,
  open: OpenProject,
  reviewed: OpenPlan,
  withinMs: number,
  policies: readonly string[],
): Promise<number> {
  // What is planned anew is judged anew: a freeze may have begun since. A run that has begun is finished, whatever is said now.
  const judged = judgingLater([...open.policies, ...policies]);
  const [{ isContained }, { movedError, replan }, { withScratch }, words, { createReveal, saltOf }] = await Promise.all(
    [
      import("../engine/contained.ts"),
      import("../engine/replan.ts"),
      import("../engine/staging/scratch.ts"),
      import("../report/containment.ts"),
      import("../report/reveal.ts"),
    ],
  );
  const { manifest } = reviewed;
  return withScratch(async (directory) => {
    const { plan, resumes, containment } = await withProgress(shell, (listen) =>
      replan(open.world, open.project, reviewed, { withinMs, directory, ...judged }, listen, shell.signals.stop),
    );
    if (!isContained(containment)) {
      const syncs = manifest.syncs.map(({ sync }) => sync);
      const reveal = createReveal(syncs, { all: shell.interactive, salt: saltOf(manifest) });
      for (const line of words.uncontainedLines(containment, reveal)) shell.note(line);
      throw movedError(containment);
    }
    if (!resumes) shell.note(words.containedLine(containment, manifest.digest));
    return report(shell, open, await execute(shell, open, plan));
  });
}

async function planAndApply(
  shell: Shell,
  open: OpenProject,
  directory: string,
  policies: readonly string[],
): Promise<number> {
  const { plan } = await import("../engine/plan.ts");
  const judged = await judging([...open.policies, ...policies]);
  const made = await withProgress(shell, (listen) =>
    plan(open.world, open.project, { directory, ...judged }, listen, shell.signals.stop),
  );
  shell.print(
    await planText(shell, made, {
      all: showsValues(shell, false),
      level: { detail: SAMPLES },
      next: [],
    }),
  );
  // What changes no record may still be worth to keep: what was found right, and a warehouse's first marks.
  const learned = made.manifest.syncs.some(({ confirmed, marks }) => confirmed > 0 || marks?.token === null);
  if (!made.summary.complete || isStopped(made.summary) || (isEmpty(made.summary) && !learned))
    return exitOfPlan(made, false);
  shell.note("");
  const answer = await shell.ask('Apply exactly this? Only "yes" does: ');
  if (answer !== "yes") {
    shell.note("Nothing was applied.");
    return Exit.error;
  }
  return report(shell, open, await execute(shell, open, made));
}

async function report(shell: Shell, { world, project }: OpenProject, result: RunResult): Promise<number> {
  const [{ runJson }, { renderResult }, { openState }, { runFiles }] = await Promise.all([
    import("../report/json.ts"),
    import("../report/runs.ts"),
    import("../engine/state/state.ts"),
    import("../engine/run/runs.ts"),
  ]);
  const { directory } = runFiles(openState(world, project.state.directory), result.run);
  shell.print(shell.json ? runJson(result) : renderResult(result, directory, invocation(), shell.style));
  const signal = shell.signals.received();
  return signal && result.status === "stopped" ? exitOfSignal(signal) : exitOfRun(result);
}

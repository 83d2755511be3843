/** `ebb apply`. @module */
import type { Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import { isEmpty, isStopped } from "../core/plan.ts";
import type { ApplySignals } from "../engine/apply.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import type { RunResult } from "../engine/run/runs.ts";
import type { Listener } from "../engine/world.ts";
import type { Run } from "./command.ts";
import { Exit, exitOfRun, exitOfSignal } from "./exit.ts";
import { invocation } from "./invocation.ts";
import { exitOfPlan, planText } from "./plan-view.ts";
import { withProgress } from "./progress.ts";
import { loadProject, type OpenProject } from "./project.ts";
import type { Shell } from "./shell.ts";

export function define(command: Command, run: Run): void {
  command
    .description(
      "Executes exactly a saved plan. Without one: finishes the run that stopped before its end; or else plans, shows\nthe plan, asks, and applies. Run again after a crash, it goes on where it stopped.",
    )
    .argument("[plan]", "a file saved by `ebb plan --out`")
    .addHelpText("after", "\nExample:\n  ebb apply customer-ltv.ebb")
    .action((file: string | undefined) => run((shell) => applyCommand(shell, file)));
}

async function applyCommand(shell: Shell, file: string | undefined): Promise<number> {
  const open = await loadProject(shell, { engine: true });
  const { withScratch } = await import("../engine/staging/scratch.ts");
  if (file !== undefined) {
    const { unpackPlan } = await import("../engine/plan-file.ts");
    return withScratch(async (directory) => {
      const plan = await unpackPlan(open.world, file, directory);
      return report(shell, open, await execute(shell, open, plan));
    });
  }
  const { resume } = await import("../engine/apply.ts");
  const resumed = await gracefully(shell, (listen, signals) => resume(open.world, open.project, listen, signals));
  if (resumed) return report(shell, open, resumed);
  if (!shell.canAsk) throw new ConfigError("APPROVAL_NEEDED", "there is no plan to apply, and no terminal to ask on");
  return withScratch((directory) => planAndApply(shell, open, directory));
}

async function planAndApply(shell: Shell, open: OpenProject, directory: string): Promise<number> {
  const { plan } = await import("../engine/plan.ts");
  const made = await withProgress((listen) =>
    plan(open.world, open.project, { directory }, listen, shell.signals.stop),
  );
  shell.print(await planText(shell, made, { showValues: false, limit: 5, next: [] }));
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

async function execute(shell: Shell, { world, project }: OpenProject, plan: OpenPlan): Promise<RunResult> {
  const { apply } = await import("../engine/apply.ts");
  return gracefully(shell, (listen, signals) => apply(world, project, plan, listen, signals));
}

/** The first signal stops between batches; the second ends the process, which the journal is made for. */
async function gracefully<T>(
  { signals, note }: Shell,
  work: (listen: Listener, signals: ApplySignals) => Promise<T>,
): Promise<T> {
  const say = () =>
    note(
      "\nStopping: batches in flight are finished first, and the run can be resumed.\nOnce more (Ctrl-C) stops at once.",
    );
  signals.stop.addEventListener("abort", say, { once: true });
  try {
    return await withProgress((listen) => work(listen, { stop: signals.stop, abort: new AbortController().signal }));
  } finally {
    signals.stop.removeEventListener("abort", say);
  }
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

/** `ebb runs`. @module */
import { type Command, Option } from "commander";
import type { LoadedRun } from "../engine/run/runs.ts";
import type { StateStore } from "../engine/state/state.ts";
import type { World } from "../engine/world.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import { invocation } from "./invocation.ts";
import { wholeNumber } from "./options.ts";
import { loadProject } from "./project.ts";
import type { Shell } from "./shell.ts";
import { showsValues, showValuesOption } from "./show-values.ts";

interface Options {
  readonly limit: number;
  readonly showValues?: boolean;
}

export function define(command: Command, run: Run): void {
  const described = command
    .description("Lists the runs, newest first; or shows one: its outcomes, and what was rejected and why.")
    .argument("[run]", "name of a run")
    .addOption(new Option("--limit <n>", "runs, or rejected records, to show").argParser(wholeNumber(1)).default(20));
  showValuesOption(described, "show keys and the vendor's words")
    .addHelpText("after", "\nExample:\n  ebb runs 20261121T081409-4e1c9b")
    .action((name: string | undefined, options: Options) => run((shell) => runsCommand(shell, name, options)));
}

async function runsCommand(shell: Shell, name: string | undefined, options: Options): Promise<number> {
  const { world, project } = await loadProject(shell, { engine: name !== undefined });
  const { openState } = await import("../engine/state/state.ts");
  const store = openState(world, project.state.directory);
  await (name === undefined ? list(shell, world, store, options) : one(shell, world, store, name, options));
  return Exit.done;
}

async function list(shell: Shell, world: World, store: StateStore, { limit }: Options): Promise<void> {
  const { renderRuns, runsJson } = await import("../report/runs.ts");
  const { lines, held } = await lastRuns(world, store, limit);
  shell.print(shell.json ? runsJson(lines, held) : renderRuns(lines, held, invocation(), shell.style));
}

/** The last runs, newest first, and what is in quarantine. */
export async function lastRuns(world: World, store: StateStore, limit: number) {
  const [{ listRuns, loadRun }, { lineOf }] = await Promise.all([
    import("../engine/run/runs.ts"),
    import("../report/runs.ts"),
  ]);
  const names = (await listRuns(world, store)).toReversed().slice(0, limit);
  const lines = [];
  for (const run of names) lines.push(lineOf(await resultNow(await loadRun(world, store, run))));
  const { syncs } = await store.read();
  const held = Object.entries(syncs).flatMap(([sync, { quarantine }]) => (quarantine ? [{ sync, ...quarantine }] : []));
  return { lines, held };
}

async function one(shell: Shell, world: World, store: StateStore, name: string, options: Options): Promise<void> {
  const [{ loadRun }, { readRejected }, { renderRun, runDetailJson }, { createReveal, saltOf }] = await Promise.all([
    import("../engine/run/runs.ts"),
    import("../engine/inspect.ts"),
    import("../report/runs.ts"),
    import("../report/reveal.ts"),
  ]);
  const all = showsValues(shell, options.showValues ?? false);
  const run = await loadRun(world, store, name);
  const result = await resultNow(run);
  const rejected = await readRejected(run, options.limit);
  if (shell.json) {
    shell.print(runDetailJson(result, rejected, all));
    return;
  }
  const syncs = run.manifest.syncs.map(({ sync }) => sync);
  const reveal = createReveal(syncs, { all, salt: saltOf(run.manifest) });
  shell.print(renderRun(result, rejected, run.files.directory, reveal, invocation(), shell.style));
}

/** The result of a run; of one that has not ended, as far as it got. */
export async function resultNow(run: LoadedRun) {
  const { resultOf } = await import("../engine/run/runs.ts");
  return run.result ?? resultOf(run, "stopped", null, null);
}

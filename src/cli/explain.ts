/** `ebb explain`. @module */
import { type Command, Option } from "commander";
import type { Refresh } from "../core/sync.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import { withProgress } from "./progress.ts";
import { loadProject } from "./project.ts";
import type { Shell } from "./shell.ts";
import { showsValues, showValuesOption } from "./show-values.ts";

interface Options {
  readonly sync?: string;
  readonly refresh?: Refresh;
  readonly showValues?: boolean;
}

export function define(command: Command, run: Run): void {
  const described = command
    .description(
      "Tells everything about one record: its row in the source, its mapping step by step, what is recorded and what is there, what a plan does with it and why, and what the last runs did. Plans the sync, and writes nothing.",
    )
    .argument("<key>", "the record's key; of several columns a JSON array")
    .option("-s, --sync <sync>", "the sync, where the project has several")
    .addOption(
      new Option("--refresh <level>", "how much of the destination to read").choices(["full", "changed", "off"]),
    );
  showValuesOption(described)
    .addHelpText("after", "\nExample:\n  ebb explain ada@example.com --sync customer-ltv")
    .action((key: string, options: Options) => run((shell) => explainCommand(shell, key, options)));
}

async function explainCommand(shell: Shell, key: string, options: Options): Promise<number> {
  const all = showsValues(shell, options.showValues ?? false);
  const { world, project } = await loadProject(shell, { engine: true });
  const [{ explain }, { explainedJson, renderExplained }, { createReveal }] = await Promise.all([
    import("../engine/explain/explain.ts"),
    import("../report/explain.ts"),
    import("../report/reveal.ts"),
  ]);
  const { sync, refresh } = options;
  const found = await withProgress(shell, (listen) =>
    explain(world, project, { key, sync, refresh }, listen, shell.signals.stop),
  );
  // Equal values are recognised within what is shown here, and nowhere else.
  const reveal = createReveal([found.sync], { all, salt: world.randomName() });
  shell.print(shell.json ? explainedJson(found, reveal) : renderExplained(found, reveal, shell.style));
  return Exit.done;
}

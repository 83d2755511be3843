/** `ebb validate`. @module */
import type { Command } from "commander";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import { judging } from "./judging.ts";
import { loadProject } from "./project.ts";
import type { Shell } from "./shell.ts";

export function define(command: Command, run: Run): void {
  command
    .description("Decodes and checks every sync and loads the policies, without a network and without credentials.")
    .addHelpText("after", "\nExample:\n  ebb validate --json")
    .action(() => run(validateCommand));
}

async function validateCommand(shell: Shell): Promise<number> {
  const { project, policies } = await loadProject(shell);
  // A broken policy is found before a plan needs it.
  await judging(policies);
  const { renderSyncs, syncsJson } = await import("../report/syncs.ts");
  shell.print(shell.json ? syncsJson(project.syncs) : renderSyncs(project.syncs, shell.style));
  return Exit.done;
}

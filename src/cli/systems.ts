/** `ebb systems`. @module */
import type { Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import { suggest } from "../core/suggest.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import type { Shell } from "./shell.ts";

export function define(command: Command, run: Run): void {
  command
    .description("Lists the systems; or shows one: its roles, what it can do, and the options of a connection.")
    .argument("[name]", "name of a system")
    .addHelpText("after", "\nExample:\n  ebb systems salesforce")
    .action((name: string | undefined) => run((shell) => systemsCommand(shell, name)));
}

async function systemsCommand(shell: Shell, name: string | undefined): Promise<number> {
  const [{ systems }, { renderSystem, renderSystems, systemsJson }] = await Promise.all([
    import("../../providers/index.ts"),
    import("../report/systems.ts"),
  ]);
  const named = name === undefined ? undefined : systems.find((system) => system.name === name);
  if (name !== undefined && !named) {
    const known = systems.map((system) => system.name);
    throw new ConfigError("SYSTEM_UNKNOWN", `there is no system "${name}": ${suggest(name, known)}`);
  }
  if (shell.json) shell.print(systemsJson(named ? [named] : systems));
  else shell.print(named ? renderSystem(named, shell.style) : renderSystems(systems, shell.style));
  return Exit.done;
}

import type { Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { Shell } from "./shell.ts";

/** Gives a command its option to show what is masked off a terminal. */
export function showValuesOption(command: Command, what = "show every field's values"): Command {
  return command.option("--show-values", `${what}; off a terminal, where they are masked, see the docs`);
}

/**
 * Whether a command shows every value: on a terminal it does unless it prints JSON, which has to be asked for. Where output
 * goes to a file or a log, asking is not enough.
 */
export function showsValues(
  { interactive, json, env }: Pick<Shell, "interactive" | "json" | "env">,
  asked: boolean,
): boolean {
  if (asked && !interactive && env.EBB_SHOW_VALUES_IN_LOGS !== "1")
    throw new ConfigError("USAGE", "--show-values shows customers' data, and this output goes to a file or a log", {
      next: "Run it on a terminal; or set EBB_SHOW_VALUES_IN_LOGS=1 where nobody else reads the output.",
    });
  return asked || (interactive && !json);
}

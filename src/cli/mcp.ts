/** `ebb mcp`. @module */
import { type Command, InvalidArgumentError, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { Run } from "./command.ts";
import { Exit, exitOfSignal } from "./exit.ts";
import type { Shell } from "./shell.ts";

interface Options {
  readonly enableApply?: boolean;
  readonly approve: readonly string[];
}

export function define(command: Command, run: Run): void {
  command
    .description(
      "Serves the Model Context Protocol on stdin and stdout, so that an assistant in an editor can look at what the project would do. Values are masked as in a log. The editor starts it, in the project's folder.",
    )
    .option("--enable-apply", "let it apply plans that are approved here, and no other")
    .addOption(
      new Option("--approve <digest>", "the whole digest of a plan that a person has reviewed; may be repeated")
        .argParser(wholeDigests)
        .default([], "none"),
    )
    .addHelpText("after", "\nExample:\n  ebb mcp\n  ebb mcp --enable-apply --approve DIGEST")
    .action((options: Options) => run((shell) => mcpCommand(shell, options)));
}

async function mcpCommand(shell: Shell, { enableApply = false, approve }: Options): Promise<number> {
  if (approve.length > 0 && !enableApply)
    throw new ConfigError("USAGE", "--approve: without --enable-apply nothing is applied", {
      next: "Add --enable-apply.",
    });
  const { serve } = await import("./mcp/serve.ts");
  await serve(shell, { approved: enableApply ? approve : null });
  const signal = shell.signals.received();
  return signal ? exitOfSignal(signal) : Exit.done;
}

/** A beginning is not enough: a plan can be made whose digest begins alike. */
function wholeDigests(text: string, before: readonly string[]): readonly string[] {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new InvalidArgumentError("It must be a plan's whole digest, 64 characters.");
  return [...before, text.toLowerCase()];
}

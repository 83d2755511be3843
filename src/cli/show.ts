/** `ebb show`. @module */
import { type Command, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import { invocation } from "./invocation.ts";
import { wholeNumber } from "./options.ts";
import { planText, quoted } from "./plan-view.ts";
import { looseWorld } from "./project.ts";
import type { Shell } from "./shell.ts";

interface Options {
  readonly format: string;
  readonly showValues?: boolean;
  readonly limit: number;
}

export function define(command: Command, run: Run): void {
  command
    .description("Shows a saved plan. Needs neither the project nor any credentials.")
    .argument("<plan>", "a file saved by `ebb plan --out`")
    .addOption(new Option("--format <format>", "text or json").default("text"))
    .option("--show-values", "show the values of every field, also in a log")
    .addOption(new Option("--limit <n>", "records of each kind to show").argParser(wholeNumber(0)).default(5))
    .addHelpText("after", "\nExample:\n  ebb show customer-ltv.ebb --limit 20")
    .action((file: string, options: Options) => run((shell) => showCommand(shell, file, options)));
}

async function showCommand(shell: Shell, file: string, { format, showValues, limit }: Options): Promise<number> {
  if (format !== "text" && format !== "json")
    throw new ConfigError("USAGE", `--format ${format}: a plan is shown as text or json`, {
      next: "Use --format text or --format json.",
    });
  const [{ unpackPlan }, { withScratch }] = await Promise.all([
    import("../engine/plan-file.ts"),
    import("../engine/staging/scratch.ts"),
  ]);
  const world = await looseWorld();
  return withScratch(async (directory) => {
    const plan = await unpackPlan(world, file, directory);
    const { complete, stopped, expires } = plan.manifest;
    const expired = Date.parse(expires) < world.now();
    const next = complete && !stopped && !expired ? [`${invocation()} apply ${quoted(file)}`] : [];
    const view = { ...shell, json: shell.json || format === "json" };
    shell.print(await planText(view, plan, { showValues: showValues ?? false, limit, next }));
    if (expired) shell.note("This plan has expired; plan again to apply it.");
    return Exit.done;
  });
}

/** `ebb show`. @module */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import { isStopped } from "../core/plan.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import { invocation } from "./invocation.ts";
import { judgedAgain } from "./judging.ts";
import { several, wholeNumber } from "./options.ts";
import { planText, quoted } from "./plan-view.ts";
import { looseWorld } from "./project.ts";
import type { Shell } from "./shell.ts";

interface Options {
  readonly format: string;
  readonly showValues?: boolean;
  readonly limit: number;
  readonly policy: readonly string[];
}

export function define(command: Command, run: Run): void {
  command
    .description("Shows a saved plan. Needs neither the project nor any credentials.")
    .argument("<plan>", "a file saved by `ebb plan --out`")
    .addOption(new Option("--format <format>", "text or json").default("text"))
    .option("--show-values", "show the values of every field, also in a log")
    .option("--policy <file>", "hold these policies against the plan; may be repeated", several, [])
    .addOption(new Option("--limit <n>", "records of each kind to show").argParser(wholeNumber(0)).default(5))
    .addHelpText("after", "\nExample:\n  ebb show customer-ltv.ebb --limit 20")
    .action((file: string, options: Options) => run((shell) => showCommand(shell, file, options)));
}

async function showCommand(shell: Shell, file: string, options: Options): Promise<number> {
  const { format, showValues, limit, policy } = options;
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
    const files = policy.map((one) => resolve(one));
    const plan = await judgedAgain(await unpackPlan(world, file, directory), files, world.now(), shell.signals.stop);
    const { complete, expires } = plan.manifest;
    const stopped = isStopped(plan.summary);
    const expired = Date.parse(expires) < world.now();
    const next = complete && !stopped && !expired ? [`${invocation()} apply ${quoted(file)}`] : [];
    const view = { ...shell, json: shell.json || format === "json" };
    shell.print(await planText(view, plan, { showValues: showValues ?? false, limit, next }));
    if (expired) shell.note("This plan has expired; plan again to apply it.");
    return files.length > 0 && stopped ? Exit.stopped : Exit.done;
  });
}

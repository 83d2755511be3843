/** `ebb show`. @module */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import { isStopped } from "../core/plan.ts";
import { suggest } from "../core/suggest.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import { invocation } from "./invocation.ts";
import { judgedAgain } from "./judging.ts";
import { type LevelOptions, levelOptions, several } from "./options.ts";
import { applyCommand, levelOf, planMarkdown, planText, quoted } from "./plan-view.ts";
import { looseWorld } from "./project.ts";
import { addIdentityOption, identitiesFor } from "./sealing.ts";
import type { Shell } from "./shell.ts";
import { showsValues } from "./show-values.ts";

interface Options extends LevelOptions {
  readonly format: string;
  readonly out?: string;
  readonly policy: readonly string[];
  readonly identity: readonly string[];
}

const formats: readonly string[] = ["text", "json", "markdown", "html"];

export function define(command: Command, run: Run): void {
  const described = command
    .description("Shows a saved plan. Needs neither the project nor any credentials; an encrypted one needs a key.")
    .argument("<plan>", "a file saved by `ebb plan --out`")
    .addOption(new Option("--format <format>", "text, json, markdown for a pull request, or html").default("text"))
    .option("-o, --out <file>", "write the HTML to a file, and not to stdout")
    .option("--policy <file>", "hold these policies against the plan; may be repeated", several, []);
  levelOptions(addIdentityOption(described))
    .addHelpText(
      "after",
      "\nExample:\n  ebb show customer-ltv.ebb --detail 20\n  ebb show customer-ltv.ebb --format html --out plan.html\n  ebb show sealed.ebb --identity plan-key.txt",
    )
    .action((file: string, options: Options) => run((shell) => showCommand(shell, file, options)));
}

async function showCommand(shell: Shell, file: string, options: Options): Promise<number> {
  const { format, out, showValues = false, policy, ...level } = options;
  checkFormat(options);
  // A report is kept and passed on: as with JSON, its values have to be asked for.
  const view = { ...shell, json: shell.json || format === "json" };
  const all = showsValues({ ...shell, json: shell.json || format !== "text" }, showValues);
  const identities = await identitiesFor(options.identity, process.env);
  const [{ unpackPlan }, { withScratch }] = await Promise.all([
    import("../engine/plan-file.ts"),
    import("../engine/staging/scratch.ts"),
  ]);
  const world = await looseWorld();
  return withScratch(async (directory) => {
    const packed = await unpackPlan(world, file, directory, identities);
    const files = policy.map((one) => resolve(one));
    const plan = await judgedAgain(packed, files, world.now(), shell.signals.stop);
    const stopped = isStopped(plan.summary);
    const expired = Date.parse(plan.manifest.expires) < world.now();
    const apply = applyCommand(plan, file, expired);
    const show = `${invocation()} show ${quoted(file)}`;
    if (format === "html") {
      const { showHtml } = await import("./show-html.ts");
      const next = apply === null ? [] : [apply];
      await showHtml(shell, plan, { all, next, expired }, out === undefined ? undefined : resolve(out));
    } else if (format === "markdown")
      shell.print(await planMarkdown(shell, plan, { level: levelOf(level), apply, show }));
    else {
      const showing = (records: number) => `${show} --detail ${records}`;
      // A person at a terminal applies the file that was just read.
      const next = apply === null ? [] : [`${invocation()} apply ${quoted(file)}`];
      shell.print(await planText(view, plan, { all, level: levelOf(level), next, showing }));
    }
    if (expired && format !== "html") shell.note("This plan has expired; plan again to apply it.");
    return files.length > 0 && stopped ? Exit.stopped : Exit.done;
  });
}

function checkFormat({ format, out, showValues }: Options): void {
  if (!formats.includes(format))
    throw new ConfigError("USAGE", `--format ${format}: no such format`, {
      next: `Choose one of them: ${suggest(format, formats)}`,
    });
  if (format === "markdown" && showValues)
    throw new ConfigError("USAGE", "--show-values: a comment stays in mails and histories, so its values are masked", {
      next: "Leave it out, or use --format text on a terminal.",
    });
  if (out !== undefined && format !== "html")
    throw new ConfigError("USAGE", "--out is for --format html", { next: "Redirect stdout for the other formats." });
}

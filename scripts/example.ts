/** `npm run example -- NAME [DIR]`: a use case from end to end, against sandboxes, with the command line a user has. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { customerLifetimeValue } from "./example/customer-lifetime-value.ts";
import { makeProject } from "./example/project.ts";
import type { Example } from "./example/story.ts";
import { trialUsage } from "./example/trial-usage.ts";

const examples: Readonly<Record<string, Example>> = {
  "customer-lifetime-value": customerLifetimeValue,
  "trial-usage": trialUsage,
};
const root = join(import.meta.dirname, "..");
const [name = "", given] = process.argv.slice(2);
const example = Object.hasOwn(examples, name) ? examples[name] : undefined;
const directory = resolve(given ?? join(root, ".example", name));
const started = performance.now();

/** Whatever accounts the shell knows of, an example does not reach them. Its plans stay in its folder, also in CI unencrypted. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([variable]) => !/^(CI$|EBB_PLAN_|(SNOWFLAKE|HUBSPOT|SALESFORCE)_)/.test(variable),
  ),
);
const say = (text: string) => process.stdout.write(`${text}\n`);
const chapter = (title: string) => say(`\n━━ ${title} ${"━".repeat(Math.max(0, 74 - title.length))}\n`);
const problem = await (example ? tell(example) : unknown());
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}

/** Tells the story; answers why it ended early. */
async function tell(chosen: Example): Promise<string | undefined> {
  if (!existsSync(join(root, "dist"))) return "Ebb is not built here.\n  Next: Run `npm run build`.";
  try {
    await makeProject(name, chosen, directory);
    await chapters(chosen);
  } catch (error) {
    if (error instanceof RangeError) return `The example stops here: ${error.message}`;
    throw error;
  }
  return undefined;
}

async function chapters({ title, prepare, move, look, real }: Example): Promise<void> {
  const below = relative(process.cwd(), directory) || ".";
  const place = below.startsWith("..") ? directory : below;
  chapter(`${title}, in ${place}/`);
  say((await prepare(directory)).join("\n"));

  chapter("1. Plan: every record that would change, before anything does");
  await ebb(["plan", "--out", "first.ebb", "--detail", "0"]);

  chapter("2. The saved plan is what is reviewed: it needs no credentials to be read");
  await ebb(["show", "first.ebb", "--show-values", "--detail", "3"]);

  chapter("3. Apply: exactly that plan");
  await ebb(["apply", "first.ebb"]);

  chapter("4. Plan again: nothing is left to do");
  await ebb(["plan", "--detailed-exitcode"]);

  chapter("5. The warehouse moves, and people work in the CRM");
  say((await move(directory)).join("\n"));

  chapter("6. Plan shows exactly that, what people did apart");
  await ebb(["plan", "--out", "second.ebb", "--show-values", "--detail", "3"]);

  chapter("7. Apply it, and be done");
  await ebb(["apply", "second.ebb"]);
  await ebb(["plan", "--detailed-exitcode"]);

  chapter("Summary");
  await ebb(["runs"]);
  const lines = [["npx ebb plan --detailed-exitcode", "exit code 0: nothing to do"], ...look];
  say(`
The example took ${Math.round((performance.now() - started) / 1000)} s. Look around; everything stays where it is:

  cd ${place}
${lines.map(([command = "", shows = ""]) => `  ${command.padEnd(37)} # ${shows}`).join("\n")}

It is stacks/${name}.ts that ran, copied to main.ts: change a field in it and plan again.
For your own accounts, set ${real.join(", ")}
and empty sandbox.env. stacks/${name}.md says where to get them, and how to run it every night.`);
}

/** Runs the command line in the example's folder and shows it as a user would type it. */
async function ebb(args: readonly string[]): Promise<void> {
  say(`$ npx ebb ${args.join(" ")}`);
  const child = spawn(process.execPath, [join(root, "bin/ebb.js"), ...args], {
    cwd: directory,
    // The data is made up, so it may be read in a log as well.
    env: { ...env, EBB_SHOW_VALUES_IN_LOGS: "1" },
    stdio: "inherit",
  });
  const code = await new Promise<number | null>((ended) => child.on("exit", ended));
  if (code !== 0) throw new RangeError(`ebb ${args[0]} ended with exit code ${code}`);
}

function unknown(): string {
  const wrong = name === "" ? "Which example?" : `There is no example "${name}".`;
  const lines = Object.keys(examples).map((known) => `  npm run example -- ${known}`);
  return `${wrong} There are:\n${lines.join("\n")}\nA folder may follow the name; without one it is .example/NAME.`;
}

/** `ebb plan`. @module */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { denials } from "../core/plan.ts";
import type { Refresh } from "../core/sync.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import type { Run } from "./command.ts";
import { invocation } from "./invocation.ts";
import { type MakeOptions, makePlan, outputOptions } from "./make-plan.ts";
import { lengthOfTime, levelOptions, several } from "./options.ts";
import { quoted } from "./plan-view.ts";
import type { Shell } from "./shell.ts";

interface Options extends MakeOptions {
  readonly target: readonly string[];
  readonly refresh?: Refresh;
  readonly expires: number;
  readonly policy: readonly string[];
}

const DAY_MS = 24 * 60 * 60 * 1000;

export function define(command: Command, run: Run): void {
  const described = command.description(
    "Reads both sides and shows what would change, record by record. Writes nothing.",
  );
  const more = outputOptions(described)
    .option("-t, --target <sync>", "plan only this sync; may be repeated", several, [])
    .addOption(
      new Option("--refresh <level>", "how much of the destination to read").choices(["full", "changed", "off"]),
    )
    .addOption(
      new Option("--expires <time>", "how long the plan may be applied").argParser(lengthOfTime).default(DAY_MS, "24h"),
    )
    .option("--policy <file>", "hold these policies against the plan; may be repeated", several, []);
  levelOptions(more)
    .addHelpText(
      "after",
      "\nExample:\n  ebb plan --target customer-ltv --out customer-ltv.ebb\n  ebb plan --out crm.ebb --encrypt-to age1…    (a key made by `ebb keygen`)",
    )
    .action((options: Options) => run((shell) => planCommand(shell, options)));
}

async function planCommand(shell: Shell, options: Options): Promise<number> {
  return makePlan(shell, options, {
    policies: options.policy.map((file) => resolve(file)),
    again: `plan${targetWords(options.target)}`,
    async make({ world, project }, settings, listen) {
      const { plan } = await import("../engine/plan.ts");
      const { target: targets, expires: expiresMs, refresh } = options;
      const asked = { ...settings, targets, expiresMs, ...(refresh === undefined ? {} : { refresh }) };
      return plan(world, project, asked, listen, shell.signals.stop);
    },
    async about({ world, project }, made) {
      const [{ openState }, { unfinishedRuns }, { changedQueries }] = await Promise.all([
        import("../engine/state/state.ts"),
        import("../engine/run/runs.ts"),
        import("../engine/review/queries.ts"),
      ]);
      const store = openState(world, project.state.directory);
      const [unfinished] = await unfinishedRuns(world, store);
      return {
        queries: await changedQueries(world, store, made.manifest),
        next: nextSteps(made, options, unfinished?.run),
        unfinished: unfinished?.run ?? null,
      };
    },
  });
}

function nextSteps(plan: OpenPlan, { out, target }: Options, unfinished: string | undefined): readonly string[] {
  const ebb = invocation();
  if (unfinished !== undefined)
    return [`${ebb} apply`, `    finishes run ${unfinished}, which stopped before its end`, "    and then plan again"];
  const { complete, stopped, syncs } = plan.manifest;
  if (!complete) return ["Mend what could not be read, and plan again."];
  if (denials(plan.summary.policies).length > 0)
    return ["Change what the policies name, or have a policy that is wrong changed,", "and plan again."];
  if (stopped) return ["Look at the changes; if they are right, raise the guard's number in the sync."];
  if (syncs.every(({ changes, confirmed }) => changes + confirmed === 0)) return [];
  if (out !== undefined) return [`${ebb} show ${quoted(out)}`, `${ebb} apply ${quoted(out)}`];
  return [`${ebb} plan${targetWords(target)} --out plan.ebb`, `${ebb} apply plan.ebb`];
}

function targetWords(target: readonly string[]): string {
  return target.map((name) => ` --target ${quoted(name)}`).join("");
}

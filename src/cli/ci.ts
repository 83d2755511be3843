/** `ebb ci`: what the jobs of a workflow do besides planning and applying. @module */
import { appendFile, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { Forge } from "../forge/forge.ts";
import type { Outcome } from "../forge/review.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import { looseWorld } from "./project.ts";
import type { Shell } from "./shell.ts";

interface NameOptions {
  readonly name?: string;
}

export function define(command: Command, run: Run): void {
  command
    .description(
      "In a job of GitHub Actions or GitLab CI: tells a plan in one comment on its pull or merge request, and finds the plan that was reviewed there when the request has been merged. `ebb init --ci` writes such jobs.",
    )
    .addHelpText("after", "\nExample:\n  ebb ci comment plan.md");
  command
    .command("comment")
    .description("write, or write anew, the comment and the labels of the request this job was started for")
    .argument("<file>", "written by `ebb plan --markdown`; where it is not there, the comment is marked out of date")
    .addHelpText("after", "\nExample:\n  ebb plan --out plan.ebb --markdown plan.md\n  ebb ci comment plan.md")
    .action((file: string) => run((shell) => comment(shell, file)));
  nameOption(
    command
      .command("fetch")
      .description("fetch the plan that was reviewed in the request this job's commit was merged by; prints its digest")
      .requiredOption("-o, --out <file>", "where to write it"),
  )
    .addHelpText("after", '\nExample:\n  ebb apply plan.ebb --digest "$(ebb ci fetch --out plan.ebb)"')
    .action((options: NameOptions & { readonly out: string }) => run((shell) => fetchPlan(shell, options)));
  nameOption(
    command
      .command("outcome")
      .description("say in the comment of the merged request what became of its plan")
      .addOption(
        new Option("--is <outcome>", "what became of it").choices(["applied", "failed"]).makeOptionMandatory(),
      ),
  )
    .addHelpText("after", "\nExample:\n  ebb ci outcome --is applied")
    .action((options: NameOptions & { readonly is: Outcome }) => run((shell) => outcome(shell, options)));
}

function nameOption(command: Command): Command {
  return command.option("--name <name>", "which plan, where a request has comments of several");
}

async function open(): Promise<Forge> {
  const { openForge } = await import("../forge/open.ts");
  return openForge(await looseWorld());
}

async function comment(shell: Shell, file: string): Promise<number> {
  const forge = await open();
  const { tellNoPlan, tellPlan } = await import("../forge/review.ts");
  const markdown = await readFile(resolve(file), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw new ConfigError("FILE_MISSING", `${file} cannot be read`, { cause: error });
  });
  if (markdown !== null && forge.summaryFile !== null) await appendFile(forge.summaryFile, markdown);
  if (forge.request === null)
    throw new ConfigError("FORGE_UNKNOWN", `this job of ${forge.name} was not started for a request`, {
      next: "Run the command in a job that pull or merge requests start.",
    });
  const { number } = forge.request;
  if (markdown !== null) {
    await tellPlan(forge, number, markdown, shell.signals.stop);
    return said(shell, { request: number }, `The plan is told in the comment of request ${number}.`);
  }
  const old = await tellNoPlan(forge, number, shell.signals.stop);
  return said(
    shell,
    { request: number, outdated: old },
    `There is no ${file}: ${old} comments are marked out of date.`,
  );
}

async function fetchPlan(shell: Shell, { out, name }: NameOptions & { readonly out: string }): Promise<number> {
  const forge = await open();
  const { reviewedPlan } = await import("../forge/review.ts");
  const { request, mark, job } = await reviewedPlan(forge, name, shell.signals.stop);
  await forge.download(job, resolve(out), shell.signals.stop);
  shell.note(`${out} is the plan that was reviewed in request ${request}.`);
  shell.print(
    shell.json ? JSON.stringify({ request, digest: mark.digest, verdict: mark.verdict, file: out }) : mark.digest,
  );
  return Exit.done;
}

async function outcome(shell: Shell, { is, name }: NameOptions & { readonly is: Outcome }): Promise<number> {
  const forge = await open();
  const { tellOutcome } = await import("../forge/review.ts");
  const told = await tellOutcome(forge, is, name, shell.signals.stop);
  return said(
    shell,
    { told },
    told ? "The comment says what became of the plan." : "There is no comment to say it in.",
  );
}

function said(shell: Shell, json: unknown, text: string): number {
  if (shell.json) shell.print(JSON.stringify(json));
  else shell.note(text);
  return Exit.done;
}

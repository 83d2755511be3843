/** `ebb init`. @module */
import { existsSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { type Command, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import { invocation } from "./invocation.ts";
import { packageRoot, packageVersion } from "./package.ts";
import { quoted } from "./plan-view.ts";
import { loadProject } from "./project.ts";
import { scaffold, seed } from "./scaffold.ts";
import type { Shell } from "./shell.ts";
import { type ForgeName, forges, workflowFiles, workflowSteps } from "./workflows/workflow.ts";

interface Options {
  readonly ci?: ForgeName;
}

export function define(command: Command, run: Run): void {
  command
    .description(
      "Makes a project that runs at once: a stack, data, a sandbox for a CRM, and a CI workflow. In a project that is there already, --ci adds the workflow alone.",
    )
    .argument("[dir]", "an empty or new folder, or a project", ".")
    .addOption(new Option("--ci <forge>", "where it plans and applies by itself (default: github)").choices(forges))
    .addHelpText("after", "\nExample:\n  ebb init crm && cd crm && ebb plan\n  ebb init --ci gitlab")
    .action((directory: string, { ci }: Options) => run((shell) => initCommand(shell, directory, ci)));
}

function initCommand(shell: Shell, given: string, ci: ForgeName | undefined): Promise<number> {
  if (ci !== undefined && existsSync(join(resolve(given), "cdktf.json"))) return addWorkflow(shell, given, ci);
  return makeProject(shell, given, ci ?? "github");
}

/** For a project that is there already: the workflow, with the secrets that its connections name. */
async function addWorkflow(shell: Shell, given: string, ci: ForgeName): Promise<number> {
  const directory = resolve(given);
  const { project } = await loadProject(shell, { directory });
  const secrets = environmentNames(project);
  const files = workflowFiles(ci, { secrets });
  await writeNew(directory, files);
  const steps = workflowSteps(ci, { secrets });
  if (shell.json) shell.print(JSON.stringify({ directory, files: Object.keys(files), next: steps }));
  else shell.print([...madeLines(directory, files), "", "Set once", ...steps.map((line) => `  ${line}`)].join("\n"));
  return Exit.done;
}

/** Names of the variables that values such as `env:NAME` refer to, each once. */
function environmentNames(value: unknown): readonly string[] {
  const found = JSON.stringify(value).matchAll(/"env:([A-Za-z_][A-Za-z0-9_]*)"/g);
  return [...new Set([...found].flatMap(([, name]) => name ?? []))].toSorted();
}

/** Writes files where there are none. One that says the same already is left as it is. */
async function writeNew(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  const missing: [path: string, text: string][] = [];
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    const there = existsSync(path) ? await readFile(path, "utf8").catch(() => "") : null;
    if (there === null) missing.push([path, text]);
    else if (there !== text)
      throw new ConfigError("PATH_EXISTS", `${path} is there already`, {
        next: "Move it away and run this again, or choose an empty folder.",
      });
  }
  for (const [path, text] of missing) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: "wx" });
  }
}

function madeLines(directory: string, files: Readonly<Record<string, string>>): readonly string[] {
  return [`Made ${directory}`, ...Object.keys(files).map((path) => `  ${path}`)];
}

async function makeProject(shell: Shell, given: string, ci: ForgeName): Promise<number> {
  const directory = resolve(given);
  const root = packageRoot();
  // Installed from a registry it is asked for by its version; from anywhere else, by its place.
  const published = root.includes(`${sep}node_modules${sep}`);
  const place = relative(directory, root).split(sep).join("/");
  const files = scaffold({
    name:
      basename(directory)
        .toLowerCase()
        .replace(/[^a-z0-9-]+/g, "-")
        .replace(/^-+|-+$/g, "") || "syncs",
    ci,
    ebb: published ? `^${packageVersion()}` : `file:${place || "."}`,
  });
  if (existsSync(join(directory, ".ebb")))
    throw new ConfigError("PATH_EXISTS", `${join(directory, ".ebb")} is there already`);
  await writeNew(directory, files);
  const linked = !published && (await linkPackage(directory, root));
  await seedSandbox(join(directory, ".ebb", "sandbox", "crm"));

  const enter = given === "." ? [] : [`cd ${quoted(given)}`];
  const next = [...enter, ...(linked ? [] : ["npm install"]), `${linked ? "npx ebb" : invocation()} plan`];
  if (shell.json) shell.print(JSON.stringify({ directory, files: Object.keys(files), next }));
  else shell.print([...madeLines(directory, files), "", "Next", ...next.map((line) => `  ${line}`)].join("\n"));
  return Exit.done;
}

/** What `npm install` makes of a `file:` dependency, so that the project runs before it. */
async function linkPackage(directory: string, root: string): Promise<boolean> {
  const modules = join(directory, "node_modules");
  if (existsSync(modules)) return existsSync(join(modules, "ebb"));
  try {
    await mkdir(join(modules, ".bin"), { recursive: true });
    await symlink(root, join(modules, "ebb"), "dir");
    await symlink(join("..", "ebb", "bin", "ebb.js"), join(modules, ".bin", "ebb"));
    return true;
  } catch {
    // Where links are not allowed, npm makes a copy.
    return false;
  }
}

async function seedSandbox(directory: string): Promise<void> {
  const { systems } = await import("../../providers/index.ts");
  const sandbox = await systems.find(({ name }) => name === "salesforce")?.sandbox?.();
  const running = await sandbox?.startSandbox({ port: 0, directory });
  if (!running) return;
  try {
    const answer = await fetch(`${running.url}/__sandbox/seed`, { method: "POST", body: JSON.stringify(seed) });
    if (!answer.ok) throw new TypeError(`the sandbox refused the contacts: ${answer.status}`);
  } finally {
    await running.close();
  }
}

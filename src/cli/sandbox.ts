/** `ebb sandbox`. @module */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { Sandbox, System } from "../connector/index.ts";
import { ConfigError } from "../core/errors.ts";
import { isObject } from "../core/is-object.ts";
import { suggest } from "../core/suggest.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import { wholeNumber } from "./options.ts";
import type { Shell } from "./shell.ts";

interface Options {
  readonly port: number;
  readonly faults?: string;
  readonly directory?: string;
}

export function define(command: Command, run: Run): void {
  command
    .description("Runs servers on this machine that behave like the vendors', until Ctrl-C.")
    .argument("<system...>", "systems to run")
    .addOption(
      new Option("--port <n>", "port of the first; the others follow it (default: free ones)")
        .argParser(wholeNumber(0))
        .default(0, "free ones"),
    )
    .option("--faults <file>", "JSON of what is to go wrong, as the sandbox's page describes it")
    .option("--directory <dir>", "keep the records there, instead of in memory")
    .addHelpText("after", "\nExample:\n  ebb sandbox salesforce --port 4001 --directory .ebb/sandbox")
    .action((names: readonly string[], options: Options) => run((shell) => sandboxCommand(shell, names, options)));
}

async function sandboxCommand(shell: Shell, names: readonly string[], options: Options): Promise<number> {
  const [{ systems }, { renderSandbox, sandboxJson }] = await Promise.all([
    import("../../providers/index.ts"),
    import("../report/sandbox.ts"),
  ]);
  const chosen = names.map((name) => withSandbox(systems, name));
  const faults = options.faults === undefined ? undefined : await readFaults(options.faults);
  const running: Sandbox[] = [];
  try {
    for (const [i, system] of chosen.entries()) {
      const port = options.port === 0 ? 0 : options.port + i;
      const sandbox = await start(system, port, options.directory, faults);
      running.push(sandbox);
      shell.print(shell.json ? sandboxJson(system, sandbox) : renderSandbox(system, sandbox, shell.style));
    }
    shell.note("Running until Ctrl-C.");
    await new Promise<void>((stopped) => {
      shell.signals.stop.addEventListener("abort", () => stopped());
      if (shell.signals.stop.aborted) stopped();
    });
  } finally {
    for (const sandbox of running) await sandbox.close();
  }
  return Exit.done;
}

type WithSandbox = System & { readonly sandbox: NonNullable<System["sandbox"]> };

function withSandbox(systems: readonly System[], name: string): WithSandbox {
  const offered = systems.filter((system): system is WithSandbox => system.sandbox !== undefined);
  const found = offered.find((system) => system.name === name);
  if (found) return found;
  const hint = suggest(
    name,
    offered.map((system) => system.name),
  );
  throw new ConfigError("SYSTEM_UNKNOWN", `there is no sandbox "${name}": ${hint}`);
}

async function start(
  system: WithSandbox,
  port: number,
  directory: string | undefined,
  faults: Readonly<Record<string, unknown>> | undefined,
): Promise<Sandbox> {
  const { startSandbox } = await system.sandbox();
  try {
    return await startSandbox({
      port,
      ...(directory === undefined ? {} : { directory: join(resolve(directory), system.name) }),
      ...(faults === undefined ? {} : { faults }),
    });
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "EADDRINUSE") throw cause;
    throw new ConfigError("USAGE", `port ${port} is in use`, { cause, next: "Choose another with --port." });
  }
}

async function readFaults(file: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new ConfigError("FILE_MISSING", `there is no file ${file}`, { cause });
  });
  try {
    const faults: unknown = JSON.parse(text);
    if (isObject(faults)) return faults;
  } catch {
    // Told below, as for JSON that is no object.
  }
  throw new ConfigError("CONFIG_INVALID", `${file} is not a JSON object`, { next: "Correct the file." });
}

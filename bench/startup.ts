/** `ebb --help` beside bare node, and a plan of a small stack with its synth: medians of several runs. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { inFolder } from "./harness.ts";

const root = join(import.meta.dirname, "..");
const ebb = join(root, "bin/ebb.js");

export interface StartupFigures {
  readonly nodeMs: number;
  readonly helpMs: number;
  readonly planMs: number;
}

export function benchStartup(): Promise<StartupFigures> {
  return inFolder(async (directory) => {
    run([ebb, "init", "small"], directory);
    const project = join(directory, "small");
    run([ebb, "plan"], project);
    return {
      nodeMs: median(() => run(["-e", "0"], directory), 9),
      helpMs: median(() => run([ebb, "--help"], directory), 9),
      planMs: median(() => run([ebb, "plan"], project), 5),
    };
  });
}

function run(args: readonly string[], cwd: string): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new TypeError(`${args.join(" ")} ended with ${status}: ${stderr}`);
  return performance.now() - started;
}

function median(work: () => number, times: number): number {
  const all = Array.from({ length: times }, work).sort((a, b) => a - b);
  return Math.round(all[Math.floor(times / 2)] ?? 0);
}

if (process.argv[2] === "--child") process.stdout.write(`${JSON.stringify(await benchStartup())}\n`);

/** Runs the `app` command of cdktf.json and reads what it synthesized. @module */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { isObject } from "../core/is-object.ts";
import { suggest } from "../core/suggest.ts";
import { type Annotation, annotationsOf, keepAnnotations } from "./annotations.ts";

/** Where a project is and how it is synthesized. */
export interface AppFile {
  /** Folder of cdktf.json. */
  readonly root: string;
  readonly command: string;
  /** Absolute path of the folder the app writes to. */
  readonly output: string;
  readonly context: unknown;
}

const LAST_LINES = 30;
const MOST_OUTPUT = 200_000;
/** How long a stopped app may take to end. */
const PATIENCE_MS = 2_000;

/** Finds cdktf.json in a folder or above it. */
export async function findApp(from: string): Promise<AppFile> {
  for (let root = from; ; root = dirname(root)) {
    const path = join(root, "cdktf.json");
    const text = await readFile(path, "utf8").catch(() => null);
    if (text !== null) return appOf(root, path, text);
    if (root === dirname(root)) throw new ConfigError("PROJECT_NOT_FOUND", `no cdktf.json in ${from} or above it`);
  }
}

function appOf(root: string, path: string, text: string): AppFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("CONFIG_INVALID", `${path} is not JSON`, { cause, next: "Correct the file." });
  }
  const { app, output = "cdktf.out", context = {} } = isObject(json) ? json : {};
  if (typeof app !== "string" || typeof output !== "string")
    throw new ConfigError("CONFIG_INVALID", `${path} needs "app", the command that synthesizes`, {
      next: 'Write for example "app": "node --import ebb/typescript main.ts".',
    });
  return { root, command: app, output: isAbsolute(output) ? output : join(root, output), context };
}

/** What the app itself printed, for whoever wants to see it. */
export type AppOutput = string;

/** The shell and all that the command starts are one group of processes, where there are such. */
const inGroups = process.platform !== "win32";

/** Asks the app to end, and ends it if it does not. */
function stopAll(child: ChildProcess): void {
  const kill = (by: NodeJS.Signals) => {
    try {
      if (inGroups && child.pid) process.kill(-child.pid, by);
      else child.kill(by);
    } catch {
      // It ended meanwhile.
    }
  };
  kill("SIGTERM");
  const late = setTimeout(kill, PATIENCE_MS, "SIGKILL");
  child.once("close", () => clearTimeout(late));
}

/** Runs the app. Throws `APP_FAILED` with its last words; when stopped, the signal's reason, and nothing of the app runs on. */
export async function runApp({ root, command, output, context }: AppFile, signal: AbortSignal): Promise<AppOutput> {
  signal.throwIfAborted();
  const started = Date.now();
  const env = { ...process.env, CDKTF_OUTDIR: output, CDKTF_CONTEXT_JSON: JSON.stringify(context), ...keepAnnotations };
  const child = spawn(command, { cwd: root, shell: true, env, stdio: ["ignore", "pipe", "pipe"], detached: inGroups });
  const stop = () => stopAll(child);
  signal.addEventListener("abort", stop, { once: true });
  let said = "";
  const take = (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-MOST_OUTPUT);
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const code = await new Promise<number | string>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, by) => resolve(status ?? by ?? 1));
  }).finally(() => signal.removeEventListener("abort", stop));
  signal.throwIfAborted();
  const failed = (why: string) => {
    const lines = said.trimEnd().split("\n").slice(-LAST_LINES);
    const words = said.trim() === "" ? "" : `:\n${lines.map((line) => `  | ${line}`).join("\n")}`;
    return new ConfigError("APP_FAILED", `\`${command}\` ${why}${words}`);
  };
  if (code !== 0) throw failed(`ended with ${code}`);
  const written = await stat(join(output, "manifest.json")).catch(() => null);
  // The file system's clock may be a little behind.
  if (!written || written.mtimeMs < started - 1_000) throw failed("wrote no stack; it must end with app.synth()");
  return said;
}

/** One stack as it was synthesized. */
export interface SynthesizedStack {
  readonly json: unknown;
  readonly annotations: readonly Annotation[];
}

export async function readStack({ output }: AppFile, name: string | undefined): Promise<SynthesizedStack> {
  const stacks = await stacksOf(output);
  const names = [...stacks.keys()];
  const only = name ?? (names.length === 1 ? names[0] : undefined);
  if (only === undefined)
    throw new ConfigError(
      "CONFIG_INVALID",
      names.length === 0 ? "the app declares no stack" : `the app declares several stacks: ${names.join(", ")}`,
      { next: names.length === 0 ? "Declare a SyncStack in it." : "Choose one with --stack NAME." },
    );
  if (!stacks.has(only))
    throw new ConfigError("CONFIG_INVALID", `there is no stack "${only}": ${suggest(only, names)}`, {
      next: "Correct the name after --stack.",
    });
  const stack = stacks.get(only);
  const path =
    isObject(stack) && typeof stack.synthesizedStackPath === "string"
      ? stack.synthesizedStackPath
      : join("stacks", only, "cdk.tf.json");
  return { json: JSON.parse(await readFile(join(output, path), "utf8")), annotations: annotationsOf(stack) };
}

async function stacksOf(output: string): Promise<ReadonlyMap<string, unknown>> {
  const manifest: unknown = JSON.parse(await readFile(join(output, "manifest.json"), "utf8"));
  return new Map(Object.entries(isObject(manifest) && isObject(manifest.stacks) ? manifest.stacks : {}));
}

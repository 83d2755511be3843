/** Runs the real Terraform with the real provider, in folders of its own. @module */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ended, ebb, root } from "../cli/run.ts";

const home = mkdtempSync(join(tmpdir(), "ebb-terraform-"));
export const clear = () => rmSync(home, { recursive: true, force: true });

const plainText = { TF_CLI_ARGS_plan: "-no-color", TF_CLI_ARGS_apply: "-no-color", TF_CLI_ARGS_destroy: "-no-color" };
/** Nothing of this machine's configuration of Terraform. */
const env = { PATH: process.env.PATH ?? "", HOME: home, TMPDIR: tmpdir(), CHECKPOINT_DISABLE: "1", ...plainText };

const found = spawnSync("terraform", ["version"], { env }).status === 0;
/** Why tests that need Terraform cannot run; undefined where it is there. */
export const missing = found ? undefined : "there is no terraform on the PATH";

export function execute(
  command: string,
  args: readonly string[],
  cwd: string,
  more: NodeJS.ProcessEnv = {},
  meanwhile: (child: ChildProcess) => void = () => undefined,
) {
  const child = spawn(command, args, { cwd, env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"] });
  meanwhile(child);
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  return new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

export const terraform = (cwd: string, ...args: readonly string[]) => execute("terraform", args, cwd);

let folders = 0;
/** A new folder with these files. */
export function folder(files: Readonly<Record<string, string>> = {}): string {
  folders += 1;
  const directory = join(home, String(folders));
  mkdirSync(directory);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

/** Installs the provider as a user does, and lets Terraform find it. */
export async function initialised(directory: string): Promise<string> {
  const installed = await ebb(["terraform", "install", directory], { cwd: root });
  if (installed.code !== 0) throw new TypeError(installed.err);
  const init = await terraform(directory, "init");
  if (init.code !== 0) throw new TypeError(init.err);
  return directory;
}

export interface Validation {
  readonly valid: boolean;
  readonly code: number | null;
  /** Summaries of the errors. */
  readonly errors: readonly string[];
  /** The lines that Terraform shows for them. */
  readonly lines: readonly string[];
  readonly details: readonly string[];
}

/** @param run runs Terraform in the folder that is validated */
export async function validate(run: (...args: readonly string[]) => Promise<Ended>): Promise<Validation> {
  const { code, out } = await run("validate", "-json");
  const { valid, diagnostics } = JSON.parse(out) as {
    readonly valid: boolean;
    readonly diagnostics: readonly { summary: string; detail: string; snippet?: { code: string } }[];
  };
  return {
    valid,
    code,
    errors: diagnostics.map(({ summary }) => summary),
    lines: diagnostics.map(({ snippet }) => snippet?.code ?? ""),
    details: diagnostics.map(({ detail }) => detail),
  };
}

/** Does one sabotage in a copy of the project and runs the test that must notice. @module */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./build.ts";
import type { Sabotage } from "./sabotages.ts";

export interface Noticed {
  readonly what: string;
  readonly test: string;
  /** The test failed with the sabotage. */
  readonly noticed: boolean;
  /** Last lines of the test's run, where it did not fail as it should. */
  readonly said: string;
}

const needed = ["src", "providers", "test", "scripts", "bench", "package.json", "tsconfig.json"];
/** Without the step that compiles `dist`, which the named tests do not use. */
const config = 'export default { test: { environment: "node", testTimeout: 120000, hookTimeout: 60000 } };\n';

/** A copy of the tree with its own sources and the project's packages. */
export function copyProject(): { readonly directory: string; clear(): void } {
  const directory = mkdtempSync(join(tmpdir(), "ebb-sabotage-"));
  for (const name of needed) cpSync(join(root, name), join(directory, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
  writeFileSync(join(directory, "vitest.config.mjs"), config);
  return { directory, clear: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Runs the named test with one line done wrong, and puts the line right again. */
export function sabotage(directory: string, { what, file, from, to, test }: Sabotage): Noticed {
  const path = join(directory, file);
  const whole = readFileSync(path, "utf8");
  const title = `${test.path} -t "${test.name}"`;
  if (whole.split(from).length !== 2)
    return { what, test: title, noticed: false, said: `${file} does not hold exactly once: ${from}` };
  writeFileSync(
    path,
    whole.replace(from, () => to),
  );
  try {
    const { status, output } = runTest(directory, test);
    // A file that cannot be run, or a name that is not there, proves nothing.
    const failed = status !== 0 && /Tests .*\d+ failed/.test(output);
    return { what, test: title, noticed: failed, said: failed ? "" : lastOf(output) };
  } finally {
    writeFileSync(path, whole);
  }
}

/** What the named test says where it fails without any sabotage; empty where it passes. */
export function failing(directory: string, { test }: Sabotage): string {
  const { status, output } = runTest(directory, test);
  return status === 0 ? "" : output;
}

function runTest(directory: string, { path, name }: Sabotage["test"]) {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const args = [vitest, "run", path, "-t", name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "--bail", "1"];
  const env = { ...process.env, NO_COLOR: "1", EBB_FAULTS: "all" };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: directory, encoding: "utf8", env });
  return { status, output: `${stdout}${stderr}` };
}

function lastOf(output: string): string {
  return output.trimEnd().split("\n").slice(-15).join("\n");
}

/** The real world, as the provider's process finds it. @module */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { System } from "../connector/index.ts";
import { realWorld } from "../engine/real-world.ts";
import type { World } from "../engine/world.ts";

/**
 * @param from the folder Terraform runs in
 * @param secrets what references stand for besides the variables of the environment
 */
export function createWorld(
  systems: readonly System[],
  from: string,
  secrets: Readonly<Record<string, string>>,
): World {
  const world = realWorld({
    systems,
    directory: projectDirectory(from),
    version: packageVersion(),
    interactive: false,
  });
  return { ...world, env: { ...world.env, ...secrets } };
}

/** Where relative paths start: the folder of cdktf.json, as for the command line, or else the one Terraform runs in. */
function projectDirectory(from: string): string {
  return above(from, "cdktf.json") ?? from;
}

function packageVersion(): string {
  const root = above(dirname(fileURLToPath(import.meta.url)), "package.json") ?? ".";
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}

function above(from: string, file: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, file))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

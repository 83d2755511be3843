/** The real world, as the provider's process finds it. @module */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { System } from "../connector/index.ts";
import { realWorld } from "../engine/real-world.ts";
import type { World } from "../engine/world.ts";

export function createWorld(systems: readonly System[]): World {
  return realWorld({
    systems,
    directory: projectDirectory(process.cwd()),
    version: packageVersion(),
    interactive: false,
  });
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

import type { System } from "../connector/index.ts";
import { realWorld } from "../engine/real-world.ts";
import type { World } from "../engine/world.ts";
import { packageVersion } from "./package.ts";

/** Replaces parts of a world, for tests that break it. */
export type Around = (world: World) => World;

/** @param directory root of the project */
export function createWorld(directory: string, systems: readonly System[]): World {
  const interactive = process.stdin.isTTY === true && process.stderr.isTTY === true;
  return realWorld({ directory, systems, version: packageVersion(), interactive });
}

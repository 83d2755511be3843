/** The real world: this machine's disk, clock, network and randomness. @module */
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { System } from "../connector/index.ts";
import { localDisk } from "../engine/disk.ts";
import type { World } from "../engine/world.ts";
import { packageVersion } from "./package.ts";

const CONNECTIONS = 32;

/** @param directory root of the project */
export function createWorld(directory: string, systems: readonly System[]): World {
  let agent: ReturnType<World["dispatcher"]> | undefined;
  return {
    systems,
    directory,
    env: process.env,
    disk: localDisk,
    now: Date.now,
    sleep: async (ms, signal) => {
      await wait(ms, undefined, { signal });
    },
    randomName: () => randomBytes(8).toString("hex"),
    dispatcher: () => {
      agent ??= import("undici").then(({ Agent }) => new Agent({ connections: CONNECTIONS, pipelining: 1 }));
      return agent;
    },
    version: packageVersion(),
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    limiters: new Map(),
  };
}

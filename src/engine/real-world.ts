/** The real world: this machine's disk, clock, network and randomness. @module */
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { localDisk } from "./state/disk.ts";
import type { World } from "./world.ts";

const CONNECTIONS = 32;

/** What a front knows and the machine does not. */
export type Front = Pick<World, "systems" | "directory" | "version" | "interactive">;

export function realWorld(front: Front): World {
  let agent: ReturnType<World["dispatcher"]> | undefined;
  return {
    ...front,
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
    limiters: new Map(),
  };
}

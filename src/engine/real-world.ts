/** The real world: this machine's disk, clock, network and randomness. @module */
import { randomBytes } from "node:crypto";
import { lstat, mkdir } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { openAgent } from "./connect/agent.ts";
import { localDisk } from "./state/disk.ts";
import type { World } from "./world.ts";

/** What a front knows and the machine does not. */
export type Front = Pick<World, "systems" | "directory" | "version" | "interactive">;

export function realWorld(front: Front): World {
  let agent: ReturnType<World["dispatcher"]> | undefined;
  return {
    ...front,
    env: process.env,
    disk: localDisk,
    now: Date.now,
    steady: () => performance.timeOrigin + performance.now(),
    sleep: async (ms, signal) => {
      await wait(ms, undefined, { signal });
    },
    after: (ms, act) => {
      const timer = setTimeout(act, ms);
      timer.unref();
      return () => clearTimeout(timer);
    },
    randomName: () => randomBytes(8).toString("hex"),
    random: Math.random,
    dispatcher: () => {
      agent ??= openAgent();
      return agent;
    },
    meetingPlace,
    limiters: new Map(),
  };
}

/** In the machine's temporary folder, where it is this user's own and nobody else may look into it. */
async function meetingPlace(): Promise<string | null> {
  try {
    const { uid } = userInfo();
    const path = join(tmpdir(), `ebb-${uid}`);
    await mkdir(path, { recursive: true, mode: 0o700 });
    const found = await lstat(path);
    return found.isDirectory() && (uid === -1 || (found.uid === uid && (found.mode & 0o077) === 0)) ? path : null;
  } catch {
    return null;
  }
}

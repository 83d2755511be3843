import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "undici";
import { systems } from "../providers/index.ts";
import { localDisk } from "../src/engine/state/disk.ts";
import type { World } from "../src/engine/world.ts";

/** Runs `use` in a folder of its own and removes it. */
export async function inFolder<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "ebb-bench-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The real world, in a folder. */
export function benchWorld(directory: string): World {
  let agent: Agent | undefined;
  return {
    systems,
    directory,
    env: process.env,
    disk: localDisk,
    now: Date.now,
    steady: Date.now,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    randomName: () => Math.random().toString(36).slice(2, 10),
    after: () => () => undefined,
    random: Math.random,
    dispatcher: async () => {
      agent ??= new Agent({ connections: 32 });
      return agent;
    },
    version: "bench",
    interactive: false,
    meetingPlace: async () => null,
    limiters: new Map(),
  };
}

/** Seconds a piece of work took, and what it gave. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly seconds: number; readonly value: T }> {
  const started = performance.now();
  const value = await work();
  return { seconds: (performance.now() - started) / 1000, value };
}

/** Peak resident memory of this process so far, in MB. */
export function peakMb(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}

export const never = new AbortController().signal;
export const silent = () => undefined;
export const untouched = { stop: never, abort: never };

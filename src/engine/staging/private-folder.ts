/** Folders for rows on their way, which outlive neither their use nor, for long, a process that was killed. @module */
import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasEnded, thisProcess } from "../processes.ts";
import { digestOf } from "./digest.ts";

export interface PrivateFolder {
  readonly directory: string;
  remove(): Promise<void>;
}

const there = new Set<string>();
/** `ebb-PLACE-`, once leftovers were looked for; PID and chance follow: whose a folder is can be told without looking into it. */
let prefix: string | undefined;

// A second signal ends the process in the middle of things; what a plan says of customers is not to stay behind.
process.once("exit", () => {
  for (const directory of there) rmSync(directory, { recursive: true, force: true });
});

/**
 * A new folder outside the project that only this user may look into (0700), gone when the process ends at the latest.
 * What a process that was killed could not remove, the next one of the same user on the same machine removes.
 */
export function privateFolder(): PrivateFolder {
  prefix ??= withoutLeftovers();
  const directory = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  there.add(directory);
  return {
    directory,
    async remove() {
      await rm(directory, { recursive: true, force: true });
      there.delete(directory);
    },
  };
}

function withoutLeftovers(): string {
  const own = thisProcess();
  const start = `ebb-${digestOf([own.host, own.place]).slice(0, 12)}-`;
  const name = new RegExp(`^${start}(\\d+)-\\w+$`);
  for (const found of readdirSync(tmpdir())) {
    const pid = Number(name.exec(found)?.[1]);
    if (Number.isNaN(pid) || !hasEnded({ ...own, pid })) continue;
    const directory = join(tmpdir(), found);
    try {
      // In a folder that all share, anybody may have made it.
      if (lstatSync(directory).uid === (process.getuid?.() ?? 0)) rmSync(directory, { recursive: true, force: true });
    } catch {
      // Another process was quicker, or it cannot be removed.
    }
  }
  return start;
}

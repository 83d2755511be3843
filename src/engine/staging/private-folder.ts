import { mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface PrivateFolder {
  readonly directory: string;
  remove(): Promise<void>;
}

const there = new Set<string>();

// A second signal ends the process in the middle of things; what a plan says of customers is not to stay behind.
process.once("exit", () => {
  for (const directory of there) rmSync(directory, { recursive: true, force: true });
});

/** A new folder outside the project that only this user may look into (0700), gone when the process ends at the latest. */
export function privateFolder(prefix: string): PrivateFolder {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  there.add(directory);
  return {
    directory,
    async remove() {
      await rm(directory, { recursive: true, force: true });
      there.delete(directory);
    },
  };
}

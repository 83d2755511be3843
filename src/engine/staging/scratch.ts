import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStaging, type Staging } from "./staging.ts";

const inUse = new Set<string>();

// A second signal ends the process in the middle of things; what a plan says of customers is not to stay behind.
process.once("exit", () => {
  for (const directory of inUse) rmSync(directory, { recursive: true, force: true });
});

/** Runs `use` with a folder of its own outside the project that only this user may look into (0700), and removes it. */
export async function withScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "ebb-"));
  inUse.add(directory);
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
    inUse.delete(directory);
  }
}

/** Runs `use` with a staging engine of its own. */
export function withStaging<T>(memoryMb: number | undefined, use: (staging: Staging) => Promise<T>): Promise<T> {
  return withScratch(async (directory) => {
    const staging = await openStaging({ directory, ...(memoryMb === undefined ? {} : { memoryMb }) });
    try {
      return await use(staging);
    } finally {
      await staging.close();
    }
  });
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStaging, type Staging } from "./staging.ts";

/** Runs `use` with a folder of its own outside the project, and removes it. */
export async function withScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "ebb-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
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

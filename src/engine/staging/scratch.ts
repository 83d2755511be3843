import { privateFolder } from "./private-folder.ts";
import { openStaging, type Staging, type StagingLimits } from "./staging.ts";

/** Runs `use` with a folder of its own, and removes it. */
export async function withScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const { directory, remove } = privateFolder();
  try {
    return await use(directory);
  } finally {
    await remove();
  }
}

/** Runs `use` with a staging engine of its own. */
export function withStaging<T>(limits: StagingLimits, use: (staging: Staging) => Promise<T>): Promise<T> {
  return withScratch(async (directory) => {
    const staging = await openStaging({ directory, ...limits });
    try {
      return await use(staging);
    } finally {
      await staging.close();
    }
  });
}

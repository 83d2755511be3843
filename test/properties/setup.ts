import { afterAll, beforeAll } from "vitest";
import { withStaging } from "../../src/engine/staging/scratch.ts";
import type { Staging } from "../../src/engine/staging/staging.ts";

/** One staging engine for all tests of a file. */
export function sharedStaging(): () => Staging {
  let opened: Staging | undefined;
  let end: () => void = () => undefined;
  let closed: Promise<void> = Promise.resolve();
  beforeAll(
    () =>
      new Promise<void>((ready, failed) => {
        closed = withStaging({}, async (staging) => {
          opened = staging;
          ready();
          await new Promise<void>((resolve) => {
            end = resolve;
          });
        });
        closed.catch(failed);
      }),
  );
  afterAll(async () => {
    end();
    await closed;
  });
  return () => {
    if (!opened) throw new TypeError("the staging engine is not open yet");
    return opened;
  };
}

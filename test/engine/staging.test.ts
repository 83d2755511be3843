import { expect, test } from "vitest";
import { openStaging } from "../../src/engine/staging/staging.ts";
import { temporaryFolder } from "../world.ts";

test("closing it while streams are read ends them, each at its next page", { timeout: 60_000 }, async () => {
  for (let round = 0; round < 10; round++) {
    const staging = await openStaging({ directory: await temporaryFolder() });
    const sql = "SELECT (i % 1000)::INTEGER, repeat('x', 1000) FROM range(1000000) t(i)";
    const read = async () => {
      for await (const _ of staging.numberedPages(sql));
    };
    const ended = Array.from({ length: 3 }, () => expect(read()).rejects.toThrow("is closed"));
    // They are at different points of their way.
    for await (const _ of staging.numberPages(`SELECT i::INTEGER FROM range(${round * 4_000}) t(i)`));
    await staging.close();
    await Promise.all(ended);
    await expect(read()).rejects.toThrow("is closed");
  }
});

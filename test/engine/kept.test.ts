import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { localDisk } from "../../src/engine/state/disk.ts";
import { openKept } from "../../src/engine/state/kept.ts";
import { temporaryFolder, testWorld } from "../world.ts";

test("a kept secret outlives the process, is unreadable on disk, and opens only with its seal", async () => {
  const directory = await temporaryFolder();
  const open = async (seal: string) => openKept(await testWorld({ systems: [] }), directory, "crm", "refresh", seal);
  expect(await (await open("client-secret")).get()).toBeUndefined();
  await (await open("client-secret")).set("rotated-token");
  expect(await (await open("client-secret")).get()).toBe("rotated-token");
  expect(await (await open("another")).get()).toBeUndefined();
  const [file = ""] = await localDisk.list(join(directory, "kept"));
  const path = join(directory, "kept", file);
  const text = await readFile(path, "utf8");
  expect(text).not.toContain("rotated-token");
  expect(text).not.toContain("client-secret");
  await localDisk.replace(path, text.replace(/"text":"../, '"text":"AA'));
  expect(await (await open("client-secret")).get()).toBeUndefined();
});

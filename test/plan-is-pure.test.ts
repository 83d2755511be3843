import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fakeProject } from "./engine/setup.ts";
import { people } from "./fake.ts";
import { summaryOf } from "./world.ts";

/** Every file below a folder with its digest. */
async function fingerprint(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const content = entry.isFile()
      ? createHash("sha256")
          .update(await readFile(path))
          .digest("hex")
      : "folder";
    found.push(`${path} ${content}`);
  }
  return found.sort();
}

test.each(["full", "changed", "off"] as const)(
  "a plan with refresh %s changes nothing but its own output",
  async (refresh) => {
    const { fake, run } = await fakeProject({ mode: "mirror", onDrift: "keep" });
    fake.rows = people(20);
    await run.run();
    fake.rows = [...people(10, "new"), { id: null, name: "x", city: "x" }, ...people(22).slice(20)];
    fake.edit("f1", { city: "Rome" });
    fake.edit("f2", null);
    fake.calls.length = 0;
    const disk = await fingerprint(run.world.directory);
    const records = JSON.stringify([...fake.records]);

    const open = await run.plan({ refresh });
    expect(summaryOf(open).counts).toMatchObject({ update: expect.any(Number) });
    expect(summaryOf(open).counts.create + summaryOf(open).counts.delete).toBeGreaterThan(0);

    expect(await fingerprint(run.world.directory)).toEqual(disk);
    expect(JSON.stringify([...fake.records])).toBe(records);
    expect(fake.calls.filter(({ kind }) => kind === "write" || kind === "resume")).toEqual([]);
  },
);

test("the first plan makes no state", async () => {
  const { fake, run } = await fakeProject();
  fake.rows = people(3);
  await run.plan();
  expect(await fingerprint(run.world.directory)).toEqual([]);
});

test("a plan that fails leaves nothing behind either", async () => {
  const { fake, run } = await fakeProject({ fields: { nam: "name" } });
  fake.rows = people(3);
  await expect(run.plan()).rejects.toMatchObject({ code: "FIELD_UNKNOWN" });
  expect(await fingerprint(run.world.directory)).toEqual([]);
});

test("two plans of the same world are the same plan", async () => {
  const { fake, run } = await fakeProject({ mode: "mirror" });
  fake.rows = people(20);
  await run.run();
  fake.rows = people(15, "new");
  const [first, second] = [await run.plan(), await run.plan()];
  expect(second.manifest.content).toBe(first.manifest.content);
  expect(second.manifest.digest).toBe(first.manifest.digest);
});

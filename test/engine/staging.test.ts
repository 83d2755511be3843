import { expect, test } from "vitest";
import { openStaging } from "../../src/engine/staging/staging.ts";
import { temporaryFolder } from "../world.ts";

test("closing it while streams are read ends them, each at its next page", { timeout: 60_000 }, async () => {
  for (let round = 0; round < 10; round++) {
    const staging = await openStaging({ directory: await temporaryFolder() });
    const sql = "SELECT repeat('x', 1000) FROM range(1000000)";
    const read = async () => {
      for await (const _ of staging.textPages(sql));
    };
    const ended = Array.from({ length: 3 }, () => expect(read()).rejects.toThrow("is closed"));
    // They are at different points of their way.
    for await (const _ of staging.textPages(`SELECT 'x' FROM range(${round * 4_000})`));
    await staging.close();
    await Promise.all(ended);
    await expect(read()).rejects.toThrow("is closed");
  }
});

test("a stream that breaks in the middle is an error, not fewer rows", async () => {
  const staging = await openStaging({ directory: await temporaryFolder() });
  let seen = 0;
  const read = async () => {
    const broken = "CASE WHEN i = 900000 THEN error('broken') ELSE 'a' END";
    for await (const page of staging.textPages(`SELECT ${broken} FROM range(1000000) t(i)`)) seen += page.length;
  };
  await expect(read()).rejects.toThrow(`the engine gave`);
  expect(seen).toBeGreaterThan(0);
  await staging.close();
});

test("numbers and texts are read as a whole, whatever is in them", async () => {
  const staging = await openStaging({ directory: await temporaryFolder() });
  const made = await staging.make(
    "numbered",
    "SELECT i::INTEGER AS number, chr(i::INTEGER + 1) || repeat('\"é\\', i::INTEGER % 9) || repeat('x', CASE WHEN i % 100 = 0 THEN 50000 ELSE 0 END) AS text FROM range(5000) t(i)",
  );
  expect(made).toBe(5_000);
  const columns = async (sql: string) => {
    const all: (readonly number[])[] = [];
    await staging.numbers(sql, (some) => {
      for (const [i, column] of some.entries()) all[i] = [...(all[i] ?? []), ...column];
    });
    return all;
  };
  const counted = Array.from({ length: 5_000 }, (_, i) => i);
  const [first, second] = await columns("SELECT number, number + 1 FROM staging.main.numbered ORDER BY number");
  expect(first).toEqual(counted);
  expect(second).toEqual(counted.map((i) => i + 1));
  const seen: number[] = [];
  const pages: number[] = [];
  const from = "(SELECT *, rowid AS place FROM staging.main.numbered)";
  for await (const { numbers, texts } of staging.numberedTexts(from, made)) {
    pages.push(texts.length);
    for (const [r, number] of numbers.entries()) {
      seen.push(number);
      const long = number % 100 === 0 ? "x".repeat(50_000) : "";
      expect(texts[r]).toBe(String.fromCodePoint(number + 1) + '"é\\'.repeat(number % 9) + long);
    }
  }
  expect(seen.sort((a, b) => a - b)).toEqual(counted);
  // Two million bytes each, of two and a half.
  expect(pages.length).toBe(2);
  for await (const _ of staging.numberedTexts(from, 0)) throw new TypeError("there is nothing to read");
  expect(await columns("SELECT number FROM staging.main.numbered WHERE number < 0")).toEqual([]);
  await staging.close();
});

test("what is asked of a closed one is refused, and does not reach whoever has the engine next", async () => {
  const directory = await temporaryFolder();
  const first = await openStaging({ directory });
  const waiting = [first.make("left", "SELECT 1 AS one"), first.close(), first.make("left", "SELECT 1 AS one")];
  const settled = await Promise.allSettled(waiting);
  expect(settled.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "rejected"]);
  const second = await openStaging({ directory });
  await expect(first.make("left", "SELECT 1 AS one")).rejects.toThrow("is closed");
  await expect(first.numbers("SELECT 1", () => undefined)).rejects.toThrow("is closed");
  await expect(second.rows("SELECT * FROM staging.main.left")).rejects.toThrow("does not exist");
  await second.close();
});

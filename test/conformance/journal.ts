/** The promises of a journal. @module */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { JOURNAL_VERSION, type JournalEntry, openJournal, readJournal } from "../../src/engine/run/journal.ts";
import { foldEntry, newProgress, Status } from "../../src/engine/run/progress.ts";
import type { Disk } from "../../src/engine/state/disk.ts";
import { temporaryFolder } from "../world.ts";
import { failingAppends } from "./full-disk.ts";

const start = (run: string): JournalEntry => ({ t: "start", version: JOURNAL_VERSION, run, digest: "d", at: "now" });
const intent = (from: number, to: number): JournalEntry => ({
  t: "intent",
  sync: "people",
  batch: `b${from}`,
  action: "create",
  route: "batch",
  n: [[from, to]],
});
const applied = (from: number, to: number): JournalEntry => ({
  t: "outcomes",
  sync: "people",
  batch: `b${from}`,
  applied: [[from, to]],
});

async function written(disk: Disk, path: string, entries: readonly JournalEntry[]): Promise<void> {
  const journal = await openJournal(disk, path);
  for (const entry of entries) await journal.write(entry, true);
  await journal.close();
}

/** Runs the checks on a disk; `make` gives one that is empty. */
export function testJournal(name: string, make: () => Disk): void {
  describe(`${name}: journal`, () => {
    const path = async () => join(await temporaryFolder(), "journal.ndjson");
    const entries = [start("r"), intent(0, 2), applied(0, 1), intent(3, 4)];

    test("entries come back as they were written, in order", async () => {
      const [disk, file] = [make(), await path()];
      await written(disk, file, entries.slice(0, 2));
      await written(disk, file, entries.slice(2));
      expect(await readJournal(disk, file)).toEqual(entries);
    });

    test("entries written at the same time do not mix", async () => {
      const [disk, file] = [make(), await path()];
      const journal = await openJournal(disk, file);
      await journal.write(start("r"), true);
      await Promise.all(Array.from({ length: 50 }, (_, n) => journal.write(intent(n, n), n % 2 === 0)));
      await journal.close();
      expect(await readJournal(disk, file)).toHaveLength(51);
    });

    test("a last line that a crash cut short is left out, and writing goes on after it", async () => {
      const disk = make();
      for (const cut of [1, 5, 12, 60]) {
        const file = await path();
        await written(disk, file, entries);
        const text = (await disk.read(file)) ?? "";
        await disk.replace(file, text.slice(0, -cut));
        const kept = cut === 1 ? entries : entries.slice(0, -1);
        expect(await readJournal(disk, file)).toEqual(kept);
        await written(disk, file, [applied(0, 0)]);
        expect(await readJournal(disk, file)).toEqual([...kept, applied(0, 0)]);
      }
    });

    test("a bit that flipped in the middle is found", async () => {
      const disk = make();
      const file = await path();
      await written(disk, file, entries);
      const text = (await disk.read(file)) ?? "";
      const last = text.lastIndexOf("\n", text.length - 2);
      for (let at = 0; at < last; at += 7) {
        const char = text[at] === "\n" ? "x" : String.fromCharCode(text.charCodeAt(at) ^ 1);
        await disk.replace(file, text.slice(0, at) + char + text.slice(at + 1));
        await expect(readJournal(disk, file), `at ${at}`).rejects.toMatchObject({ code: "STATE_CORRUPT" });
      }
    });

    test("a journal of another version is refused, not guessed at", async () => {
      const disk = make();
      const file = await path();
      const old = JSON.stringify({ ...start("r"), version: JOURNAL_VERSION - 1 });
      await disk.replace(file, `${crc32(old).toString(16).padStart(8, "0")} ${old}\n`);
      await expect(readJournal(disk, file)).rejects.toMatchObject({
        code: "STATE_CORRUPT",
        next: expect.stringContaining("version"),
      });
    });

    test("after an append that failed nothing more is written", async () => {
      const broken = failingAppends(make(), 2, 1);
      const file = await path();
      const journal = await openJournal(broken, file);
      await journal.write(start("r"), true);
      await expect(journal.write(intent(0, 0), true)).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
      await expect(journal.write(intent(1, 1), true)).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
      await journal.close();
      expect(await readJournal(broken, file)).toEqual([start("r")]);
    });

    test("folding it gives each change its last status", async () => {
      const progress = newProgress(6);
      const all: readonly JournalEntry[] = [
        intent(0, 5),
        { ...applied(0, 1), ids: ["x", "y"] } as JournalEntry,
        { t: "outcomes", sync: "people", batch: "b0", rejected: [[2, "BAD", "name", "no"]], unsent: [[3, 4]] },
        { t: "outcomes", sync: "people", batch: "b0", skipped: [[4, 4]], doubt: [[5, 5]] },
      ];
      for (const entry of all) foldEntry(progress, entry);
      expect([...progress.status]).toEqual([
        Status.applied,
        Status.applied,
        Status.rejected,
        Status.waiting,
        Status.skipped,
        Status.doubt,
      ]);
      expect(progress.ids).toEqual(
        new Map([
          [0, "x"],
          [1, "y"],
        ]),
      );
    });
  });
}

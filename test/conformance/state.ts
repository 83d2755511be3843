/** The promises of a state store: state, lock and journal. @module */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../src/core/errors.ts";
import type { Disk } from "../../src/engine/disk.ts";
import { JOURNAL_VERSION, type JournalEntry, openJournal, readJournal } from "../../src/engine/journal.ts";
import { lockPath, readLock, takeLock } from "../../src/engine/lock.ts";
import { foldEntry, newProgress, Status } from "../../src/engine/progress.ts";
import { openState, type State } from "../../src/engine/state.ts";
import { fakeProject } from "../engine/setup.ts";
import { people, writes } from "../fake.ts";
import { changesOf, runner, type TestWorld, temporaryFolder, testWorld } from "../world.ts";

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
export function testState(name: string, make: () => Disk): void {
  const world = (): Promise<TestWorld> => testWorld({ systems: [], disk: make() });

  describe(`${name}: state`, () => {
    test("what was written is read, and an unwritten state is empty", async () => {
      const store = openState(await world(), ".ebb");
      expect(await store.read()).toEqual({ version: 1, lineage: "", serial: 0, syncs: {} });
      const next: State = { version: 1, lineage: "l", serial: 1, syncs: {} };
      await store.write(next);
      expect(await store.read()).toEqual(next);
      expect(await openState(await world(), store.directory).read()).toEqual(next);
    });

    test("the serial only grows, one by one", async () => {
      const store = openState(await world(), ".ebb");
      const at = (serial: number): State => ({ version: 1, lineage: "l", serial, syncs: {} });
      await store.write(at(1));
      for (const serial of [0, 1, 3])
        await expect(store.write(at(serial))).rejects.toMatchObject({ code: "PLAN_STALE" });
      await store.write(at(2));
      expect((await store.read()).serial).toBe(2);
    });

    test("a state that cannot be read is an error, never an empty state", async () => {
      const made = await world();
      const store = openState(made, ".ebb");
      await made.disk.replace(join(store.directory, "state.json"), '{"version":1,"serial":');
      await expect(store.read()).rejects.toMatchObject({ code: "STATE_CORRUPT" });
    });
  });

  describe(`${name}: lock`, () => {
    test("of many who want it one has it, and the others learn who", async () => {
      const made = await world();
      const store = openState(made, ".ebb");
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(made, store)));
      const held = results.filter((one) => one.status === "fulfilled");
      expect(held).toHaveLength(1);
      for (const one of results)
        if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "STATE_LOCKED", effect: "lock" });
      await held[0]?.value.release();
      const again = await takeLock(made, store);
      await again.release();
      expect(await readLock(made, store)).toBeNull();
    });

    test.each([
      ["whose lease has run out", { expires: 0, host: "elsewhere", pid: 1 }],
      ["whose process is no more", { expires: Number.MAX_SAFE_INTEGER, host: undefined, pid: 2 ** 22 + 1 }],
    ])("of many who find an owner %s, one takes it over", async (_, dead) => {
      const made = await world();
      const store = openState(made, ".ebb");
      const own = await takeLock(made, store);
      const holder = await readLock(made, store);
      await own.release();
      await made.disk.replace(
        lockPath(store),
        JSON.stringify({ ...holder, id: "dead", ...dead, host: dead.host ?? holder?.host }),
      );
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(made, store)));
      expect(results.filter((one) => one.status === "fulfilled")).toHaveLength(1);
      for (const one of results) if (one.status === "fulfilled") await one.value.release();
      expect(await made.disk.list(store.directory)).toEqual([]);
    });

    test("a heartbeat keeps it, and its loss is noticed", async () => {
      const made = await world();
      const store = openState(made, ".ebb");
      const lock = await takeLock(made, store);
      for (let i = 0; i < 5; i++) {
        made.clock.advance(10_000);
        // Awake, it writes anew, and sleeps again.
        await until(async () => made.clock.sleeping() === 1);
        expect((await readLock(made, store))?.expires).toBe(made.clock.now() + 30_000);
      }
      await expect(takeLock(made, store)).rejects.toMatchObject({ code: "STATE_LOCKED" });
      const other = { ...(await readLock(made, store)), id: "another" };
      await made.disk.replace(lockPath(store), JSON.stringify(other));
      made.clock.advance(10_000);
      await until(async () => lock.lost.aborted);
      expect(lock.lost.reason).toMatchObject({ code: "STATE_LOCKED" });
      await lock.release();
      expect((await readLock(made, store))?.id).toBe("another");
    });

    test("a lock that was released is not written again", async () => {
      const made = await world();
      const store = openState(made, ".ebb");
      for (let i = 0; i < 20; i++) {
        const lock = await takeLock(made, store);
        made.clock.advance(10_000);
        await lock.release();
        expect(await readLock(made, store)).toBeNull();
      }
    });
  });

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

  describe(`${name}: a run`, () => {
    test("while it is unfinished its journal stands for the ledger, and afterwards the ledger says the same", async () => {
      const { fake, run } = await fakeProject({ mode: "mirror" }, { disk: make() });
      fake.rows = people(40);
      const stop = new AbortController();
      fake.script.write = async function* (batch) {
        stop.abort();
        yield { outcomes: fake.commit(batch) };
      };
      const stopped = await run.apply(await run.plan(), { stop: stop.signal });
      expect(stopped.status).toBe("stopped");
      // Without reading the destination, only the journal tells what was applied.
      const unfinished = await changesOf(await run.plan({ refresh: "off" }));
      expect(unfinished.map(({ key }) => key)).toEqual(
        people(40)
          .slice(16)
          .map(({ id }) => id),
      );
      fake.script.write = undefined;
      await run.resume();
      expect(await changesOf(await run.plan({ refresh: "off" }))).toEqual([]);
    });

    test("a full disk while journalling: what is not on record is not sent", async () => {
      for (let nth = 1; nth <= 6; nth++) {
        const { fake, run } = await fakeProject({}, { disk: make() });
        fake.rows = people(40);
        const open = await run.plan();
        const full = { ...run.world, disk: failingAppends(run.world.disk, nth) };
        const outcome = await runner(full, run.project)
          .apply(open)
          .then(
            ({ status, problem }) => `${status} ${problem}`,
            (error: unknown) => (error instanceof ConfigError ? error.code : error),
          );
        expect(outcome, `append ${nth}`).toMatch(/STATE_UNWRITABLE/);
        // Appends are intent, outcomes, intent, outcomes, …: a batch goes out only after its intent.
        expect(writes(fake), `append ${nth}`).toHaveLength(Math.floor(nth / 2));
        const result = (await run.resume()) ?? (await run.apply(open));
        expect(result.status, `append ${nth}`).toBe("applied");
        expect(fake.records.size).toBe(40);
        expect(Math.max(...fake.creates.values())).toBe(1);
      }
    });
  });
}

/** A disk that is full from the n-th append on; half of that append still gets through. */
function failingAppends(disk: Disk, nth: number, half = 0.5): Disk {
  let appends = 0;
  const full = () => new ConfigError("STATE_UNWRITABLE", "the disk is full");
  return {
    ...disk,
    async append(path) {
      const file = await disk.append(path);
      return {
        async append(text, durable) {
          appends += 1;
          if (appends > nth) throw full();
          if (appends === nth) {
            await file.append(text.slice(0, Math.floor(text.length * half * 0.9)), durable);
            throw full();
          }
          await file.append(text, durable);
        },
        close: () => file.close(),
      };
    },
  };
}

/** Lets what is under way go on until something is so; the test's own limit ends a wait in vain. */
async function until(is: () => Promise<boolean>): Promise<void> {
  while (!(await is())) await new Promise((resolve) => setImmediate(resolve));
}

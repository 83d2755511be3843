/** The promises of a state store: state, lock and journal. @module */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../src/core/errors.ts";
import type { Disk } from "../../src/engine/state/disk.ts";
import { openState, type State } from "../../src/engine/state/state.ts";
import { fakeProject } from "../engine/setup.ts";
import { people, writes } from "../fake.ts";
import { changesOf, runner, type TestWorld, testWorld } from "../world.ts";
import { failingAppends } from "./full-disk.ts";
import { testJournal } from "./journal.ts";
import { testLock } from "./lock.ts";

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

  testLock(name, make);
  testJournal(name, make);

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

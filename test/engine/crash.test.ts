import { cp } from "node:fs/promises";
import { expect, test } from "vitest";
import { isEmpty } from "../../src/core/plan.ts";
import type { Disk } from "../../src/engine/state/disk.ts";
import { localDisk } from "../../src/engine/state/disk.ts";
import { virtualClock } from "../clock.ts";
import { type Fake, fakeConnections, makeFake, people } from "../fake.ts";
import { changesOf, runner, temporaryFolder, testProject, testSync, testWorld } from "../world.ts";
import { byKey } from "./setup.ts";

/** What a killed process leaves: from one moment on nothing it does has any effect. Not an error Ebb knows. */
class Killed extends Error {}

interface Gate {
  /** Moments passed so far. */
  passed: number;
  dead: boolean;
  pass(): void;
}

/** Kills at the moment numbered `at`, counted from 1. */
function gate(at: number): Gate {
  return {
    passed: 0,
    dead: false,
    pass() {
      if (!this.dead && ++this.passed === at) this.dead = true;
      if (this.dead) throw new Killed("killed");
    },
  };
}

function mortalDisk(kill: Gate): Disk {
  const around = async <T>(work: () => Promise<T>): Promise<T> => {
    kill.pass();
    const result = await work();
    kill.pass();
    return result;
  };
  return {
    ...localDisk,
    replace: (path, text, sure) => around(() => localDisk.replace(path, text, sure)),
    createExclusive: (path, text, sure) => around(() => localDisk.createExclusive(path, text, sure)),
    remove: (path, sure) => around(() => localDisk.remove(path, sure)),
    read: async (path) => {
      if (kill.dead) throw new Killed("killed");
      return localDisk.read(path);
    },
    async append(path) {
      kill.pass();
      const file = await localDisk.append(path);
      return {
        async append(text, durable) {
          kill.pass();
          // The write itself can be cut short.
          const half = text.slice(0, Math.floor(text.length / 2));
          try {
            kill.pass();
          } catch (error) {
            await file.append(half, true);
            throw error;
          }
          await file.append(text, durable);
          kill.pass();
        },
        close: () => file.close(),
      };
    },
  };
}

function mortalWrites(fake: Fake, kill: Gate): void {
  fake.script.write = async function* (batch) {
    kill.pass();
    // Half of the batch can be in when the process dies.
    const half = Math.ceil(batch.changes.length / 2);
    const first = fake.commit({ ...batch, changes: batch.changes.slice(0, half) });
    kill.pass();
    const second = fake.commit({ ...batch, changes: batch.changes.slice(half) });
    kill.pass();
    yield { outcomes: first };
    kill.pass();
    yield { outcomes: second };
    kill.pass();
  };
  fake.script.read = () => kill.pass();
}

const before = people(6);
const after = [...people(4, "new").slice(2), ...people(11).slice(6), { id: "z", name: null, city: "" }];
const sync = testSync({ fields: { name: "name", city: "city" }, mode: "mirror" });
const write = [{ name: "batch", above: 0, records: 4, concurrency: 2, calls: 1 }];

/** A project whose first run has ended, ready for a second one. */
async function prepared(kill: Gate, from?: { readonly directory: string; readonly fake: Fake }) {
  const clock = virtualClock();
  const fake = makeFake({ now: clock.now, capabilities: { write }, firstId: from ? 100 : 1 });
  const directory = await temporaryFolder();
  if (from) {
    await cp(from.directory, directory, { recursive: true });
    for (const [id, record] of from.fake.records) fake.records.set(id, { ...record });
  }
  const world = await testWorld({ systems: [fake.system], clock, directory, disk: mortalDisk(kill) });
  const project = testProject([sync], fakeConnections);
  const revived = async () => {
    clock.advance(60_000);
    return runner(await testWorld({ systems: [fake.system], clock, directory }), project);
  };
  return { fake, directory, run: runner(world, project), revived };
}

test("killed at any moment, a run loses nothing and duplicates nothing", { timeout: 240_000 }, async () => {
  const first = await prepared(gate(0));
  first.fake.rows = before;
  await first.run.run();

  const whole = gate(0);
  const measured = await prepared(whole, first);
  measured.fake.rows = after;
  mortalWrites(measured.fake, whole);
  const undisturbed = await measured.run.plan();
  const planned = whole.passed;
  await measured.run.apply(undisturbed);
  expect(byKey(measured.fake.records.values())).toEqual(byKey(after));
  expect(whole.passed - planned).toBeGreaterThan(30);

  for (let at = planned + 1; at <= whole.passed; at++) {
    const kill = gate(at);
    const { fake, run, revived } = await prepared(kill, first);
    fake.rows = after;
    mortalWrites(fake, kill);
    const open = await run.plan();
    await expect(run.apply(open), `at ${at}`).rejects.toThrow(Killed);
    fake.script.write = undefined;
    fake.script.read = undefined;

    const again = await revived();
    const result = (await again.resume()) ?? (await finishOrPlan(again, open));
    expect(result.status, `at ${at}`).toBe("applied");
    expect(byKey(fake.records.values()), `at ${at}`).toEqual(byKey(after));
    expect(fake.records.size, `at ${at}`).toBe(after.length);
    expect(Math.max(...fake.creates.values()), `at ${at}`).toBe(1);
    expect(await again.resume()).toBeNull();
    const next = await again.plan();
    expect(isEmpty(next.summary), `at ${at}`).toBe(true);
    const off = await again.plan({ refresh: "off" });
    expect(await changesOf(off), `at ${at}`).toEqual([]);
  }
});

/** Killed before the run began, or after it ended: the plan is applied then, or is stale. */
async function finishOrPlan(again: ReturnType<typeof runner>, open: Awaited<ReturnType<typeof again.plan>>) {
  try {
    return await again.apply(open);
  } catch (error) {
    expect(error).toMatchObject({ code: "PLAN_STALE" });
    return again.run();
  }
}

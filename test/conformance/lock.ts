/** The promises of a state's lock. @module */
import { describe, expect, test } from "vitest";
import type { Disk } from "../../src/engine/state/disk.ts";
import { beatPath, type Lock, lockPath, readLock, takeLock } from "../../src/engine/state/lock.ts";
import { openState, type State } from "../../src/engine/state/state.ts";
import { type TestWorld, testWorld } from "../world.ts";

/** A sleep of this length is the heartbeat of a lock. */
const HEARTBEAT_MS = 10_000;

/** Runs the checks on a disk; `make` gives one that is empty. */
export function testLock(name: string, make: () => Disk): void {
  const world = (): Promise<TestWorld> => testWorld({ systems: [], disk: make() });

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
      const { expires, ...owner } = dead;
      await made.disk.replace(beatPath(lockPath(store), "dead"), String(expires));
      await made.disk.replace(
        lockPath(store),
        JSON.stringify({ ...holder, id: "dead", ...owner, host: owner.host ?? holder?.host }),
      );
      // Watching takes them no time: else each who does would put the others to sleep.
      const sleep: TestWorld["sleep"] = async (ms, signal) => (ms === HEARTBEAT_MS ? aborted(signal) : undefined);
      const taking = Array.from({ length: 8 }, () => takeLock({ ...made, sleep }, store));
      const results = await Promise.allSettled(taking);
      expect(results.filter((one) => one.status === "fulfilled")).toHaveLength(1);
      for (const one of results) if (one.status === "fulfilled") await one.value.release();
      expect(await made.disk.list(store.directory)).toEqual([]);
    });

    test("whoever comes late to a dead owner's lock finds the new owner", async () => {
      const made = await world();
      const store = openState(made, ".ebb");
      const dead = { id: "dead", host: "elsewhere", place: "", user: "u", pid: 1, ci: null, since: "" };
      await made.disk.replace(lockPath(store), JSON.stringify(dead));
      let arrive: () => void = () => undefined;
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      // The late one has seen the dead owner, and goes on when another has taken over.
      const late = {
        ...made.disk,
        async createExclusive(path: string, text: string) {
          if (path !== lockPath(store)) await arrived;
          return made.disk.createExclusive(path, text);
        },
      };
      const second = takeLock({ ...made, disk: late }, store).catch((error: unknown) => error);
      const first = await takeLock(made, store);
      const holder = await readLock(made, store);
      arrive();
      expect(await second).toMatchObject({ code: "STATE_LOCKED" });
      expect(await readLock(made, store)).toEqual(holder);
      await first.release();
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

    test("a lease that only looks expired, by the clock of another machine, is left to its owner", async () => {
      const made = await world();
      const store = openState(made, ".ebb");
      const behind = { ...made, now: () => made.clock.now() - 3_600_000 };
      const lock = await takeLock(behind, store);
      const holder = await readLock(made, store);
      await made.disk.replace(lockPath(store), JSON.stringify({ ...holder, host: "elsewhere" }));
      const watching = {
        ...made,
        async sleep(ms: number) {
          made.clock.advance(ms);
          await until(async () => (await readLock(made, store))?.expires !== holder?.expires);
        },
      };
      await expect(takeLock(watching, store)).rejects.toMatchObject({ code: "STATE_LOCKED" });
      expect(lock.lost.aborted).toBe(false);
      await lock.release();
    });

    test("an owner that slept through its lease holds nothing when it wakes", async () => {
      const made = await world();
      const store = openState(made, ".ebb");
      // Its timers stand still with it: only the clock goes on.
      const stopped = { ...made, sleep: () => new Promise<void>(() => undefined) };
      const sleeper = await takeLock(stopped, store);
      await sleeper.hold();
      await made.disk.replace(lockPath(store), JSON.stringify({ ...(await readLock(made, store)), host: "elsewhere" }));
      made.clock.advance(31_000);
      const next = await takeLock(made, store);
      await expect(sleeper.hold()).rejects.toMatchObject({ code: "STATE_LOCKED" });
      expect(sleeper.lost.aborted).toBe(true);
      await next.hold();
      expect(await readLock(made, store)).toMatchObject({ expires: made.clock.now() + 30_000 });
      await next.release();
    });

    test("an owner that slept, and whose lock nobody took, goes on", async () => {
      const made = await world();
      const store = openState(made, ".ebb");
      const sleeper = await takeLock({ ...made, sleep: () => new Promise<void>(() => undefined) }, store);
      made.clock.advance(60_000);
      await sleeper.hold();
      expect(await readLock(made, store)).toMatchObject({ expires: made.clock.now() + 30_000 });
    });

    test.each([
      ["nobody", null],
      ["a dead owner", { id: "dead", host: "elsewhere", place: "", user: "u", pid: 1, ci: null, since: "" }],
    ])(
      "whoever sleeps at any moment with the lock of %s undoes nothing of who took it meanwhile",
      { timeout: 60_000 },
      async (_, dead) => {
        const at = (lineage: string, serial: number): State => ({ version: 1, lineage, serial, syncs: {} });
        let moment = 1;
        for (; ; moment++) {
          const made = await world();
          const store = openState(made, ".ebb");
          if (dead) await made.disk.replace(lockPath(store), JSON.stringify(dead));
          const nap = napping(made, moment);
          let other: Lock | undefined;
          const sleeping = (async () => {
            const lock = await takeLock(nap.world, store);
            for (let look = 0; look < 2; look++) {
              // Long enough for it to look again, not for others to take it.
              made.clock.advance(look * 16_000);
              await lock.hold();
              expect(other, `held at moment ${moment}`).toBeUndefined();
            }
            await openState(nap.world, ".ebb").write(at("sleeper", 1), lock.sure);
            await lock.release();
          })().catch((error: unknown) => error);
          if ((await Promise.race([sleeping.then(() => "ended"), nap.asleep])) === "ended") break;
          made.clock.advance(31_000);
          other = await takeLock(made, store);
          const holder = await readLock(made, store);
          const next = at("other", (await store.read()).serial + 1);
          await store.write(next, other.sure);
          nap.wake();
          const ended = await sleeping;
          if (ended !== undefined)
            expect(ended).toMatchObject({ code: expect.stringMatching(/STATE_LOCKED|PLAN_STALE/) });
          expect((await readLock(made, store))?.id, `moment ${moment}`).toBe(holder?.id);
          expect(await store.read(), `moment ${moment}`).toEqual(next);
          await other.hold();
          await other.release();
          expect(await readLock(made, store)).toBeNull();
        }
        expect(moment).toBeGreaterThan(dead ? 30 : 16);
      },
    );

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
}

/** Lets what is under way go on until something is so; the test's own limit ends a wait in vain. */
async function until(is: () => Promise<boolean>): Promise<void> {
  while (!(await is())) await new Promise((resolve) => setImmediate(resolve));
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

/** A process that stops before or after one of the things it does to the disk, until it is woken; its timers stand still with it. */
function napping(made: TestWorld, moment: number) {
  let moments = 0;
  let wake: () => void = () => undefined;
  const woken = new Promise<void>((resolve) => {
    wake = resolve;
  });
  let tell: (how: "asleep") => void = () => undefined;
  const asleep = new Promise<"asleep">((resolve) => {
    tell = resolve;
  });
  const nap = async () => {
    if (++moments !== moment) return;
    tell("asleep");
    await woken;
  };
  const around = async <T>(work: () => Promise<T>): Promise<T> => {
    await nap();
    const done = await work();
    await nap();
    return done;
  };
  const { disk } = made;
  const napped: Disk = {
    ...disk,
    read: (path) => around(() => disk.read(path)),
    replace: (path, text, sure) => around(() => disk.replace(path, text, sure)),
    createExclusive: (path, text, sure) => around(() => disk.createExclusive(path, text, sure)),
    remove: (path, sure) => around(() => disk.remove(path, sure)),
  };
  const sleep: TestWorld["sleep"] = (ms, signal) => (ms === HEARTBEAT_MS ? aborted(signal) : made.sleep(ms, signal));
  return { world: { ...made, disk: napped, sleep }, asleep, wake };
}

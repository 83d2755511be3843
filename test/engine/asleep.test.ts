/** A process that stands still for longer than its lease, and another that takes over. */
import { once as event } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { openAgent } from "../../src/engine/connect/agent.ts";
import { unfinishedRuns } from "../../src/engine/run/runs.ts";
import { readLock } from "../../src/engine/state/lock.ts";
import { people, writes } from "../fake.ts";
import { type Runner, runner } from "../world.ts";
import { fakeProject } from "./setup.ts";

const HEARTBEAT_MS = 10_000;

/** A project over HTTP, and a runner whose timers stand still: only the clock goes on while it sleeps. */
async function sleeperProject() {
  const project = await fakeProject({}, { http: true });
  const { run } = project;
  const sleep: Runner["world"]["sleep"] = (ms, signal) =>
    ms === HEARTBEAT_MS
      ? new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
      : run.world.sleep(ms, signal);
  return { ...project, sleeper: runner({ ...run.world, sleep, limiters: new Map() }, run.project) };
}

/** At the n-th write's connection. */
function once(fake: Awaited<ReturnType<typeof sleeperProject>>["fake"], act: () => Promise<void>): void {
  let done = false;
  fake.script.connect = async (path) => {
    if (path !== "/write" || done) return;
    done = true;
    await act();
  };
}

test("a call that waited for its connection while another took over does not leave", async () => {
  const { fake, run, clock, sleeper } = await sleeperProject();
  fake.rows = people(3);
  const open = await run.plan();
  once(fake, async () => {
    clock.advance(31_000);
    expect(await run.resume()).toMatchObject({ status: "applied", syncs: { people: { applied: 3 } } });
  });
  const woken = await sleeper.apply(open);
  expect(woken).toMatchObject({ status: "stopped", problem: expect.stringContaining("STATE_LOCKED") });
  expect([...fake.creates.values()]).toEqual([1, 1, 1]);
  expect(writes(fake)).toHaveLength(1);
});

test("the client sends no byte of a call that may not leave, on a new connection as on an old one", async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer(({ url }, answer) => {
    seen.push(url);
    answer.end("{}");
  }).listen(0, "127.0.0.1");
  await event(server, "listening");
  const agent = await openAgent();
  onTestFinished(async () => {
    await agent.close();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const call = async (path: string, leave?: () => void) => {
    const request = { origin, path, method: "POST", body: "{}", ...(leave ? { leave } : {}) } as const;
    await (await agent.request(request)).body.dump();
  };
  const stay = () => {
    throw new RangeError("stay");
  };
  await expect(call("/first", stay)).rejects.toThrow("stay");
  await call("/second", () => undefined);
  await expect(call("/third", stay)).rejects.toThrow("stay");
  await call("/fourth");
  expect(seen).toEqual(["/second", "/fourth"]);
});

test("a call that waited for its connection leaves after all where nobody took over", async () => {
  const { fake, run, clock, sleeper } = await sleeperProject();
  fake.rows = people(3);
  const open = await run.plan();
  once(fake, async () => clock.advance(31_000));
  expect(await sleeper.apply(open)).toMatchObject({ status: "applied", syncs: { people: { applied: 3 } } });
  expect([...fake.creates.values()]).toEqual([1, 1, 1]);
});

test("whoever wakes while it ends its run, which another has ended, changes nothing", async () => {
  const { fake, run, clock, sleeper } = await sleeperProject();
  fake.rows = people(3);
  const open = await run.plan();
  const segments: string[] = [];
  /** Tells of each new segment before it is brought to the disk. */
  const telling = (world: Runner["world"], act: () => Promise<void>) => ({
    ...world,
    disk: {
      ...world.disk,
      async flush(path: string) {
        if (path.includes("/ledger/")) {
          segments.push(path);
          await act();
        }
        await world.disk.flush(path);
      },
    },
  });
  const other = runner(
    telling(run.world, async () => undefined),
    run.project,
  );
  const ending = telling(sleeper.world, async () => {
    clock.advance(31_000);
    expect(await other.resume()).toMatchObject({ status: "applied" });
  });
  await expect(runner(ending, run.project).apply(open)).rejects.toMatchObject({ code: "STATE_LOCKED" });
  expect(new Set(segments).size).toBe(2);
  expect(await readLock(run.world, run.store)).toBeNull();
  expect((await run.plan({ refresh: "off" })).manifest.syncs[0]?.changes).toBe(0);
});

test("whoever wakes before it begins its run, which another has made half of meanwhile, begins none", async () => {
  const { fake, run, clock, sleeper } = await sleeperProject();
  fake.rows = people(40);
  const open = await run.plan();
  const { disk } = sleeper.world;
  const stop = new AbortController();
  fake.script.write = async function* (batch) {
    stop.abort();
    yield { outcomes: fake.commit(batch) };
  };
  let slept = false;
  const beginning: Runner["world"] = {
    ...sleeper.world,
    disk: {
      ...disk,
      async createExclusive(path, text, sure) {
        if (path.endsWith("/journal.ndjson") && !slept) {
          slept = true;
          clock.advance(31_000);
          expect(await run.apply(open, { stop: stop.signal })).toMatchObject({ status: "stopped" });
        }
        return disk.createExclusive(path, text, sure);
      },
    },
  };
  await expect(runner(beginning, run.project).apply(open)).rejects.toMatchObject({ code: "STATE_LOCKED" });
  expect(await unfinishedRuns(run.world, run.store)).toHaveLength(1);
  expect(await run.resume()).toMatchObject({ status: "applied", syncs: { people: { applied: 40 } } });
  expect(new Set(fake.creates.values())).toEqual(new Set([1]));
});

/** Signals, owners that sleep, and two at once. */
import type { ChildProcess } from "node:child_process";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Bends } from "./ebb/bends.ts";
import { people, type Shape, shapes } from "./shapes.ts";
import { finish, judge, right, type Stage } from "./stage.ts";
import { staged } from "./staged.ts";

/** Calls `then` when the n-th write has arrived at the vendor's door. */
function atWrite({ proxy, shape }: Stage, nth: number, then: () => void): void {
  let seen = 0;
  proxy.watch((call, phase) => {
    if (phase === "arrived" && shape.writes.test(call) && ++seen === nth) then();
  });
}

const rows = people(0, 200);
const slow = { rows, bends: { records: 5 }, callsPerSecond: 10 } as const;

async function slowStage(shape: Shape = shapes.no): Promise<Stage> {
  const stage = await staged(shape, slow);
  expect((await stage.ebb(["plan", "--out", "plan.ebb"])).code).toBe(0);
  return stage;
}

describe("row 3: signals", { timeout: 240_000 }, () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends the batches in flight and exits %i", async (signal, code) => {
    const stage = await slowStage();
    let sentBefore = 0;
    const stopped = await stage.ebb(["apply", "plan.ebb"], {
      meanwhile: (child) =>
        atWrite(stage, 5, () => {
          sentBefore = stage.proxy.count(shapes.no.writes);
          child.kill(signal);
        }),
    });
    expect(stopped).toMatchObject({ code, signal: null, err: expect.stringContaining("Stopping") });
    // Those that had their place in the queue already may still go; a new one does not begin.
    expect(stage.proxy.count(shapes.no.writes) - sentBefore).toBeLessThanOrEqual(4);
    const ended = await finish(stage);
    expect(judge(stage, rows), ended.said).toEqual(right);
    // Nothing was in doubt: every batch was sent once.
    expect(stage.proxy.count(shapes.no.writes)).toBe(40);
  });

  test("a second SIGINT ends at once, and the next apply makes it good", async () => {
    const stage = await slowStage();
    stage.proxy.rules([{ match: shapes.no.writes, nth: 5, fault: { kind: "delay", ms: 60_000, of: "answer" } }]);
    const twice = (child: ChildProcess) => {
      atWrite(stage, 5, () => child.kill("SIGINT"));
      child.stderr?.on("data", (chunk) => String(chunk).includes("Stopping") && child.kill("SIGINT"));
    };
    const stopped = await stage.ebb(["apply", "plan.ebb"], { meanwhile: twice });
    expect(stopped).toMatchObject({ code: 130, signal: null });
    stage.proxy.rules([]);
    const ended = await finish(stage);
    expect(ended, ended.said).toMatchObject({ code: 0, nextPlan: 0 });
    expect(judge(stage, rows)).toEqual(right);
  });
});

describe("row 19: an owner that sleeps longer than its lease", { timeout: 240_000 }, () => {
  // Time runs fifteen times faster: a lease of 30 s is over in two.
  const bends = { speed: { factor: 15, epoch: Date.now() } };

  /** Puts the owner to sleep, lets another finish, wakes it; answers the writes it sent after that. */
  async function overslept(shape: Shape, point: string, more: Bends = {}): Promise<number> {
    const stage = await slowStage(shape);
    const second = await stage.anotherProxy();
    let sleeper: ChildProcess | undefined;
    const first = stage.ebb(["apply", "plan.ebb"], {
      bends: { ...bends, ...more },
      failpoint: `${point}:stop`,
      meanwhile: (child) => {
        sleeper = child;
      },
    });
    // Whoever sleeps hears no SIGTERM: a test that fails must not leave it behind.
    onTestFinished(() => void sleeper?.kill("SIGKILL"));
    await asleep(() => sleeper);
    const takeOver = () => stage.ebb(["apply", "plan.ebb"], { bends, env: { CRM_URL: second.url } });
    let taken = await takeOver();
    // Locked as long as the lease lasts; and on a busy machine two seconds may pass without a heartbeat.
    while (taken.code === 6 || taken.code === 7) taken = await takeOver();
    expect(taken.code, taken.err).toBe(0);
    // By now whatever it had sent before it fell asleep has arrived.
    const sent = stage.proxy.count(shape.writes);
    sleeper?.kill("SIGCONT");
    const woken = await first;
    expect([6, 7], `${woken.code} ${woken.err}${woken.out}`).toContain(woken.code);
    expect(judge(stage, rows)).toEqual(right);
    expect((await stage.ebb(["plan", "--detailed-exitcode"])).code).toBe(0);
    return stage.proxy.count(shape.writes) - sent;
  }

  test.each(["journal.intent:before:5", "journal.intent:after:3", "journal.outcomes:before:3"])(
    "asleep at %s, it sends nothing more when it wakes",
    async (point) => {
      expect(await overslept(shapes.no, point)).toBe(0);
    },
  );

  test.each(["http.PATCH.write:before:3", "http.PATCH.write:half:3"])(
    "asleep at %s, with a call that has no connection yet, it does not send that one either",
    async (point) => {
      expect(await overslept(shapes.key, point, { freshConnections: true })).toBe(0);
    },
  );

  test("asleep while a create waits for its connection, it makes no duplicate when it wakes", async () => {
    expect(await overslept(shapes.no, "http.POST.write:half:3", { freshConnections: true })).toBe(0);
  });
});

/** Resolves when the process is stopped, as /proc tells. */
async function asleep(process: () => ChildProcess | undefined): Promise<void> {
  const { readFileSync } = await import("node:fs");
  await expect
    .poll(() => readFileSync(`/proc/${process()?.pid}/stat`, "utf8").replace(/.*\) (\w).*/s, "$1"), { timeout: 30_000 })
    .toBe("T");
}

describe("row 20: two at once", { timeout: 240_000 }, () => {
  test("of two applies of one plan the second exits 6 and sends nothing; a plan may be made meanwhile", async () => {
    const stage = await slowStage();
    const second = await stage.anotherProxy();
    const env = { CRM_URL: second.url };
    let others: Promise<readonly number[]> | undefined;
    const first = await stage.ebb(["apply", "plan.ebb"], {
      meanwhile: () =>
        atWrite(stage, 2, () => {
          others = Promise.all([
            stage.ebb(["apply", "plan.ebb"], { env }),
            stage.ebb(["apply"], { env }),
            stage.ebb(["plan"], { env }),
          ]).then((all) => all.map(({ code }) => code ?? -1));
        }),
    });
    expect(first.code, first.err).toBe(0);
    expect(await others).toEqual([6, 6, 0]);
    expect(second.count(shapes.no.writes)).toBe(0);
    expect(judge(stage, rows)).toEqual(right);
  });
});

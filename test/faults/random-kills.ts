/** Kills at random moments of one long run, until it ends. @module */
import type { ChildProcess } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { seeded } from "./proxy-rules.ts";
import { people, shapes } from "./shapes.ts";
import { judge, openStage, type Verdict } from "./stage.ts";

export interface RandomKills extends Verdict {
  readonly kills: number;
  readonly batches: number;
  /** Write calls beyond one for each batch. */
  readonly repeated: number;
  /** Records whose answer a kill or a broken connection took away, as the proxy saw it. */
  readonly inDoubt: number;
  /** Most calls in any second, and what was permitted. */
  readonly worstSecond: number;
  readonly permitted: number;
  readonly violations: number;
  readonly peakMb: number;
  readonly seconds: number;
  readonly nextPlan: number | null;
}

export interface RandomKillOptions {
  readonly seed: number;
  readonly kills: number;
  readonly records: number;
  readonly batch: number;
  /** Share of writes whose connection breaks: before the vendor, and after its work. */
  readonly resets: number;
}

const PERMITTED = 60;

/** Contacts matched by a field that is not unique: what is sent twice is there twice. */
export async function randomKills(options: RandomKillOptions): Promise<RandomKills> {
  const { seed, kills, records, batch, resets } = options;
  const rows = people(0, records);
  const bends = { records: batch };
  const shape = shapes.no;
  const stage = await openStage(shape, { rows, bends, seed, callsPerSecond: PERMITTED });
  const chance = seeded(seed);
  const started = Date.now();
  let inDoubt = 0;
  let peakMb = 0;
  let killed = 0;
  try {
    await stage.sandboxFaults({ rate: { calls: PERMITTED, perMs: 1_000 } });
    const planned = await stage.ebb(["plan", "--out", "plan.ebb", "--summary"]);
    if (planned.code !== 0) throw new RangeError(planned.err);
    for (let more = true; more; ) {
      const open = new Set<number>();
      const broken = { match: shape.writes, probability: resets } as const;
      stage.proxy.rules([
        { ...broken, fault: { kind: "reset", when: "before" } },
        { ...broken, fault: { kind: "reset", when: "after" } },
      ]);
      const {
        signal,
        code,
        err,
        peakMb: peak,
      } = await stage.ebb(["apply", "plan.ebb"], {
        meanwhile: (child) => killed < kills && aim(child, open),
      });
      stage.proxy.watch(undefined);
      peakMb = Math.max(peakMb, peak);
      if (signal === "SIGKILL") {
        killed += 1;
        inDoubt += open.size * batch;
      } else if (code !== 0 && code !== 7) throw new RangeError(`exit ${code}: ${err}`);
      more = signal === "SIGKILL" || code === 7;
    }
    const writes = stage.proxy.count(shape.writes);
    const { violations, mostInWindow } = await stage.stats();
    const next = await stage.ebb(["plan", "--detailed-exitcode"]);
    const batches = Math.ceil(records / batch);
    return {
      ...judge(stage, rows),
      kills: killed,
      batches,
      repeated: writes - batches,
      inDoubt: inDoubt + (stage.proxy.strikes.reset ?? 0) * batch,
      worstSecond: mostInWindow,
      permitted: PERMITTED,
      violations,
      peakMb,
      seconds: Math.round((Date.now() - started) / 1_000),
      nextPlan: next.code,
    };
  } finally {
    await stage.close();
  }

  /** Kills the process some writes from now: as one arrives, as one was answered, or a little later. */
  function aim(child: ChildProcess, open: Set<number>): void {
    let left = 2 + Math.floor(chance() * 14);
    const [phase, laterMs] = [chance() < 0.5 ? "arrived" : "answered", Math.floor(chance() * 3) * 7] as const;
    let number = 0;
    stage.proxy.watch((call, passed) => {
      if (!shape.writes.test(call)) return;
      if (passed === "arrived") open.add(number++);
      else open.delete(Math.min(...open));
      if (passed !== phase || left < 0) return;
      left -= 1;
      if (left === 0) void wait(laterMs).then(() => child.kill("SIGKILL"));
    });
  }
}

/** One kill: at a failpoint, then the same plan again until it ends. The suite and the whole matrix both use it. @module */
import type { Bends } from "./ebb/bends.ts";
import type { Shape } from "./shapes.ts";
import { type Finish, finish, judge, openStage, type Verdict } from "./stage.ts";

export interface KillResult extends Verdict {
  readonly shape: Shape["name"];
  readonly point: string;
  /** False: the process ended without passing the point. */
  readonly killed: boolean;
  readonly finish: Finish;
  /** Write calls beyond those a run without a kill sends. */
  readonly repeated: number;
  readonly survived: boolean;
}

/** Write calls of the template's plan: 4 batches of creates, 2 of updates, 1 of deletes; with jobs, one sheet each. */
const plannedWrites = { key: 7, no: 7, conflict: 7, jobs: 4 } as const;

export interface KillOptions {
  /** A second kill, while the first is made good. */
  readonly again?: string;
  readonly bends?: Bends;
  /** The sandbox's own faults. */
  readonly faults?: Readonly<Record<string, unknown>>;
}

export async function killAt(
  shape: Shape,
  point: string,
  { again, bends = {}, faults = {} }: KillOptions = {},
): Promise<KillResult> {
  const stage = await openStage(shape, { bends });
  try {
    await stage.sandboxFaults(faults);
    const first = await stage.ebb(["apply", "plan.ebb"], { failpoint: point });
    if (again !== undefined) await stage.ebb(["apply", "plan.ebb"], { failpoint: again });
    const ended = await finish(stage);
    const verdict = judge(stage);
    const killed = first.signal === "SIGKILL";
    const clean = verdict.duplicates + verdict.lost + verdict.wrong === 0 && ended.nextPlan === 0;
    return {
      ...verdict,
      shape: shape.name,
      point,
      killed,
      finish: ended,
      repeated: Math.max(0, stage.proxy.count(shape.writes) - plannedWrites[shape.name]),
      survived: killed && clean && (ended.code === 0 || ended.code === 4),
    };
  } finally {
    await stage.close();
  }
}

/** The points an apply of the template passes, by their own telling, in order and each with the times it is passed. */
export async function pointsOf(shape: Shape): Promise<ReadonlyMap<string, number>> {
  const stage = await openStage(shape);
  try {
    const { err } = await stage.ebb(["apply", "plan.ebb"], { failpoint: "list" });
    const points = new Map<string, number>();
    for (const [, at = "", nth] of err.matchAll(/^failpoint (\S+):(\d+)$/gm)) points.set(at, Number(nth));
    return points;
  } finally {
    await stage.close();
  }
}

/** What the batches of one sync are written with. @module */
import type { Batch } from "../../connector/index.ts";
import type { PlannedSync } from "../../core/plan.ts";
import type { Change } from "../../core/types.ts";
import type { OpenDestination } from "../connect/connections.ts";
import { digestOf } from "../staging/digest.ts";
import type { World } from "../world.ts";
import type { MovedCheck } from "./moved.ts";
import { toRanges } from "./ranges.ts";
import type { Reader } from "./readback.ts";
import type { Recorder } from "./record.ts";

export interface BatchDesk {
  readonly world: World;
  /** Name of the run: what is sent again is the same only within it. */
  readonly run: string;
  readonly open: OpenDestination;
  readonly planned: PlannedSync;
  readonly reader: Reader;
  readonly moved: MovedCheck;
  readonly recorder: Recorder;
}

/** A batch on its way, and when it was sent: milliseconds since the epoch. */
export interface SentBatch extends Batch {
  readonly at: number;
  /** An earlier call with it may have done its work, and nobody can look: it is sent as the very same batch or not at all. */
  readonly doubtful?: true;
}

/** The changes as one batch, whose name is the same whenever the very same changes are sent in this run. */
export function batchOf({ planned, run }: BatchDesk, route: string, changes: readonly Change[], at: number): SentBatch {
  const { object, matchOn } = planned.sync.destination;
  const action = changes[0]?.action ?? "update";
  const id = digestOf([run, planned.sync.name, toRanges(changes.map(({ n }) => n))]).slice(0, 32);
  return { object, matchOn, action, route, types: planned.types, changes, id, at };
}

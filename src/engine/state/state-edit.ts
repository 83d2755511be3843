/** Repairs of the state by hand: each under the lock, each one serial further. @module */

import { ConfigError, ConflictError } from "../../core/errors.ts";
import { isObject } from "../../core/is-object.ts";
import { suggest } from "../../core/suggest.ts";
import { unfinishedRuns } from "../run/runs.ts";
import type { World } from "../world.ts";
import { takeLock } from "./lock.ts";
import { filesOf, type State, type StateStore } from "./state.ts";

/** Forgets what is recorded of a sync. The destination is not touched. */
export function forgetSync(world: World, store: StateStore, sync: string): Promise<State> {
  return edited(world, store, (state) => {
    const { [sync]: recorded, ...syncs } = state.syncs;
    if (!recorded)
      throw new ConfigError("SYNC_UNKNOWN", `nothing is recorded of "${sync}": ${suggest(sync, Object.keys(syncs))}`, {
        next: "Run `ebb state list` to see what is recorded.",
      });
    return { ...state, syncs };
  });
}

/** Forgets how often records of a sync were rejected: the next plan tries them again. */
export function releaseSync(world: World, store: StateStore, sync: string): Promise<State> {
  return edited(world, store, (state) => {
    const { [sync]: recorded, ...syncs } = state.syncs;
    const held = Object.keys(state.syncs).filter((name) => state.syncs[name]?.quarantine);
    if (!recorded?.quarantine)
      throw new ConfigError("SYNC_UNKNOWN", `nothing of "${sync}" is in quarantine: ${suggest(sync, held)}`, {
        next: "Run `ebb runs` to see what is.",
      });
    const { quarantine: _, ...rest } = recorded;
    return { ...state, syncs: { ...syncs, [sync]: rest } };
  });
}

/** Puts a state in place of the stored one, of which it must be an edited copy. */
export function pushState(world: World, store: StateStore, given: unknown): Promise<State> {
  return edited(world, store, async (state) => {
    const next = checked(given);
    if (state.lineage !== "" && next.lineage !== state.lineage)
      throw new ConflictError("PLAN_FOREIGN", "this is a state of another lineage", {
        next: "Push it where it was pulled.",
      });
    if (next.serial !== state.serial)
      throw new ConflictError("PLAN_STALE", `the state is at serial ${state.serial}, this one is of ${next.serial}`, {
        next: "Pull the state again and make the change there.",
      });
    for (const recorded of Object.values(next.syncs))
      for (const file of filesOf(recorded))
        if (
          !/^(ledger|marks|quarantine)\/[\w-]+\/[\w-]+\.parquet$/.test(file) ||
          !(await world.disk.exists(store.path(file)))
        )
          throw new ConfigError("STATE_CORRUPT", `there is no segment ${file}`, { next: "Name segments that exist." });
    return next;
  });
}

async function edited(world: World, store: StateStore, edit: (state: State) => State | Promise<State>): Promise<State> {
  const lock = await takeLock(world, store);
  try {
    const [unfinished] = await unfinishedRuns(world, store);
    if (unfinished) throw new ConflictError("RUN_UNFINISHED", `run ${unfinished.run} stopped before its end`);
    const state = await store.read();
    const next = { ...(await edit(state)), serial: state.serial + 1 };
    await store.write(next, lock.sure);
    return next;
  } finally {
    await lock.release();
  }
}

function checked(given: unknown): State {
  const isState =
    isObject(given) &&
    given.version === 1 &&
    typeof given.lineage === "string" &&
    Number.isInteger(given.serial) &&
    isObject(given.syncs) &&
    Object.values(given.syncs).every((one) => isObject(one) && Array.isArray(one.segments) && isObject(one.types));
  if (isState) return given as unknown as State;
  throw new ConfigError("STATE_CORRUPT", "this is not a state", { next: "Push a file made with `ebb state pull`." });
}

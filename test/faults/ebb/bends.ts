/** What is made small, fast or wrong about the world of one process, as JSON in `EBB_BEND`. @module */
import type { System } from "../../../src/connector/index.ts";
import type { World } from "../../../src/engine/world.ts";

export interface Bends {
  /** Most records in one batch of any route. */
  readonly records?: number;
  /** Batches in flight at once. */
  readonly concurrency?: number;
  /** Changes above which jobs are used, where the system has them. */
  readonly jobsAbove?: number;
  /** Milliseconds a call waits for its answer, and between two pieces of it. */
  readonly timeoutMs?: number;
  /** Every call needs a connection of its own. */
  readonly freshConnections?: boolean;
  /** Seconds a call may be under way at the vendor (default 0: a sandbox is done when it answers, or when it is cut off). */
  readonly callSeconds?: number;
  /** Time runs so many times faster, counted from `epoch`, which all processes of a case share. */
  readonly speed?: { readonly factor: number; readonly epoch: number };
  /** The wall clock jumps by so much, so many milliseconds after the start of the process. */
  readonly jump?: { readonly byMs: number; readonly afterMs: number };
  /** Appends that were not synced are lost with the process. */
  readonly losesUnsynced?: boolean;
}

const USUAL_TIMEOUT_MS = 60_000;

export function readBends(text: string | undefined): Bends {
  return text ? (JSON.parse(text) as Bends) : {};
}

export function bend(world: World, bends: Bends): World {
  const { factor = 1, epoch = 0 } = bends.speed ?? {};
  const { byMs = 0, afterMs = 0 } = bends.jump ?? {};
  const started = world.now();
  const faster = (real: number) => epoch + (real - epoch) * factor;
  const now = () => {
    const real = world.now();
    return faster(real) + (byMs !== 0 && real - started >= afterMs ? byMs : 0);
  };
  return {
    ...world,
    now,
    steady: () => faster(world.steady()),
    after: (ms, act) =>
      world.after(bends.timeoutMs === undefined ? ms : (ms * bends.timeoutMs) / USUAL_TIMEOUT_MS, act),
    sleep: (ms, signal) => world.sleep(ms / factor, signal),
    systems: world.systems.map((system) => smaller(system, bends)),
  };
}

function smaller(system: System, { records, concurrency, jobsAbove, callSeconds = 0 }: Bends): System {
  if (!system.destination) return system;
  const { capabilities } = system.destination;
  const write = capabilities.write.map((route) => ({
    ...route,
    records: Math.min(route.records, records ?? route.records),
    concurrency: concurrency ?? route.concurrency,
    above: route.above > 0 ? (jobsAbove ?? route.above) : 0,
  }));
  return { ...system, destination: { ...system.destination, capabilities: { ...capabilities, write, callSeconds } } };
}

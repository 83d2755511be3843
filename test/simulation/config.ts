/** What a story is about, drawn from its seed: the destination's manners, the sync, and how much goes wrong. @module */
import type { Capabilities, Rate } from "../../src/connector/index.ts";
import type { Mode, OnDrift, Refresh } from "../../src/core/sync.ts";
import { randomOf } from "./random.ts";

export type CreateClass = Capabilities["createIsIdempotent"];
export type Reading = "all" | "keys" | "scan" | "since" | "none";

export interface StoryConfig {
  readonly seed: number;
  readonly createClass: CreateClass;
  readonly reading: Reading;
  /** Most keys and ids in one read. */
  readonly readSize: number;
  readonly lagSeconds: number;
  readonly checksBefore: boolean;
  readonly idIsKey: boolean;
  readonly records: number;
  readonly concurrency: number;
  /** Writes begin jobs that go on by themselves. */
  readonly tickets: boolean;
  readonly mode: Mode;
  readonly onDrift: OnDrift;
  readonly createSafety: "atMostOnce" | "atLeastOnce";
  readonly refresh: Refresh;
  readonly rates: readonly Rate[];
  readonly latencyMs: number;
  /** Chance that a call goes wrong. */
  readonly trouble: number;
  readonly keys: number;
  readonly rounds: number;
  readonly faults: Features;
}

/** What a story may be about. One that is off is so for the reason beside it in `features`. */
export interface Features {
  readonly lateCommits: boolean;
  /** A plan may be made before reads show what the run before it wrote. */
  readonly planWithinLag: boolean;
  readonly headerClass: boolean;
  /** A batch in doubt is looked at before it is sent again, although its idempotency key makes that harmless. */
  readonly headerLooks: boolean;
  readonly zombies: boolean;
  /** A process may freeze before it has begun its run. */
  readonly zombiesBegin: boolean;
  /** A process may freeze between its last look at the lock and the append to the journal. */
  readonly frozenAppends: boolean;
  /** A process may freeze once it writes the state. */
  readonly zombiesClean: boolean;
  /** Creates that are sent at most once, to a destination that cannot be read. */
  readonly doubtRemembered: boolean;
  /** The journal of a run that has ended is looked at although the power was cut. */
  readonly journalAfterPowerCut: boolean;
  /** The ledger must forget records that somebody else deleted and nobody wants any more. */
  readonly ledgerForgets: boolean;
}

export const features: Features = {
  lateCommits: true,
  planWithinLag: true,
  headerClass: true,
  headerLooks: true,
  zombies: true,
  zombiesBegin: true,
  frozenAppends: true,
  zombiesClean: true,
  doubtRemembered: true,
  journalAfterPowerCut: true,
  ledgerForgets: true,
};

export function configOf(seed: number, faults: Features = features): StoryConfig {
  const random = randomOf("config", seed);
  const reading = random.pick<Reading>(["all", "all", "all", "since", "since", "keys", "scan", "none"]);
  const idIsKey = reading !== "since" && random.chance(0.25);
  const classes: readonly [CreateClass, ...CreateClass[]] = idIsKey
    ? ["key", "conflict"]
    : ["key", "conflict", "no", "no", ...(faults.headerClass ? (["header"] as const) : [])];
  const tickets = random.chance(0.2);
  const mode = random.pick<Mode>(["upsert", "upsert", "mirror", "mirror", "create", "update"]);
  const createClass = random.pick(classes);
  const createSafety = random.chance(0.25) ? "atLeastOnce" : "atMostOnce";
  const doubtful = reading === "none" && createClass === "no" && createSafety === "atMostOnce";
  return {
    seed,
    createClass: doubtful && !faults.doubtRemembered ? "conflict" : createClass,
    reading,
    readSize: 1 + random.int(8),
    lagSeconds: tickets ? 20 : random.pick([0, 0, 0, 2, 15]),
    checksBefore: random.chance(0.25),
    idIsKey,
    records: 1 + random.int(7),
    concurrency: 1 + random.int(3),
    tickets,
    mode,
    onDrift: random.pick<OnDrift>(["overwrite", "overwrite", "keep"]),
    createSafety,
    refresh: reading === "none" ? "off" : random.pick<Refresh>(["full", "full", "full", "changed"]),
    rates: random.pick<readonly Rate[]>([
      [{ bucket: "calls", limit: 10, perMs: 1_000 }],
      [{ bucket: "calls", limit: 5, perMs: 2_000 }],
      [
        { bucket: "calls", limit: 8, perMs: 1_000 },
        { bucket: "calls", limit: 40, perMs: 10_000 },
      ],
      [],
    ]),
    latencyMs: random.pick([1, 20, 150, 900]),
    trouble: random.pick([0, 0.05, 0.15, 0.3]),
    keys: 3 + random.int(10),
    rounds: 1 + random.int(2),
    faults,
  };
}

/** Whether the engine can read the record of a change of this action back. */
export function readable({ reading, idIsKey }: StoryConfig, action: "create" | "update" | "delete"): boolean {
  if (reading === "none" || reading === "scan") return false;
  return action === "create" || reading !== "keys" || idIsKey;
}

export function capabilitiesOf(config: StoryConfig): Capabilities {
  const { reading, readSize, lagSeconds, records, concurrency } = config;
  const keyed = reading === "all" || reading === "keys" || reading === "since";
  return {
    actions: ["create", "update", "delete"],
    read: {
      ...(keyed ? { keys: readSize } : {}),
      ...(reading === "all" || reading === "since" ? { ids: readSize } : {}),
      ...(reading === "all" || reading === "scan" || reading === "keys" ? { scan: 100 } : {}),
      ...(reading === "since" ? { since: { days: 30 } } : {}),
      lagSeconds,
    },
    write: [{ name: "batch", above: 0, records, concurrency, calls: 1 }],
    createIsIdempotent: config.createClass,
    checksBefore: config.checksBefore,
    idIsKey: config.idIsKey,
    rates: config.rates,
    delete: "erase",
  };
}

import type { System } from "../connector/index.ts";
import type { Sync } from "../core/sync.ts";
import type { Declared } from "../core/sync-rules.ts";
import { createTurns } from "../core/turns.ts";
import type { Connections } from "../engine/connect/connections.ts";
import type { World } from "../engine/world.ts";
import type { Settings } from "./check-provider.ts";
import type { Marks } from "./look.ts";
import type { Preview } from "./planning.ts";

/** What a provider's process remembers from one call to the next. There is one for each provider configuration. */
export interface Session {
  systems(): Promise<readonly System[]>;
  /** The connections of the provider block; undefined before it was seen, or where it is not known yet. */
  declared: Declared | undefined;
  /** The syncs seen so far, in the order they came. */
  readonly syncs: Sync[];
  /** The configured provider; undefined before, and where part of it is not known yet. */
  settings: Settings | undefined;
  /** Secrets that Terraform handed over as values. */
  secrets: Readonly<Record<string, string>>;
  /** What was found when resources were read, by the digest of their configuration, for the plan that follows. */
  readonly found: Map<string, Preview>;
  /** Record lines of the plans made by this process, by digest. They go nowhere but into diagnostics. */
  readonly lines: Map<string, readonly string[]>;
  /** Marks of the changes of those plans, by digest; null where there are too many. */
  readonly marks: Map<string, Marks | null>;
  /** Made when it is first needed, after the provider was configured. */
  world(): Promise<World>;
  /** One plan or apply at a time: they share files and the ledger. Nothing of an earlier plan is open any more. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
  /** The same for a plan that is only looked at: it shares its connections with those that wait behind it. */
  looking<T>(open: () => Promise<Connections>, work: (connections: Connections) => Promise<T>): Promise<T>;
  /** Terraform was asked to stop: finish the batch in flight. */
  readonly stop: AbortController;
}

/** @param directory the folder Terraform runs in */
export function createSession(directory: string): Session {
  const systems = async () => (await import("../../providers/index.ts")).systems;
  let world: Promise<World> | undefined;
  const inTurn = createTurns();
  let looking = 0;
  let shared: Connections | undefined;
  const closeShared = async () => {
    const open = shared;
    shared = undefined;
    await open?.close();
  };
  const self: Session = {
    systems,
    settings: undefined,
    secrets: {},
    found: new Map(),
    lines: new Map(),
    marks: new Map(),
    world() {
      world ??= Promise.all([systems(), import("./world.ts")]).then(([all, { createWorld }]) =>
        createWorld(all, directory, self.secrets),
      );
      return world;
    },
    exclusive: (work) =>
      inTurn(async () => {
        await closeShared();
        return await work();
      }),
    looking(open, work) {
      looking += 1;
      return inTurn(async () => {
        try {
          shared ??= await open();
          return await work(shared);
        } finally {
          looking -= 1;
          if (looking === 0) await closeShared();
        }
      });
    },
    declared: undefined,
    syncs: [],
    stop: new AbortController(),
  };
  return self;
}

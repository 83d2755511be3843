import { availableParallelism } from "node:os";
import type { System } from "../connector/index.ts";
import type { AuthError } from "../core/errors.ts";
import type { Sync } from "../core/sync.ts";
import type { Declared } from "../core/sync-rules.ts";
import { createSharedTurns } from "../core/turns.ts";
import type { Connections } from "../engine/connect/connections.ts";
import type { World } from "../engine/world.ts";
import type { Settings } from "./check-provider.ts";
import type { Marks } from "./look.ts";
import type { Preview } from "./planning.ts";
import { shareConnections } from "./shared-connections.ts";

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
  /** Logins that were refused, by connection: one that is tried for each sync locks accounts. */
  readonly refused: Map<string, AuthError>;
  /** Made when it is first needed, after the provider was configured. */
  world(): Promise<World>;
  /** For work that writes files and the ledger: nothing else goes on meanwhile, and nothing of an earlier plan is open. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
  /** For a plan that is only looked at: a few go on beside each other, and those behind them use their connections. */
  looking<T>(open: () => Promise<Connections>, work: (connections: Connections) => Promise<T>): Promise<T>;
  /** Terraform was asked to stop: finish the batch in flight. */
  readonly stop: AbortController;
}

/** One more than there are processors: each waits now and then for an answer. */
const PLANS_AT_A_TIME = Math.min(4, 1 + availableParallelism());

/** @param directory the folder Terraform runs in */
export function createSession(directory: string): Session {
  const systems = async () => (await import("../../providers/index.ts")).systems;
  let world: Promise<World> | undefined;
  const turns = createSharedTurns(PLANS_AT_A_TIME);
  const connections = shareConnections();
  let looking = 0;
  const self: Session = {
    systems,
    settings: undefined,
    secrets: {},
    found: new Map(),
    lines: new Map(),
    marks: new Map(),
    refused: new Map(),
    world() {
      world ??= Promise.all([systems(), import("./world.ts")]).then(([all, { createWorld }]) =>
        createWorld(all, directory, self.secrets),
      );
      return world;
    },
    exclusive: (work) =>
      turns.alone(async () => {
        await connections.close();
        return await work();
      }),
    looking(open, work) {
      looking += 1;
      return turns.beside(async () => {
        try {
          return await connections.use(open, work);
        } finally {
          looking -= 1;
          if (looking === 0) await connections.close();
        }
      });
    },
    declared: undefined,
    syncs: [],
    stop: new AbortController(),
  };
  return self;
}

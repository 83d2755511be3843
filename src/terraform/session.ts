import type { System } from "../connector/index.ts";
import type { Sync } from "../core/sync.ts";
import type { Declared } from "../core/sync-rules.ts";
import type { World } from "../engine/world.ts";
import type { Settings } from "./check-provider.ts";

/** What a provider's process remembers from one call to the next. There is one for each provider configuration. */
export interface Session {
  systems(): Promise<readonly System[]>;
  /** The connections of the provider block; undefined before it was seen, or where it is not known yet. */
  declared: Declared | undefined;
  /** The syncs seen so far, in the order they came. */
  readonly syncs: Sync[];
  /** The configured provider; undefined before, and where part of it is not known yet. */
  settings: Settings | undefined;
  /** Made when it is first needed. */
  world(): Promise<World>;
  /** One plan or apply at a time: they share connections, files and the ledger. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
  /** Terraform was asked to stop: finish the batch in flight. */
  readonly stop: AbortController;
}

export function createSession(): Session {
  const systems = async () => (await import("../../providers/index.ts")).systems;
  let world: Promise<World> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return {
    systems,
    settings: undefined,
    world() {
      world ??= Promise.all([systems(), import("./world.ts")]).then(([all, { createWorld }]) => createWorld(all));
      return world;
    },
    exclusive(work) {
      const next = last.then(work);
      last = next.catch(() => undefined);
      return next;
    },
    declared: undefined,
    syncs: [],
    stop: new AbortController(),
  };
}

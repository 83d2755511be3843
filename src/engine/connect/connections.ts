/** Opens connections, each at most once, and closes what it opened. @module */
import { holdAttached } from "../../connector/duckdb-instances.ts";
import type { Capabilities, Destination, Rate, Source } from "../../connector/index.ts";
import type { Project } from "../../core/decode.ts";
import { ConfigError } from "../../core/errors.ts";
import type { Listener, World } from "../world.ts";
import type { Limiter } from "./limiter.ts";
import { type Fence, once, type Preparations, prepareConnections } from "./prepare.ts";

export interface OpenDestination {
  readonly destination: Destination;
  readonly capabilities: Capabilities;
  readonly rates: readonly Rate[];
  readonly limiter: Limiter;
  readonly system: string;
  /** Calls made through these connections so far. */
  calls(): number;
}

export interface Connections {
  source(name: string): Promise<{ readonly source: Source; readonly system: string }>;
  destination(name: string): Promise<OpenDestination>;
  /**
   * The same connections for somebody else who uses them at the same time. Sessions are its own, since one does one thing
   * after the other; secrets, sandboxes and limits are shared.
   */
  beside(): Connections;
  /** Closes these, and all that were opened beside them. */
  close(): Promise<void>;
}

/** Who only reads needs no lock. */
const open: Fence = { hold: async () => undefined, isFresh: () => true };

export function openConnections(world: World, project: Project, listen: Listener, fence: Fence = open): Connections {
  const release = holdAttached();
  const preparations = prepareConnections(world, project, listen, fence);
  const all: Sessions[] = [];
  const close = async () => {
    for (const sessions of all.splice(0)) await sessions.close();
    await preparations.close();
    await release();
  };
  const beside = (): Connections => {
    const sessions = openSessions(preparations);
    all.push(sessions);
    return { ...sessions, beside, close };
  };
  return beside();
}

type Sessions = Pick<Connections, "source" | "destination" | "close">;

function openSessions({ ready }: Preparations): Sessions {
  const sources = new Map<string, ReturnType<Sessions["source"]>>();
  const destinations = new Map<string, Promise<OpenDestination>>();
  const calls = new Map<string, number>();
  const closers: (() => Promise<void>)[] = [];

  const callsOf = (name: string) => calls.get(name) ?? 0;
  const prepared = async (name: string) => {
    const { context, ...others } = await ready(name);
    return { ...others, context: context(() => calls.set(name, callsOf(name) + 1)) };
  };

  return {
    source: (name) =>
      once(sources, name, async () => {
        const { system, options, context } = await prepared(name);
        if (!system.source) throw new ConfigError("SYSTEM_ROLE", `${name}: ${system.title} cannot be a source`);
        const source = await system.source.open(options, context);
        closers.push(async () => source.close?.());
        return { source, system: system.name };
      }),
    destination: (name) =>
      once(destinations, name, async () => {
        const { system, options, context, limiter, rates } = await prepared(name);
        if (!system.destination)
          throw new ConfigError("SYSTEM_ROLE", `${name}: ${system.title} cannot be a destination`);
        const destination = await system.destination.open(options, context);
        closers.push(async () => destination.close?.());
        const { capabilities } = system.destination;
        return { destination, capabilities, rates, limiter, system: system.name, calls: () => callsOf(name) };
      }),
    async close() {
      for (const close of closers.reverse()) await close().catch(() => undefined);
    },
  };
}

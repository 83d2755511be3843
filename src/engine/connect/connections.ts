/** Opens connections, each at most once, and closes what it opened. @module */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { holdAttached } from "../../connector/duckdb-instances.ts";
import {
  type Capabilities,
  type Context,
  createHttp,
  type Destination,
  type Permits,
  type Rate,
  type Sandbox,
  type Source,
  type System,
} from "../../connector/index.ts";
import type { Connection, Project } from "../../core/decode.ts";
import { ConfigError } from "../../core/errors.ts";
import { suggest } from "../../core/suggest.ts";
import { digestOf } from "../staging/digest.ts";
import { openKept } from "../state/kept.ts";
import { openState } from "../state/state.ts";
import type { Listener, World } from "../world.ts";
import { fileCell, memoryCell } from "./cell.ts";
import { createLimiter, type Limiter, type LimiterOptions } from "./limiter.ts";
import { fresh } from "./pace.ts";
import { resolveSecrets, sandboxOptions } from "./secrets.ts";

export interface OpenDestination {
  readonly destination: Destination;
  readonly capabilities: Capabilities;
  readonly rates: readonly Rate[];
  readonly limiter: Limiter;
  readonly system: string;
}

export interface Connections {
  source(name: string): Promise<{ readonly source: Source; readonly system: string }>;
  destination(name: string): Promise<OpenDestination>;
  close(): Promise<void>;
}

/** Throws when nothing may be sent any more. */
export type Fence = () => Promise<void>;

export function openConnections(
  world: World,
  project: Project,
  listen: Listener,
  fence: Fence = async () => undefined,
): Connections {
  const declared = project.connections;
  const sources = new Map<string, Promise<{ source: Source; system: string }>>();
  const destinations = new Map<string, Promise<OpenDestination>>();
  const folders = new Map<string, Promise<string>>();
  const prepared = new Map<string, ReturnType<typeof prepare>>();
  const closers: (() => Promise<void>)[] = [holdAttached()];

  const prepare = async (name: string) => {
    const { system, options } = find(world, declared, name);
    const rehearsed = sandboxOptions(world, system.connection, options);
    const complete = isSandbox(rehearsed)
      ? { ...rehearsed, ...(await startSandbox(world, system, rehearsed.baseUrl, closers)) }
      : await resolveSecrets(world, name, system.connection, options);
    const rates = ratesOf(system, complete);
    const limiter = await limiterOf(world, project, name, {
      rates,
      concurrency: system.destination?.capabilities.concurrency,
    });
    limiter.onWait((ms) => listen({ type: "waiting", connection: name, ms }));
    const context: Context = {
      connection: name,
      path: (path) => (isAbsolute(path) ? path : join(world.directory, path)),
      http: (http) =>
        createHttp(
          {
            dispatcher: world.dispatcher,
            permits: fenced(limiter, fence),
            connection: name,
            now: world.now,
            after: world.after,
            sleep: world.sleep,
          },
          http,
        ),
      now: world.now,
      sleep: world.sleep,
      scratch: () => once(folders, name, () => scratchFolder(closers)),
      kept: (secret, seal) => openKept(world, openState(world, project.state.directory).directory, name, secret, seal),
      interactive: world.interactive,
    };
    return { system, options: complete as never, context, limiter, rates };
  };
  const once = <T>(map: Map<string, Promise<T>>, name: string, open: () => Promise<T>): Promise<T> => {
    const opening = map.get(name) ?? open();
    map.set(name, opening);
    return opening;
  };
  const ready = (name: string) =>
    once(prepared as Map<string, Promise<Awaited<ReturnType<typeof prepare>>>>, name, () => prepare(name));

  return {
    source: (name) =>
      once(sources, name, async () => {
        const { system, options, context } = await ready(name);
        if (!system.source) throw new ConfigError("SYSTEM_ROLE", `${name}: ${system.title} cannot be a source`);
        const source = await system.source.open(options, context);
        closers.push(async () => source.close?.());
        return { source, system: system.name };
      }),
    destination: (name) =>
      once(destinations, name, async () => {
        const { system, options, context, limiter, rates } = await ready(name);
        if (!system.destination)
          throw new ConfigError("SYSTEM_ROLE", `${name}: ${system.title} cannot be a destination`);
        const destination = await system.destination.open(options, context);
        closers.push(async () => destination.close?.());
        return { destination, capabilities: system.destination.capabilities, rates, limiter, system: system.name };
      }),
    async close() {
      for (const close of closers.reverse()) await close().catch(() => undefined);
    },
  };
}

/** `sandbox:DIR` as an address: the system's sandbox runs inside this process, and its credentials replace any others. */
function isSandbox(
  options: Readonly<Record<string, unknown>>,
): options is Readonly<Record<string, unknown>> & { readonly baseUrl: string } {
  return typeof options.baseUrl === "string" && options.baseUrl.startsWith("sandbox:");
}

async function scratchFolder(closers: (() => Promise<void>)[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "ebb-"));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function limiterOf(
  world: World,
  project: Project,
  connection: string,
  limits: Pick<LimiterOptions, "rates" | "concurrency">,
): Promise<Limiter> {
  const at = JSON.stringify([connection, limits]);
  const known = world.limiters.get(at);
  if (known) return known;
  // Without limits there is nothing to share with other processes.
  const shared = limits.rates.length > 0 ? await world.meetingPlace() : null;
  const state = openState(world, project.state.directory).directory;
  const cell = shared
    ? fileCell(world.disk, join(shared, `${digestOf([state, at]).slice(0, 32)}.json`), fresh)
    : memoryCell(fresh);
  const limiter = world.limiters.get(at) ?? createLimiter(world, { connection, ...limits, cell });
  world.limiters.set(at, limiter);
  return limiter;
}

/** The last look before a call leaves: whoever may no longer write sends nothing. */
function fenced(permits: Permits, fence: Fence): Permits {
  return {
    mayRetry: () => permits.mayRetry(),
    async acquire(buckets, signal) {
      const end = await permits.acquire(buckets, signal);
      try {
        await fence();
        return end;
      } catch (error) {
        await end({ how: "failed", signals: [] });
        throw error;
      }
    },
  };
}

function find(world: World, declared: Readonly<Record<string, Connection>>, name: string) {
  const connection = declared[name];
  if (!connection)
    throw new ConfigError("CONNECTION_UNKNOWN", `no connection "${name}": ${suggest(name, Object.keys(declared))}`);
  const system = world.systems.find((s) => s.name === connection.system);
  if (!system) throw new ConfigError("SYSTEM_UNKNOWN", `connection "${name}" is of an unknown system`);
  return { system, options: connection.options };
}

function ratesOf(system: System, options: Record<string, unknown>): readonly Rate[] {
  const own = options.rateLimit as { calls: number; seconds: number } | undefined;
  const rates = system.destination?.capabilities.rates ?? [];
  if (!own) return rates;
  const others = rates.filter(({ bucket }) => bucket !== "calls");
  return [...others, { bucket: "calls", limit: own.calls, perMs: own.seconds * 1000 }];
}

async function startSandbox(
  world: World,
  system: System,
  baseUrl: string,
  closers: (() => Promise<void>)[],
): Promise<Sandbox["credentials"] & { baseUrl: string }> {
  if (!system.sandbox) throw new ConfigError("CONFIG_INVALID", `${system.title} has no sandbox`);
  const path = baseUrl.slice("sandbox:".length);
  const directory = isAbsolute(path) ? path : join(world.directory, path);
  const { startSandbox } = await system.sandbox();
  const sandbox = await startSandbox({ port: 0, directory });
  closers.push(() => sandbox.close());
  return { ...sandbox.credentials, baseUrl: sandbox.url };
}

/** What connections need before they are opened, once for all that are open beside each other. @module */
import { isAbsolute, join } from "node:path";
import { type Context, createHttp, type Permits, type Rate, type Sandbox, type System } from "../../connector/index.ts";
import type { Connection, Project } from "../../core/decode.ts";
import { ConfigError } from "../../core/errors.ts";
import { suggest } from "../../core/suggest.ts";
import { digestOf } from "../staging/digest.ts";
import { privateFolder } from "../staging/private-folder.ts";
import { openKept } from "../state/kept.ts";
import type { Lock } from "../state/lock.ts";
import { openState } from "../state/state.ts";
import type { Listener, World } from "../world.ts";
import { fileCell, memoryCell } from "./cell.ts";
import { createLimiter, type Limiter, type LimiterOptions } from "./limiter.ts";
import { fresh } from "./pace.ts";
import { resolveSecrets, sandboxOptions } from "./secrets.ts";

/** Whoever may no longer write sends nothing. */
export type Fence = Pick<Lock, "hold" | "isFresh">;

export interface Prepared {
  readonly system: System;
  /** With their secrets. */
  readonly options: never;
  readonly rates: readonly Rate[];
  readonly limiter: Limiter;
  /** @param onCall told of each call that is let through */
  context(onCall: () => void): Context;
}

export interface Preparations {
  ready(name: string): Promise<Prepared>;
  /** Ends sandboxes, and removes files. */
  close(): Promise<void>;
}

export function prepareConnections(world: World, project: Project, listen: Listener, fence: Fence): Preparations {
  const folders = new Map<string, Promise<string>>();
  const prepared = new Map<string, Promise<Prepared>>();
  const closers: (() => Promise<void>)[] = [];

  const prepare = async (name: string): Promise<Prepared> => {
    const { system, options } = find(world, project.connections, name);
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
    const context = (onCall: () => void): Context => ({
      connection: name,
      path: (path) => (isAbsolute(path) ? path : join(world.directory, path)),
      http: (http) =>
        createHttp(
          {
            dispatcher: world.dispatcher,
            permits: fenced(limiter, fence, onCall),
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
    });
    return { system, options: complete as never, rates, limiter, context };
  };

  return {
    ready: (name) => once(prepared, name, () => prepare(name)),
    async close() {
      for (const close of closers.reverse()) await close().catch(() => undefined);
    },
  };
}

/** What is opened under a name, by the first who asks for it. */
export function once<T>(map: Map<string, Promise<T>>, name: string, open: () => Promise<T>): Promise<T> {
  const opening = map.get(name) ?? open();
  map.set(name, opening);
  return opening;
}

/** `sandbox:DIR` as an address: the system's sandbox runs inside this process, and its credentials replace any others. */
function isSandbox(
  options: Readonly<Record<string, unknown>>,
): options is Readonly<Record<string, unknown>> & { readonly baseUrl: string } {
  return typeof options.baseUrl === "string" && options.baseUrl.startsWith("sandbox:");
}

async function scratchFolder(closers: (() => Promise<void>)[]): Promise<string> {
  const { directory, remove } = privateFolder();
  closers.push(remove);
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

/** A look at the lock before a call is let through, and at the time that has passed since when it leaves. */
function fenced(permits: Limiter, fence: Fence, onCall: () => void): Permits {
  return {
    mayRetry: () => permits.mayRetry(),
    mayLeave: () => fence.isFresh(),
    async acquire(buckets, signal) {
      const end = await permits.acquire(buckets, signal);
      onCall();
      try {
        await fence.hold();
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

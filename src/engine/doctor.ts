/** Looks whether a project can be planned: secrets, connections, objects, fields, state. Writes nothing. @module */
import { rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Project } from "../core/decode.ts";
import { ConfigError, EbbError } from "../core/errors.ts";
import { suggest } from "../core/suggest.ts";
import type { Sync } from "../core/sync.ts";
import type { Column } from "../core/types.ts";
import { type Connections, openConnections } from "./connect/connections.ts";
import { syncFields } from "./diff/fields.ts";
import { checkMaskedColumns, maskSecrets } from "./diff/masks.ts";
import { withNewFields } from "./diff/new-fields.ts";
import { sourceQuery } from "./diff/source-query.ts";
import { unfinishedRuns } from "./run/runs.ts";
import { withStaging } from "./staging/scratch.ts";
import { readLock } from "./state/lock.ts";
import { openState } from "./state/state.ts";
import type { World } from "./world.ts";

/** What was looked at and how it is. */
export interface Check {
  readonly about: string;
  readonly status: "ok" | "warn" | "fail";
  readonly detail: string;
  /** What to do about it. */
  readonly next?: string;
}

/** Looks at everything, one check after another. */
export async function* examine(world: World, project: Project, signal: AbortSignal): AsyncIterable<Check> {
  const connections = openConnections(world, project, () => undefined);
  try {
    for (const name of Object.keys(project.connections))
      for (const role of rolesOf(project, name)) {
        const check = await checkConnection(connections, name, role, signal);
        yield check;
        if (role !== "unused" && check.status === "ok") yield* findings(connections, name, role, signal);
      }
    for (const sync of project.syncs) yield await checkSync(world, connections, sync, signal);
  } finally {
    await connections.close();
  }
  yield* checkState(world, project);
}

type Role = "source" | "destination" | "unused";

function rolesOf({ syncs }: Project, name: string): readonly Role[] {
  const source = syncs.some((sync) => sync.source.connection === name);
  const destination = syncs.some((sync) => sync.destination.connection === name);
  if (!source && !destination) return ["unused"];
  return [...(source ? (["source"] as const) : []), ...(destination ? (["destination"] as const) : [])];
}

function checkConnection(connections: Connections, name: string, role: Role, signal: AbortSignal): Promise<Check> {
  const about = `connection ${name}`;
  if (role === "unused")
    return Promise.resolve({ about, status: "warn", detail: "no sync uses it", next: "Remove it, or use it." });
  return attempt(about, async () => {
    if (role === "source") {
      const { system } = await connections.source(name);
      return `${system}, opens as a source`;
    }
    const { destination, system } = await connections.destination(name);
    return `${system}, reaches ${await destination.account(signal)}`;
  });
}

/** What the system itself can tell about the connection. */
async function* findings(
  connections: Connections,
  name: string,
  role: "source" | "destination",
  signal: AbortSignal,
): AsyncIterable<Check> {
  const about = `connection ${name}`;
  const end =
    role === "source" ? (await connections.source(name)).source : (await connections.destination(name)).destination;
  try {
    for await (const finding of end.examine?.(signal) ?? []) yield { about, ...finding };
  } catch (error) {
    if (!(error instanceof EbbError)) throw error;
    yield { about, status: "fail", detail: `${error.code}: ${error.message}`, next: error.next };
  }
}

function checkSync(world: World, connections: Connections, sync: Sync, signal: AbortSignal): Promise<Check> {
  return attempt(`sync ${sync.name}`, async () => {
    const { source } = await connections.source(sync.source.connection);
    const columns = await source.describe(sourceQuery(sync), signal);
    const { destination } = await connections.destination(sync.destination.connection);
    const described = await destination.describe(sync.destination.object, signal);
    const { object } = await withStaging({}, (staging) =>
      withNewFields(staging, { sync, source, destination, object: described }, signal),
    );
    const fields = syncFields(sync, object);
    checkColumns(sync, columns);
    checkMaskedColumns(sync, columns);
    await maskSecrets(world, sync);
    return `${columns.length} columns, ${fields.length} fields of ${object.object}`;
  });
}

function checkColumns(sync: Sync, columns: readonly Column[]): void {
  const names = columns.map(({ name }) => name);
  const used = [
    ...sync.key,
    ...Object.values(sync.fields).flatMap((field) => field.column ?? field.lookup?.column ?? []),
  ];
  const missing = used.find((name) => !names.includes(name));
  if (missing !== undefined)
    throw new ConfigError("COLUMN_UNKNOWN", `the query returns no column "${missing}": ${suggest(missing, names)}`);
}

async function attempt(about: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { about, status: "ok", detail: await work() };
  } catch (error) {
    if (!(error instanceof EbbError)) throw error;
    return { about, status: "fail", detail: `${error.code}: ${error.message}`, next: error.next };
  }
}

async function* checkState(world: World, project: Project): AsyncIterable<Check> {
  const store = openState(world, project.state.directory);
  yield await attempt("state", async () => {
    const { serial, syncs } = await store.read();
    const probe = join(store.directory, `probe-${world.randomName()}`);
    const isNew = !(await world.disk.exists(store.directory));
    await world.disk.replace(probe, "");
    await world.disk.remove(probe);
    // Only if it is empty: a run may have begun there meanwhile.
    if (isNew) await rmdir(store.directory).catch(() => undefined);
    return `serial ${serial}, ${Object.keys(syncs).length} recorded, writable at ${store.directory}`;
  });
  const owner = await readLock(world, store);
  const held = owner !== null && owner.expires >= world.now();
  yield held
    ? {
        about: "lock",
        status: "warn",
        detail: `held by ${owner.user}@${owner.host}, process ${owner.pid}`,
        next: "Wait for the run, or see `ebb state unlock`.",
      }
    : { about: "lock", status: "ok", detail: "free" };
  const [unfinished] = await unfinishedRuns(world, store);
  if (unfinished)
    yield {
      about: "runs",
      status: "warn",
      detail: `run ${unfinished.run} stopped before its end`,
      next: "Run `ebb apply` to finish it.",
    };
}

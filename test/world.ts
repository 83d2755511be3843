/** A world for tests: a project in a folder of its own, a clock that can be virtual, and the verbs of the engine. @module */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { onTestFinished } from "vitest";
import type { System } from "../src/connector/index.ts";
import type { Connection, Project } from "../src/core/decode.ts";
import type { SyncSummary } from "../src/core/plan.ts";
import { completeSync, type FieldMapping, type Sync, type SyncAttributes } from "../src/core/sync.ts";
import type { Change } from "../src/core/types.ts";
import { type ApplySignals, apply, resume } from "../src/engine/apply.ts";
import { type PlannedChange, readChanges } from "../src/engine/diff/changes.ts";
import { type PlanOptions, plan } from "../src/engine/plan.ts";
import type { OpenPlan } from "../src/engine/plan-file.ts";
import type { RunResult } from "../src/engine/run/runs.ts";
import { withStaging } from "../src/engine/staging/scratch.ts";
import { type Disk, localDisk } from "../src/engine/state/disk.ts";
import { openState, type StateStore } from "../src/engine/state/state.ts";
import type { EngineEvent, World } from "../src/engine/world.ts";
import { type VirtualClock, virtualClock } from "./clock.ts";

export interface TestWorld extends World {
  readonly clock: VirtualClock;
}

export interface WorldOptions {
  readonly systems: readonly System[];
  readonly directory?: string;
  readonly env?: World["env"];
  readonly disk?: Disk;
  /** Real time, for systems that keep time themselves. By default time is virtual. */
  readonly realTime?: boolean;
  readonly clock?: VirtualClock;
  readonly dispatcher?: () => Promise<Dispatcher>;
  readonly meetingPlace?: string;
}

/** A folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "ebb-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function testWorld(options: WorldOptions): Promise<TestWorld> {
  const clock = options.clock ?? virtualClock();
  const directory = options.directory ?? (await temporaryFolder());
  let agent: Promise<Dispatcher> | undefined;
  const realAgent = () => {
    agent ??= import("undici").then(({ Agent }) => {
      const made = new Agent();
      onTestFinished(() => made.close());
      return made;
    });
    return agent;
  };
  return {
    systems: options.systems,
    directory,
    clock,
    env: options.env ?? {},
    disk: options.disk ?? localDisk,
    now: options.realTime ? Date.now : clock.now,
    steady: options.realTime ? Date.now : clock.now,
    sleep: options.realTime ? (ms, signal) => wait(ms, undefined, { signal }) : clock.sleep,
    randomName: () => randomBytes(8).toString("hex"),
    after: () => () => undefined,
    random: () => 0.5,
    dispatcher: options.dispatcher ?? realAgent,
    version: "0.0.0-test",
    interactive: false,
    meetingPlace: async () => options.meetingPlace ?? null,
    limiters: new Map(),
  };
}

/** Attributes of a sync with everything but fields and mode filled in. */
export type SyncGiven = Partial<Omit<SyncAttributes, "fields">> & {
  readonly fields: Readonly<Record<string, string | FieldMapping>>;
};

/** A sync; a text in `fields` is the column the value comes from. */
export function testSync(given: SyncGiven): Sync {
  const fields = Object.fromEntries(
    Object.entries(given.fields).map(([name, from]) => [name, typeof from === "string" ? { column: from } : from]),
  );
  return completeSync("people", {
    source: { connection: "warehouse", table: "rows" },
    key: ["id"],
    destination: { connection: "crm", object: "people" },
    mode: "upsert",
    ...given,
    guards: { maxDeletePercent: 100, allowEmptySource: true, ...given.guards },
    fields,
  });
}

export function testProject(
  syncs: readonly Sync[],
  connections: Readonly<Record<string, Omit<Connection, "name">>>,
): Project {
  return {
    connections: Object.fromEntries(Object.entries(connections).map(([name, one]) => [name, { ...one, name }])),
    state: { kind: "local", directory: ".ebb" },
    syncs,
  };
}

export const neverAborts: AbortSignal = new AbortController().signal;
export const goOn: ApplySignals = { stop: neverAborts, abort: neverAborts };

/** The verbs of the engine for one project. */
export interface Runner {
  readonly world: TestWorld;
  readonly project: Project;
  readonly store: StateStore;
  readonly events: readonly EngineEvent[];
  plan(options?: Partial<PlanOptions>, signal?: AbortSignal): Promise<OpenPlan>;
  apply(plan: OpenPlan, signals?: Partial<ApplySignals>): Promise<RunResult>;
  resume(signals?: Partial<ApplySignals>): Promise<RunResult | null>;
  /** Plans and applies. */
  run(options?: Partial<PlanOptions>): Promise<RunResult>;
  /** The same project after an edit, in the same world. */
  with(project: Project): Runner;
}

export function runner(world: TestWorld, project: Project): Runner {
  const events: EngineEvent[] = [];
  const listen = (event: EngineEvent) => {
    events.push(event);
  };
  const self: Runner = {
    world,
    project,
    events,
    store: openState(world, project.state.directory),
    plan: async (options = {}, signal = neverAborts) =>
      plan(world, project, { directory: await temporaryFolder(), ...options }, listen, signal),
    apply: (given, signals = {}) => apply(world, project, given, listen, { ...goOn, ...signals }),
    resume: (signals = {}) => resume(world, project, listen, { ...goOn, ...signals }),
    run: async (options) => self.apply(await self.plan(options)),
    with: (next) => runner(world, next),
  };
  return self;
}

/** Changes of one sync of a plan, with their reasons, in apply order. */
export function plannedChanges(open: OpenPlan, sync = open.manifest.syncs[0]?.sync.name): Promise<PlannedChange[]> {
  const planned = open.manifest.syncs.find((one) => one.sync.name === sync);
  return withStaging({}, async (staging) => {
    const all: PlannedChange[] = [];
    if (planned) for await (const one of readChanges(staging, open.directory, planned)) all.push(one);
    return all;
  });
}

export async function changesOf(open: OpenPlan, sync?: string): Promise<readonly Change[]> {
  return (await plannedChanges(open, sync)).map(({ change }) => change);
}

/** The only sync's summary, or the named one's. */
export function summaryOf({ summary }: OpenPlan, sync = summary.syncs[0]?.name): SyncSummary {
  const found = summary.syncs.find(({ name }) => name === sync);
  if (!found) throw new TypeError(`no sync ${sync} in the plan`);
  return found;
}

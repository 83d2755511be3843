import { expect } from "vitest";
import type { Capabilities } from "../../src/connector/index.ts";
import { EbbError } from "../../src/core/errors.ts";
import type { PlannedSync } from "../../src/core/plan.ts";
import type { Fields, Outcome } from "../../src/core/types.ts";
import { openConnections } from "../../src/engine/connect/connections.ts";
import type { OpenPlan } from "../../src/engine/plan-file.ts";
import { canonicalise } from "../../src/engine/staging/canonicalise.ts";
import { withStaging } from "../../src/engine/staging/scratch.ts";
import { changesOf, neverAborts, type Runner } from "../world.ts";
import type { Bench } from "./bench.ts";
import type { DestinationFixture } from "./fixture.ts";

/** One promise a destination keeps. */
export interface Check {
  readonly name: string;
  /** Whether the destination declares what is checked; absent: all do. */
  readonly applies?: (capabilities: Capabilities) => boolean;
  /** Why this object cannot be used for the check, where it cannot. */
  readonly lacks?: (fixture: DestinationFixture) => string | false;
  readonly run: (fixture: DestinationFixture) => Promise<void>;
}

export const can =
  (...actions: Capabilities["actions"]) =>
  (capabilities: Capabilities): boolean =>
    actions.every((action) => capabilities.actions.includes(action));

/** What the object holds, in the canonical form of the plan's types, by key. */
export async function held({ fixture }: Bench, open: OpenPlan): Promise<ReadonlyMap<string, Fields>> {
  const planned = open.manifest.syncs[0] as PlannedSync;
  const records = await fixture.records();
  return withStaging({}, async (staging) => {
    const observed = records.map((fields, i) => ({ id: String(i), fields }));
    const type = planned.types[fixture.matchOn] ?? { kind: "text" };
    const canonical = await canonicalise(staging, planned, [type], observed);
    return new Map(canonical.map(({ key, fields }) => [String(key), fields]));
  });
}

/** Applies what the rows ask for and says what the object then holds; the next plan is empty. */
export async function converge(bench: Bench): Promise<ReadonlyMap<string, Fields>> {
  const open = await bench.run.plan();
  const result = await bench.run.apply(open);
  expect(result.problem).toBeUndefined();
  expect(result.status).toBe("applied");
  const next = await bench.run.plan();
  expect(await changesOf(next)).toEqual([]);
  return held(bench, next);
}

/** Plans made at the same time over connections beside each other are the plan that is made alone. */
export async function plansAgree(run: Runner): Promise<OpenPlan> {
  const alone = await run.plan();
  const connections = openConnections(run.world, run.project, () => undefined);
  try {
    const beside = [connections, connections.beside(), connections.beside()];
    const made = await Promise.all(beside.map((some) => run.plan({ connections: some })));
    expect(made.map(({ manifest }) => manifest.content)).toEqual(made.map(() => alone.manifest.content));
    // Each counts its own calls.
    const calls = ({ summary }: OpenPlan) => summary.syncs.map(({ cost }) => cost.planCalls);
    expect(made.map(calls)).toEqual(made.map(() => calls(alone)));
  } finally {
    await connections.close();
  }
  return alone;
}

/** Receipts of one write outside of a run. */
export async function writeDirectly(
  bench: Bench,
  make: (object: ReturnType<typeof bench.batch>["types"]) => Parameters<typeof bench.batch>[1],
): Promise<readonly Outcome[]> {
  return bench.direct(async ({ destination }, object) => {
    const types = Object.fromEntries(object.fields.map(({ name, type }) => [name, type]));
    const outcomes: Outcome[] = [];
    for await (const receipt of destination.write(bench.batch(object, make(types)), neverAborts))
      if ("outcomes" in receipt) outcomes.push(...receipt.outcomes);
    return outcomes;
  });
}

/** The error a promise ends with, which is always one that Ebb raises on purpose. */
export async function errorOf(work: Promise<unknown>): Promise<EbbError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof EbbError)) expect.fail(`not an error with a code: ${error}`);
  return error;
}

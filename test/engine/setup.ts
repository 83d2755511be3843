import type { Disk } from "../../src/engine/state/disk.ts";
import type { World } from "../../src/engine/world.ts";
import { type VirtualClock, virtualClock } from "../clock.ts";
import { type Fake, type FakeOptions, fakeConnections, makeFake } from "../fake.ts";
import { type Runner, runner, type SyncGiven, testProject, testSync, testWorld } from "../world.ts";

export interface FakeProject {
  readonly fake: Fake;
  readonly run: Runner;
  readonly clock: VirtualClock;
}

/** A project of one sync from the fake's rows to the fake's records. */
export async function fakeProject(
  sync: Partial<SyncGiven> = {},
  options: FakeOptions & { readonly disk?: Disk; readonly env?: World["env"] } = {},
): Promise<FakeProject> {
  const clock = virtualClock();
  const fake = makeFake({ now: clock.now, ...options });
  const world = await testWorld({
    systems: [fake.system],
    clock,
    dispatcher: fake.dispatcher,
    ...(options.disk ? { disk: options.disk } : {}),
    ...(options.env ? { env: options.env } : {}),
  });
  const project = testProject([testSync({ fields: { name: "name", city: "city" }, ...sync })], fakeConnections);
  return { fake, run: runner(world, project), clock };
}

/** What the source holds, as the destination should: by key. */
export function byKey(rows: Iterable<Readonly<Record<string, string | null>>>) {
  return new Map([...rows].map((row) => [row.id, row]));
}

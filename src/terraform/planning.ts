/** One resource is one sync: how its plan is made, and what of it travels from plan to apply. @module */
import type { Project } from "../core/decode.ts";
import { AuthError } from "../core/errors.ts";
import type { SyncSummary } from "../core/plan.ts";
import type { Sync } from "../core/sync.ts";
import { configDigest } from "../engine/config-digest.ts";
import type { PlanOptions } from "../engine/plan.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import type { World } from "../engine/world.ts";
import type { Settings } from "./check-provider.ts";
import type { Images } from "./look.ts";
import type { Session } from "./session.ts";

const FORMAT = 2;
/** For the staging engine of each plan, several of which are made at a time: half of what the command line takes. */
const MEMORY_MB = 300;

/** Kept in Terraform's private state. Without record values, but for images that were asked for. */
export interface Preview {
  readonly format: typeof FORMAT;
  /** `delete`: the plan of a destroy that deletes what Ebb created. */
  readonly of: "sync" | "delete";
  /** Of the configuration it was made with. */
  readonly config: string;
  /** Of the changes: two plans with the same one would do the same. */
  readonly digest: string;
  readonly summary: SyncSummary;
  readonly images?: Images;
}

/** What is planned: a sync, and whether the values of its records are to be in Terraform's plan. */
export interface Wanted {
  readonly sync: Sync;
  readonly records?: boolean | undefined;
}

type Use<T> = (plan: OpenPlan, made: Preview, project: Project) => Promise<T>;

/** Makes the plan of one sync, and has it used before its files are removed. Nothing else goes on meanwhile. */
export function planned<T>(session: Session, settings: Settings, sync: Sync, use: Use<T>): Promise<T> {
  const project = { ...settings, syncs: [sync] };
  return session.exclusive(async () => planOf(session, await session.world(), project, { of: "sync" }, use));
}

/** The same where nothing is written: a few such plans are made beside each other. */
export async function lookedAt<T>(session: Session, settings: Settings, sync: Sync, use: Use<T>): Promise<T> {
  const open = async () => {
    const [world, { openConnections }] = await Promise.all([
      session.world(),
      import("../engine/connect/connections.ts"),
    ]);
    return openConnections(world, { ...settings, syncs: [] }, () => undefined);
  };
  const project = { ...settings, syncs: [sync] };
  return session.looking(open, async (connections) =>
    planOf(session, await session.world(), project, { of: "sync", connections }, use),
  );
}

interface Making extends Pick<PlanOptions, "connections"> {
  readonly of: Preview["of"];
}

/** Makes the plan of a project of one sync, unless a login that it needs was refused before. */
export async function planOf<T>(
  session: Session,
  world: World,
  project: Project,
  { of, connections }: Making,
  use: Use<T>,
): Promise<T> {
  const [{ plan }, { withScratch }] = await Promise.all([
    import("../engine/plan.ts"),
    import("../engine/staging/scratch.ts"),
  ]);
  for (const { source, destination } of project.syncs)
    for (const { connection } of [source, destination]) {
      const refused = session.refused.get(connection);
      if (refused) throw refused;
    }
  return withScratch(async (directory) => {
    const options = { memoryMb: MEMORY_MB, directory, ...(connections && { connections }) };
    const making = plan(world, project, options, () => undefined, session.stop.signal);
    const made = await making.catch((error: unknown) => {
      if (error instanceof AuthError && error.at && error.code === "AUTH_REFUSED") session.refused.set(error.at, error);
      throw error;
    });
    return use(made, previewOf(made, of), project);
  });
}

function previewOf({ manifest: { config, content }, summary }: OpenPlan, of: Preview["of"]): Preview {
  const [only] = summary.syncs;
  if (!only) throw new TypeError("a plan without its sync");
  return { format: FORMAT, of, config, digest: content, summary: only };
}

/** A plan that is only looked at: its records are noted, for whoever asks what moved and what to show. */
export function preview(session: Session, settings: Settings, { sync, records }: Wanted): Promise<Preview> {
  return lookedAt(session, settings, sync, async (plan, made) => {
    if (!isPending(made.summary)) return made;
    const { look } = await import("./look.ts");
    const { lines, images, marks } = await look(plan, made.summary, records === true);
    session.lines.set(made.digest, lines);
    session.marks.set(made.digest, marks);
    return images ? { ...made, images } : made;
  });
}

export function writePreview(made: Preview): Buffer {
  return Buffer.from(JSON.stringify(made));
}

/** What was kept, unless it is of another version. */
export function readPreview(bytes: Uint8Array | undefined): Preview | undefined {
  if (!bytes || bytes.length === 0) return undefined;
  const kept = JSON.parse(Buffer.from(bytes).toString()) as Preview;
  return kept.format === FORMAT ? kept : undefined;
}

/** True where a preview still holds: nothing in the sync or its connections has changed, nor what is to be shown. */
export function isOf(kept: Preview, settings: Settings, { sync, records }: Wanted): boolean {
  if (kept.of !== "sync" || kept.config !== configOf(settings, sync)) return false;
  return !isPending(kept.summary) || (kept.images !== undefined) === (records === true);
}

export function configOf(settings: Settings, sync: Sync): string {
  return configDigest({ ...settings, syncs: [sync] }, [sync.name]);
}

/** Changes to send, fields to make, or records to take into the ledger. */
export function isPending({ counts, confirmed, newFields }: SyncSummary): boolean {
  return counts.create + counts.update + counts.delete + confirmed + newFields.length > 0;
}

/** One resource is one sync: how its plan is made, and what of it travels from plan to apply. @module */
import type { SyncSummary } from "../core/plan.ts";
import type { Sync } from "../core/sync.ts";
import { configDigest } from "../engine/config-digest.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import type { Settings } from "./check-provider.ts";
import type { Session } from "./session.ts";

const FORMAT = 1;

/** Kept in Terraform's private state. Without record values. */
export interface Preview {
  readonly format: typeof FORMAT;
  /** Of the configuration it was made with. */
  readonly config: string;
  /** Of the changes: two plans with the same one would do the same. */
  readonly digest: string;
  readonly summary: SyncSummary;
}

/** Makes the plan of one sync, and has it used before its files are removed. */
export function planned<T>(
  session: Session,
  settings: Settings,
  sync: Sync,
  use: (plan: OpenPlan, preview: Preview) => Promise<T>,
): Promise<T> {
  return session.exclusive(async () => {
    const [world, { plan }, { withScratch }] = await Promise.all([
      session.world(),
      import("../engine/plan.ts"),
      import("../engine/staging/scratch.ts"),
    ]);
    const project = { ...settings, syncs: [sync] };
    return withScratch(async (directory) => {
      const made = await plan(world, project, { directory }, () => undefined, session.stop.signal);
      const { config, content } = made.manifest;
      const [summary] = made.summary.syncs;
      if (!summary) throw new TypeError("a plan without its sync");
      return use(made, { format: FORMAT, config, digest: content, summary });
    });
  });
}

export function preview(session: Session, settings: Settings, sync: Sync): Promise<Preview> {
  return planned(session, settings, sync, async (_, made) => made);
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

/** True where a preview still holds: nothing in the sync or its connections has changed. */
export function isOf(kept: Preview, settings: Settings, sync: Sync): boolean {
  return kept.config === configDigest({ ...settings, syncs: [sync] }, [sync.name]);
}

/** Changes to send, fields to make, or records to take into the ledger. */
export function isPending({ counts, confirmed, newFields }: SyncSummary): boolean {
  return counts.create + counts.update + counts.delete + confirmed + newFields.length > 0;
}

/** Looks at the records of a plan: some as masked lines, some with their values, and a mark of each. @module */
import type { PlannedSync, SyncSummary } from "../core/plan.ts";
import type { Fields } from "../core/types.ts";
import { changesFrom, type PlannedChange, readChanges } from "../engine/diff/changes.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import { withStaging } from "../engine/staging/scratch.ts";
import type { Staging } from "../engine/staging/staging.ts";
import { createReveal, saltOf } from "../report/reveal.ts";
import { sampleLines } from "../report/samples.ts";
import { plain } from "../report/style.ts";

/** Records of each kind in the lines, and lines in all. */
const RECORDS = 3;
const LINES = 30;
/** Records whose values are shown. */
const IMAGES = 200;
/** Most changes that are marked one by one. */
const MARKS = 5_000;

/** Fields before and after, by key; null where there is no record. */
export interface Images {
  readonly before: Readonly<Record<string, Fields>>;
  readonly after: Readonly<Record<string, Fields>>;
}

export interface Look {
  readonly lines: readonly string[];
  readonly images?: Images;
  /** Digest of each change by the digest of its key; null where there are too many. */
  readonly marks: Marks | null;
}

export type Marks = Readonly<Record<string, string>>;

/** @param records whether values were asked for */
export async function look(plan: OpenPlan, summary: SyncSummary, records: boolean): Promise<Look> {
  const [planned] = plan.manifest.syncs;
  if (!planned || planned.changes === 0) return { lines: [], marks: {}, ...(records && { images: none }) };
  return withStaging({}, async (staging) => ({
    lines: await masked(staging, plan, planned, summary),
    marks: planned.changes > MARKS ? null : await marksOf(staging, plan, planned),
    ...(records && { images: await imagesOf(staging, plan, planned) }),
  }));
}

/** How many records two plans treat differently; undefined where that was not kept. */
export function movedBetween(a: Marks | null | undefined, b: Marks | null | undefined): number | undefined {
  if (!a || !b) return undefined;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]).length;
}

const none: Images = { before: {}, after: {} };

async function masked(
  staging: Staging,
  { directory, manifest }: OpenPlan,
  planned: PlannedSync,
  summary: SyncSummary,
): Promise<readonly string[]> {
  const { sync } = planned;
  const some = async (count: number, where: string) => {
    const found: PlannedChange[] = [];
    if (count > 0) for await (const one of readChanges(staging, directory, planned, where, RECORDS)) found.push(one);
    return found;
  };
  const { counts, reasons } = summary;
  const samples = {
    sync: sync.name,
    deletes: await some(counts.delete, "action = 'delete'"),
    updates: await some(counts.update, "action = 'update' AND reason = 'warehouse'"),
    creates: await some(counts.create, "action = 'create' AND reason = 'warehouse'"),
    drifted: await some(reasons.drift + reasons.conflict, "action <> 'delete' AND reason <> 'warehouse'"),
    rejected: [],
  };
  const reveal = createReveal([sync], { all: false, salt: saltOf(manifest) });
  const lines = sampleLines(summary, samples, reveal, plain);
  return lines.length > LINES ? [...lines.slice(0, LINES), "  …"] : lines;
}

async function marksOf(staging: Staging, { directory }: OpenPlan, planned: PlannedSync): Promise<Marks> {
  const rows = await staging.rows<{ k: string; c: string }>(
    `SELECT md5(CAST(key AS VARCHAR))[1:16] AS k, md5(CAST(json_array(action, id, to_json(before), to_json(after)) AS VARCHAR))[1:16] AS c
     FROM ${changesFrom(directory, planned)}`,
  );
  return Object.fromEntries(rows.map(({ k, c }) => [k, c]));
}

async function imagesOf(staging: Staging, { directory }: OpenPlan, planned: PlannedSync): Promise<Images> {
  const before: [string, Fields][] = [];
  const after: [string, Fields][] = [];
  for await (const { change } of readChanges(staging, directory, planned, "true", IMAGES)) {
    if (change.action !== "create") before.push([change.key, change.before]);
    if (change.action !== "delete") after.push([change.key, change.after]);
  }
  return { before: Object.fromEntries(before), after: Object.fromEntries(after) };
}

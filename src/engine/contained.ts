/**
 * Whether a plan does nothing that another, reviewed one does not. Decided in the staging engine on the Parquet files of
 * both, so that it costs a join and no JavaScript object for each change.
 * @module
 */
import { textSql } from "../core/canonical.ts";
import type { PlannedSync } from "../core/plan.ts";
import { ident } from "../core/sql.ts";
import { changesFrom } from "./diff/changes.ts";
import type { OpenPlan } from "./plan-file.ts";
import { withStaging } from "./staging/scratch.ts";
import { type Staging, table } from "./staging/staging.ts";

/**
 * `unreviewed`: the reviewed plan has no change of that record. `different`: it has another action, another record of
 * the destination behind the key, a field it leaves alone, or another value before or after.
 */
export type Why = "unreviewed" | "different";

/** A change that the reviewed plan does not have. The key is private. */
export interface Uncontained {
  readonly sync: string;
  readonly key: string;
  readonly why: Why;
}

/** How one plan lies in another. It is contained when nothing is unreviewed or different, and no field is made anew. */
export interface Containment {
  /** Changes of the plan, of all its syncs. */
  readonly changes: number;
  /** Changes of the reviewed plan. */
  readonly reviewed: number;
  readonly unreviewed: number;
  readonly different: number;
  /** Fields the plan would make in a destination and the reviewed one would not, as `sync.field`. */
  readonly newFields: readonly string[];
  /** The first few of those not contained. */
  readonly examples: readonly Uncontained[];
}

/** Most examples that are named. */
const EXAMPLES = 5;
/** With all their values they must fit into the engine's memory. */
const PART_CHANGES = 200_000;

export function isContained({ unreviewed, different, newFields }: Containment): boolean {
  return unreviewed === 0 && different === 0 && newFields.length === 0;
}

/**
 * Compares each change of a plan with the reviewed change of the same sync, account and key:
 *
 * - all: the same action on the same record of the destination;
 * - create: the same values in every field;
 * - update: only fields that were reviewed, each with the same value before and the same after. Fields may be missing;
 * - delete: nothing more.
 *
 * Values are compared in their canonical text, as a reviewer is shown them.
 *
 * @param partChanges changes of the larger plan that are compared at once
 */
export async function containmentOf(
  plan: OpenPlan,
  reviewed: OpenPlan,
  partChanges = PART_CHANGES,
): Promise<Containment> {
  const pairs = plan.manifest.syncs.map((now) => {
    const { name } = now.sync;
    const same = ({ sync, account }: PlannedSync) => sync.name === name && account === now.account;
    return { now, before: reviewed.manifest.syncs.find(same) };
  });
  const counts = { unreviewed: 0, different: 0 };
  const examples: Uncontained[] = [];
  const moved = pairs.filter(({ now }) => now.changes > 0);
  if (moved.length > 0)
    await withStaging({}, async (staging) => {
      for (const { now, before } of moved) {
        const known = before && { ...before, sql: changesFrom(reviewed.directory, before) };
        await stageMoved(staging, changesFrom(plan.directory, now), now, known, partChanges);
        const found = await readMoved(staging, EXAMPLES - examples.length);
        counts.unreviewed += found.unreviewed;
        counts.different += found.different;
        examples.push(...found.examples.map((one) => ({ sync: now.sync.name, ...one })));
      }
    });
  return {
    changes: total(plan),
    reviewed: total(reviewed),
    ...counts,
    newFields: pairs.flatMap(addedFields),
    examples,
  };
}

interface ReviewedChanges extends Pick<PlannedSync, "types" | "changes"> {
  readonly sql: string;
}

/** Part by part of the keys, each of which reads both files again. */
async function stageMoved(
  staging: Staging,
  changes: string,
  now: PlannedSync,
  reviewed: ReviewedChanges | undefined,
  partChanges: number,
): Promise<void> {
  await staging.run(`CREATE OR REPLACE TABLE ${table("moved")} (n BIGINT, key VARCHAR, why VARCHAR)`);
  const add = (rows: string) =>
    staging.run(`INSERT INTO ${table("moved")} SELECT n, key, why FROM (${rows}) WHERE why IS NOT NULL`);
  if (!reviewed) return add(`SELECT n, key, 'unreviewed' AS why FROM ${changes}`);
  const why = `CASE WHEN r.key IS NULL THEN 'unreviewed' WHEN NOT (${sameSql(now.types, reviewed.types)}) THEN 'different' END`;
  const parts = Math.max(1, Math.ceil(Math.max(now.changes, reviewed.changes) / partChanges));
  for (let i = 0; i < parts; i++) {
    const part = (sql: string) => (parts === 1 ? sql : `(SELECT * FROM ${sql} WHERE hash(key) % ${parts} = ${i})`);
    await add(
      `SELECT n.n, n.key, ${why} AS why FROM ${part(changes)} n LEFT JOIN ${part(reviewed.sql)} r ON r.key = n.key`,
    );
  }
}

function sameSql(now: PlannedSync["types"], reviewed: PlannedSync["types"]): string {
  const names = [...new Set([...Object.keys(now), ...Object.keys(reviewed)])];
  const value = (side: "n" | "r", image: "before" | "after", name: string) => {
    const type = (side === "n" ? now : reviewed)[name];
    return type ? textSql(`${side}.${image}.${ident(name)}`, type) : "CAST(NULL AS VARCHAR)";
  };
  const equal = (image: "before" | "after", name: string) =>
    `${value("n", image, name)} IS NOT DISTINCT FROM ${value("r", image, name)}`;
  const created = names.map((name) => equal("after", name));
  const updated = Object.keys(now).map((name) => {
    const may =
      name in reviewed
        ? `(r.changed.${ident(name)} AND ${equal("before", name)} AND ${equal("after", name)})`
        : "false";
    return `(NOT n.changed.${ident(name)} OR ${may})`;
  });
  const all = (conditions: readonly string[]) => conditions.join(" AND ") || "true";
  return `n.action = r.action AND n.id IS NOT DISTINCT FROM r.id
    AND CASE n.action WHEN 'create' THEN ${all(created)} WHEN 'update' THEN ${all(updated)} ELSE true END`;
}

async function readMoved(staging: Staging, most: number) {
  const count = await staging.row<Record<Why, string>>(
    `SELECT count(*) FILTER (why = 'unreviewed') AS unreviewed, count(*) FILTER (why = 'different') AS different FROM ${table("moved")}`,
  );
  const examples = await staging.rows<Pick<Uncontained, "key" | "why">>(
    `SELECT key, why FROM ${table("moved")} ORDER BY n LIMIT ${most}`,
  );
  return { unreviewed: Number(count.unreviewed), different: Number(count.different), examples };
}

function addedFields({ now, before }: { readonly now: PlannedSync; readonly before: PlannedSync | undefined }) {
  const known = new Set(before?.newFields.map((field) => JSON.stringify(field)));
  return now.newFields
    .filter((field) => !known.has(JSON.stringify(field)))
    .map(({ name }) => `${now.sync.name}.${name}`);
}

function total({ manifest }: OpenPlan): number {
  return manifest.syncs.reduce((sum, { changes }) => sum + changes, 0);
}

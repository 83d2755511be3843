/** What a rollback wants: the records of a run as they were before it, in the shape of a source's rows. @module */

import { sqlType } from "../../core/canonical.ts";
import type { PlannedSync } from "../../core/plan.ts";
import { ident } from "../../core/sql.ts";
import type { FieldMapping, Sync } from "../../core/sync.ts";
import type { OpenDestination } from "../connect/connections.ts";
import type { LoadedRun } from "../run/runs.ts";
import { rowHashSql } from "../staging/row-hash.ts";
import { type Staging, table } from "../staging/staging.ts";
import { doneSql, stageDone } from "../state/recorded.ts";
import { changesFrom } from "./changes.ts";
import type { Desired } from "./desired.ts";
import type { Side } from "./diff.ts";
import { hashedFields, type SyncField } from "./fields.ts";

/** One sync of a run that is to be rolled back. */
export interface Undo {
  readonly run: LoadedRun;
  readonly planned: PlannedSync;
}

/**
 * The sync a rollback is planned as: what the run created is not wanted, what it updated or deleted is wanted as it was.
 * It can delete nothing that the run did not create, so the guards on deletes allow for those.
 */
export function undoSync({ planned }: Undo, open: OpenDestination): Sync {
  const { sync } = planned;
  const canDelete = open.capabilities.actions.includes("delete");
  return {
    ...sync,
    mode: sync.mode === "update" ? "update" : canDelete ? "mirror" : "upsert",
    onDrift: "keep",
    refresh: "full",
    diff: "local",
    adopt: false,
    missingFields: "refuse",
    guards: {
      ...sync.guards,
      maxDeletes: planned.changes,
      maxDeletePercent: 100,
      maxChangePercent: null,
      allowEmptySource: true,
    },
    fields: Object.fromEntries(Object.entries(sync.fields).map(([name, mapping]) => [name, asItWas(name, mapping)])),
  };
}

/** The value itself, with nothing done to it; what is written at creation only stays so. */
function asItWas(name: string, { createOnly, privacy }: FieldMapping): FieldMapping {
  return { column: name, ...(createOnly ? { createOnly } : {}), ...(privacy ? { privacy } : {}) };
}

export interface StagedUndo {
  readonly desired: Desired;
  /** What is recorded of the records in question. */
  readonly ledger: string;
  readonly warnings: readonly string[];
}

/**
 * Of a field that a later run has set anew, the later value stands. A record the run updated is never made anew, and one
 * it deleted only where no later run has made it.
 */
export async function stageUndo(
  staging: Staging,
  { run, planned }: Undo,
  fields: readonly SyncField[],
  open: OpenDestination,
): Promise<StagedUndo> {
  const progress = run.progress.get(planned.sync.name);
  if (progress) await stageDone(staging, "undone", progress);
  const value = (image: string, { name, type }: SyncField) =>
    name in planned.types ? `TRY_CAST(${image}.${ident(name)} AS ${sqlType(type)})` : `CAST(NULL AS ${sqlType(type)})`;
  const before = fields.map((field, i) => {
    const was = value("c.before", field);
    if (!(field.name in planned.types)) return `l.f${i} AS f${i}`;
    const stands = `c.action = 'delete' OR NOT l.k${i} OR (c.changed.${ident(field.name)} AND l.f${i} IS NOT DISTINCT FROM ${value("c.after", field)})`;
    return `CASE WHEN ${stands} THEN ${was} ELSE l.f${i} END AS f${i}`;
  });
  const done = progress ? doneSql("undone") : "SELECT 0 AS n, NULL AS given WHERE false";
  await staging.run(
    `CREATE OR REPLACE TABLE ${table("undo")} AS
     SELECT c.action, CAST(c.key AS ${planned.keyType}) AS key, l.key IS NOT NULL AS known, ${before.join(", ")}
     FROM ${changesFrom(run.files.plan, planned)} c JOIN (${done}) USING (n)
     LEFT JOIN ${table("ledger")} l ON l.key = CAST(c.key AS ${planned.keyType})`,
  );
  const hash = rowHashSql(hashedFields(fields), (i) => `f${i}`);
  const sql = `SELECT true AS present, * EXCLUDE (action, known), ${hash} AS h FROM ${table("undo")}
    WHERE (action = 'update' AND known) OR (action = 'delete' AND NOT known)`;
  const { n } = await staging.row<{ n: string }>(`SELECT count(*) AS n FROM (${sql})`);
  return {
    desired: { sql, rows: Number(n), nullKeys: 0, failing: [] },
    ledger: `(SELECT * FROM ${table("ledger")} WHERE key IN (SELECT key FROM ${table("undo")} WHERE action <> 'delete'))`,
    warnings: await warningsOf(staging, open),
  };
}

async function warningsOf(staging: Staging, { capabilities }: OpenDestination): Promise<readonly string[]> {
  const n = await staging.row<Record<"created" | "deleted" | "later", string>>(
    `SELECT count(*) FILTER (action = 'create' AND known) AS created, count(*) FILTER (action = 'delete' AND NOT known) AS deleted,
       count(*) FILTER (known = (action = 'delete')) AS later FROM ${table("undo")}`,
  );
  const many = (count: string, what: string) => `${count} ${Number(count) === 1 ? "record" : "records"} ${what}`;
  const left =
    Number(n.later) === 1
      ? "was made or removed by others since, and is left as it is"
      : "were made or removed by others since, and are left as they are";
  const kept = { bin: "bin", archive: "archive", none: "", erase: "" }[capabilities.delete];
  const instead = kept ? `; the destination's own ${kept} has the old ones` : "";
  return [
    ...(Number(n.deleted) > 0
      ? [many(n.deleted, `the run deleted can only be made anew, with a new id and the fields of this sync${instead}`)]
      : []),
    ...(Number(n.created) > 0 && !capabilities.actions.includes("delete")
      ? [many(n.created, "the run created cannot be deleted there")]
      : []),
    ...(Number(n.later) > 0 ? [many(n.later, left)] : []),
  ];
}

/**
 * Leaves alone what somebody else touched: a record the run created and others edited, one it updated that is gone, one it
 * deleted that is there again.
 */
export async function leaveToOthers(staging: Staging, sides: readonly Side[]): Promise<void> {
  const updated = `(SELECT key FROM ${table("undo")} WHERE action = 'update')`;
  if (sides.includes("fresh")) await staging.run(`DELETE FROM ${table("fresh")} WHERE key IN ${updated}`);
  if (!sides.includes("standing")) return;
  const remade = `(SELECT key FROM ${table("undo")} WHERE action = 'delete')`;
  await staging.run(
    `UPDATE ${table("standing")} SET action = NULL, kept = true
     WHERE (action = 'delete' AND reason <> 'warehouse') OR (action = 'update' AND key IN ${remade})`,
  );
}

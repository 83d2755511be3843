/** What of a diff goes into the plan: its changes, what it found to be right, and what the ledger is to forget. @module */
import { sqlType } from "../../core/canonical.ts";
import type { Counts } from "../../core/plan.ts";
import { ident, noRows } from "../../core/sql.ts";
import { type Staging, table } from "../staging/staging.ts";
import type { DiffInput } from "./diff.ts";
import type { SyncField } from "./fields.ts";

/** How many of each there are. */
export interface SavedCounts {
  readonly counts: Counts;
  readonly confirmed: number;
  readonly forgotten: number;
}

/**
 * The changes in apply order, as the plan file has them: creates, updates, deletes, each by key. A create sets, and a
 * delete had, every field that is not null, so only an update says which changed. A column that no action fills is left
 * out. Ordered as flat columns, each action with only its own: sorting is most of the work of a first plan.
 */
export function changesSql({ sync, fields }: DiffInput, { counts }: SavedCounts): string {
  const flags = (make: (i: number) => string) =>
    `struct_pack(${fields.map(({ name }, i) => `${ident(name)} := ${make(i)}`).join(", ")})`;
  const changed = flags((i) => `c${i}`);
  const drifted = flags((i) => `c${i} AND s${i}`);
  const select = (action: string, columns: readonly string[], parts: readonly string[]) => {
    const rows = `SELECT key, id, owned, reason${columns.flatMap((c) => fields.map((_, i) => `, ${c}${i}`)).join("")}
      FROM ${table("judged")} WHERE action = '${action}' AND problem IS NULL ORDER BY key`;
    return `SELECT '${action}' AS action, CAST(key AS VARCHAR) AS key, ${action === "create" ? "CAST(NULL AS VARCHAR)" : "id"} AS id, reason,
      ${action === "create" ? "true" : `owned OR ${sync.adopt}`} AS owned, ${parts.join(", ")} FROM (${rows})`;
  };
  // What is kept for somebody else stays recorded as Ebb left it, so that it stays known as theirs.
  const settled = sync.onDrift === "keep" ? "l" : "a";
  const before = `${image(fields, "o")} AS before`;
  const flagged = [`${changed} AS changed`, `CASE WHEN reason <> 'warehouse' THEN ${drifted} END AS drifted`];
  const parts = [
    ...(counts.create > 0 ? [select("create", ["a"], [`${image(fields, "a")} AS after`])] : []),
    ...(counts.update > 0
      ? [select("update", [settled, "o", "c", "s"], [...flagged, before, `${image(fields, settled)} AS after`])]
      : []),
    ...(counts.delete > 0 ? [select("delete", ["o"], [before])] : []),
  ];
  return (
    parts.join("\nUNION ALL BY NAME ") ||
    noRows({
      action: "VARCHAR",
      key: "VARCHAR",
      id: "VARCHAR",
      reason: "VARCHAR",
      owned: "BOOLEAN",
      after: imageType(fields),
    })
  );
}

/** The records that are right already and not recorded as such; and with `gone` those recorded that are no more. */
export function confirmedSql({ sync, fields }: DiffInput, { confirmed, forgotten }: SavedCounts): string {
  if (confirmed + forgotten === 0)
    return noRows({ key: "VARCHAR", id: "VARCHAR", owned: "BOOLEAN", gone: "BOOLEAN", after: imageType(fields) });
  const right = `SELECT CAST(key AS VARCHAR) AS key, id, owned OR ${sync.adopt} AS owned, false AS gone, ${image(fields, "a")} AS after
    FROM (SELECT * FROM ${table("confirmed")} ORDER BY key)`;
  if (forgotten === 0) return right;
  return `${right} UNION ALL BY NAME SELECT CAST(key AS VARCHAR) AS key, id, owned, true AS gone FROM ${table("forgotten")}`;
}

/** Finds the recorded records that somebody else has deleted and that nobody wants: the ledger is to forget them. */
export function stageForgotten(staging: Staging, { ledger, observed, desired }: DiffInput): Promise<number> {
  return staging.make(
    "forgotten",
    `SELECT key, id, owned FROM ${ledger} r
     WHERE NOT EXISTS (SELECT 1 FROM ${observed} o WHERE o.key = r.key) AND NOT EXISTS (SELECT 1 FROM ${desired} d WHERE d.key = r.key)`,
  );
}

/** Recorded records that are not as recorded, and that neither a change nor a confirmation will set right. */
export async function leftMoved(staging: Staging, { ledger, ledgerRows, observed }: DiffInput): Promise<number> {
  if (!observed || ledgerRows === 0) return 0;
  const { n } = await staging.row<{ n: string }>(
    `SELECT count(*) AS n FROM (SELECT key, h FROM ${ledger}) r LEFT JOIN (SELECT key, h FROM ${observed}) o ON o.key = r.key
     WHERE o.h IS DISTINCT FROM r.h
       AND NOT EXISTS (SELECT 1 FROM ${table("judged")} j WHERE j.key = r.key AND j.action IS NOT NULL AND j.problem IS NULL AND NOT j.kept)
       AND NOT EXISTS (SELECT 1 FROM ${table("confirmed")} c WHERE c.key = r.key)`,
  );
  return Number(n);
}

/** The type of what {@link image} makes. */
function imageType(fields: readonly SyncField[]): string {
  return `STRUCT(${fields.map(({ name, type }) => `${ident(name)} ${sqlType(type)}`).join(", ")})`;
}

function image(fields: readonly SyncField[], prefix: string): string {
  return `struct_pack(${fields.map(({ name }, i) => `${ident(name)} := ${prefix}${i}`).join(", ")})`;
}

/** The recorded column types, for the segment a run will write. */
export function typesOf(fields: readonly SyncField[]): Readonly<Record<string, SyncField["type"]>> {
  return Object.fromEntries(fields.map(({ name, type }) => [name, type]));
}

import type { ObservedRecord } from "../../connector/index.ts";
import { canonicalSql, textSql } from "../../core/canonical.ts";
import type { PlannedSync } from "../../core/plan.ts";
import { ident } from "../../core/sql.ts";
import type { Fields, FieldType, Value } from "../../core/types.ts";
import { keySql } from "../diff/desired.ts";
import { RAW, rawColumns } from "../diff/observe.ts";
import { type Staging, type TextColumns, table } from "./staging.ts";

/** An observed record with canonical key and fields, as the plan's changes have them. */
export interface CanonicalRecord {
  readonly id: string;
  readonly key: string | null;
  readonly fields: Fields;
  readonly deleted: boolean;
}

let serial = 0;

/** Brings observed records to canonical form with the same SQL as the diff, so that the two cannot disagree. */
export async function canonicalise(
  staging: Staging,
  { sync, types, keyType }: PlannedSync,
  matchTypes: readonly FieldType[],
  records: readonly ObservedRecord[],
): Promise<readonly CanonicalRecord[]> {
  if (records.length === 0) return [];
  const names = [...new Set([...sync.destination.matchOn, ...Object.keys(types)])];
  const name = `canonicalise_${serial++}`;
  async function* columns(): AsyncIterable<TextColumns> {
    yield rawColumns(records, names);
  }
  await staging.loadText(name, [RAW.id, RAW.deleted, ...names], columns());
  const values = Object.entries(types).map(([field, type]) =>
    textSql(canonicalSql(ident(field), "VARCHAR", type).sql, type),
  );
  const key = keySql(
    sync.destination.matchOn.map((field, i) => ({
      sql: ident(field),
      from: "VARCHAR",
      type: matchTypes[i] ?? { kind: "text" },
    })),
    keyType,
  );
  const rows = await staging.rows<{ id: string; key: string | null; deleted: boolean; v: readonly Value[] }>(
    `SELECT ${ident(RAW.id)} AS id, CAST(${key} AS VARCHAR) AS key, ${ident(RAW.deleted)} IS NOT NULL AS deleted, [${values.join(", ")}]::VARCHAR[] AS v FROM ${table(name)}`,
  );
  await staging.run(`DROP TABLE ${table(name)}`);
  const fields = Object.keys(types);
  return rows.map(({ id, key: text, deleted, v }) => ({
    id,
    key: text,
    deleted,
    fields: Object.fromEntries(fields.map((field, i) => [field, v[i] ?? null])),
  }));
}

/** True when every named value is what the record holds. */
export function holds(record: CanonicalRecord, fields: Fields): boolean {
  return Object.entries(fields).every(([name, value]) => (record.fields[name] ?? null) === value);
}

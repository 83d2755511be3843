/** Fields a sync maps and its object lacks, where the sync asks to have them made. @module */
import type { Destination, Source } from "../../connector/index.ts";
import { sqlType, typeOf } from "../../core/canonical.ts";
import { mappingSql } from "../../core/mapping.ts";
import { ident } from "../../core/sql.ts";
import type { FieldMapping, Sync } from "../../core/sync.ts";
import type { Column, FieldType, NewField, ObjectDescription } from "../../core/types.ts";
import type { Staging } from "../staging/staging.ts";
import { sourceQuery } from "./source-query.ts";

export interface NewFieldsInput {
  readonly sync: Sync;
  readonly source: Source;
  readonly destination: Destination;
  readonly object: ObjectDescription;
}

/**
 * The object as it will be, and what is to be made for that. A field records are matched by is never made: nothing that
 * is there could be found by it.
 */
export async function withNewFields(
  staging: Staging,
  { sync, source, destination, object }: NewFieldsInput,
  signal: AbortSignal,
): Promise<{ readonly object: ObjectDescription; readonly newFields: readonly NewField[] }> {
  const there = new Set([...object.fields.map(({ name }) => name), ...sync.destination.matchOn]);
  const missing = Object.entries(sync.fields).filter(([name]) => !there.has(name));
  const describeNew = destination.describeNew?.bind(destination);
  if (sync.missingFields === "refuse" || missing.length === 0 || !describeNew) return { object, newFields: [] };
  const columns = await source.describe(sourceQuery(sync), signal);
  const newFields: NewField[] = [];
  for (const [name, mapping] of missing) newFields.push({ name, type: await mappedType(staging, mapping, columns) });
  const made = newFields.map((field) => describeNew(object.object, field));
  return { object: { ...object, fields: [...object.fields, ...made] }, newFields };
}

/** What the mapping makes of the source's columns; the staging engine knows. */
async function mappedType(staging: Staging, mapping: FieldMapping, columns: readonly Column[]): Promise<FieldType> {
  const given = columns.find(({ name }) => name === mapping.column)?.type;
  const target = { field: "", key: "NULL", type: given };
  const { sql } = mappingSql(mapping, mapping.lookup ? "CAST(NULL AS VARCHAR)" : undefined, target);
  const named = columns.map(({ name, type }) => `CAST(NULL AS ${sqlType(type)}) AS ${ident(name)}`);
  if (given && !mapping.cast && mapping.round === undefined && plain(mapping)) return given;
  const from = named.length > 0 ? ` FROM (SELECT ${named.join(", ")})` : "";
  const [made] = await staging.describe(`SELECT ${sql} AS made${from}`);
  return typeOf(made?.type ?? "VARCHAR");
}

function plain({ trim, changeCase, values, truncate, default: otherwise, ...more }: FieldMapping): boolean {
  const { bucket, noise, hash, tokenise, redact } = more;
  const steps = [trim, changeCase, values, bucket, noise, hash, tokenise, redact, truncate, otherwise];
  return steps.every((step) => step === undefined);
}

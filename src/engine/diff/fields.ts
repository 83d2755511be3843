import { sqlType } from "../../core/canonical.ts";
import { ConfigError } from "../../core/errors.ts";
import { fieldProblem } from "../../core/mask-rules.ts";
import type { PlannedSync } from "../../core/plan.ts";
import { suggest } from "../../core/suggest.ts";
import type { FieldMapping, Sync } from "../../core/sync.ts";
import type { FieldDescription, FieldType, ObjectDescription } from "../../core/types.ts";
import type { HashedField } from "../staging/row-hash.ts";

/** One destination field of a sync, with all that the diff and the checks need to know about it. */
export interface SyncField {
  readonly name: string;
  readonly type: FieldType;
  readonly mapping: FieldMapping;
  readonly description: FieldDescription;
  /** The matched field itself, written when a record is created because the key is its value. */
  readonly implicit: boolean;
}

const canCreate = (sync: Sync) => sync.mode !== "update";

/** Holds a sync against the destination's own description and gives its fields, or says what does not fit. */
export function syncFields(sync: Sync, object: ObjectDescription): readonly SyncField[] {
  const at = `sync "${sync.name}"`;
  const names = object.fields.map(({ name }) => name);
  const find = (name: string, where: string): FieldDescription => {
    const found = object.fields.find((field) => field.name === name);
    if (found) return found;
    throw new ConfigError(
      "FIELD_UNKNOWN",
      `${at}: ${object.object} has no field "${name}" (${where}): ${suggest(name, names)}`,
      { at },
    );
  };

  const matched = sync.destination.matchOn.map((name) => find(name, "matchOn"));
  for (const field of matched)
    if (field.matchable === false) {
      const others = object.fields.filter((f) => f.matchable !== false).map((f) => f.name);
      throw new ConfigError(
        "FIELD_NOT_MATCHABLE",
        `${at}: records of ${object.object} cannot be found by "${field.name}": ${suggest(field.name, others)}`,
        { at },
      );
    }

  const lower = new Map<string, string>();
  for (const name of Object.keys(sync.fields)) {
    const other = lower.get(name.toLowerCase());
    if (other !== undefined)
      throw new ConfigError(
        "CONFIG_INVALID",
        `${at}: the fields "${other}" and "${name}" differ only in case, which a plan cannot keep apart`,
        { at, next: "Write one of them with a sync of its own." },
      );
    lower.set(name.toLowerCase(), name);
  }

  const mapped = Object.entries(sync.fields).map(([name, mapping]): SyncField => {
    const description = find(name, "fields");
    const readOnly = mapping.createOnly
      ? description.creatable === false
      : description.updatable === false && (sync.mode !== "create" || description.creatable === false);
    if (readOnly) throw new ConfigError("FIELD_READ_ONLY", `${at}: ${object.object}.${name} cannot be written`, { at });
    const unfit = fieldProblem(mapping, description.type.kind);
    if (unfit) throw new ConfigError("CONFIG_INVALID", `${at}: ${object.object}.${name} ${unfit}`, { at });
    return { name, type: description.type, mapping, description, implicit: false };
  });
  if (!canCreate(sync)) return mapped;

  const implicit = matched.flatMap((description, i): SyncField[] => {
    const column = sync.key[i];
    if (sync.fields[description.name] || column === undefined) return [];
    return [
      {
        name: description.name,
        type: description.type,
        mapping: { column, createOnly: true },
        description,
        implicit: true,
      },
    ];
  });
  const all = [...mapped, ...implicit];
  const missing = object.fields.filter(({ name, required }) => required && !all.some((field) => field.name === name));
  if (missing.length > 0)
    throw new ConfigError(
      "CONFIG_INVALID",
      `${at}: mode ${sync.mode} creates records of ${object.object}, which need ${missing.map((f) => `"${f.name}"`).join(", ")}`,
      { at, next: "Map the field, or use mode update." },
    );
  return all;
}

/** How the ledger and the diff hold the key: a number where it surely is one, else canonical text. */
export function keyTypeOf(sync: Sync, object: ObjectDescription): "BIGINT" | "VARCHAR" {
  const [only, ...more] = sync.destination.matchOn.map((name) => object.fields.find((field) => field.name === name));
  return only && more.length === 0 && sqlType(only.type) === "BIGINT" ? "BIGINT" : "VARCHAR";
}

/** Types of the matched fields, in order. */
export function matchTypes(sync: Sync, object: ObjectDescription): readonly FieldType[] {
  return sync.destination.matchOn.map(
    (name) => object.fields.find((field) => field.name === name)?.type ?? { kind: "text" },
  );
}

/** Fields as the row hash sees them. */
export function hashedFields(fields: readonly SyncField[]): readonly HashedField[] {
  return fields.map(({ name, type, mapping }) => ({ name, type, compared: !mapping.createOnly }));
}

/** The same, for a sync as a plan carries it: a field that is not mapped is the matched one, written at creation. */
export function plannedFields({ sync, types }: PlannedSync): readonly HashedField[] {
  return Object.entries(types).map(([name, type]) => ({
    name,
    type,
    compared: name in sync.fields && !sync.fields[name]?.createOnly,
  }));
}

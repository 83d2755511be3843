/** sObject Collections: up to 200 records in a call, each with its own result. @module */
import { type Field, objectNamed, type SObject } from "./objects.ts";
import { shown } from "./query.ts";
import type { Input, Records, Result } from "./records.ts";
import { Refusal } from "./refusal.ts";
import { fault } from "./values.ts";

const most = 200;

interface Body {
  readonly allOrNone?: boolean;
  readonly records?: readonly (Input & { readonly attributes?: { readonly type?: string } })[];
}

export function createAll(records: Records, body: Body): readonly Result[] {
  return run(records, body, (object, input) => records.create(object, input));
}

export function updateAll(records: Records, body: Body): readonly Result[] {
  return run(records, body, (object, input) => {
    const id = String(input.id ?? input.Id ?? "");
    if (id) return records.update(object, id, input);
    return { success: false, errors: [fault("MISSING_ARGUMENT", "Id not specified in an update call", ["Id"])] };
  });
}

export function upsertAll(records: Records, body: Body, type: SObject, by: Field): readonly Result[] {
  const seen = new Set<string>();
  return run(records, body, (object, input) => {
    if (object.name !== type.name) return { success: false, errors: [fault("INVALID_INPUT", "wrong type")] };
    const value = String(input[by.name] ?? "").toLowerCase();
    if (value && seen.has(value)) {
      const message = `Duplicate external id specified: ${input[by.name]}`;
      return { success: false, errors: [fault("DUPLICATE_VALUE", message, [by.name])] };
    }
    seen.add(value);
    return records.upsert(object, by, input);
  });
}

export function deleteAll(records: Records, ids: readonly string[], allOrNone: boolean): readonly Result[] {
  const inputs = ids.map((id) => ({ id, attributes: { type: records.objectOfId(id)?.name ?? "Contact" } }));
  return run(records, { allOrNone, records: inputs }, (object, { id }) => records.delete(object, String(id)));
}

/** The field records may be upserted by, or found by. */
export function keyField(object: SObject, name: string): Field {
  const field = object.byName.get(name.toLowerCase());
  if (field && (field.externalId || field.idLookup)) return field;
  throw new Refusal(404, "NOT_FOUND", `Provided external ID field does not exist or is not accessible: ${name}`);
}

export function retrieveAll(records: Records, root: string, object: SObject, body: Readonly<Record<string, unknown>>) {
  const { ids, fields } = body as { ids?: unknown; fields?: unknown };
  if (!Array.isArray(ids) || !Array.isArray(fields))
    throw new Refusal(400, "INVALID_INPUT", "ids and fields are required");
  if (ids.length > 2_000) throw new Refusal(400, "EXCEEDED_ID_LIMIT", "too many ids: at most 2000 can be retrieved");
  const wanted = fields.map((name) => {
    const field = object.byName.get(String(name).toLowerCase());
    if (field) return field;
    throw new Refusal(400, "INVALID_FIELD", `No such column '${name}' on entity '${object.name}'.`);
  });
  return ids.map((id) => {
    const row = records.store.get(object.name, String(id));
    return row && !row.IsDeleted ? shown(root, object, row, wanted) : null;
  });
}

function run(
  records: Records,
  { allOrNone = false, records: inputs }: Body,
  write: (object: SObject, input: Input) => Result,
): readonly Result[] {
  if (!Array.isArray(inputs)) throw new Refusal(400, "INVALID_INPUT", "records are required");
  if (inputs.length > most) {
    const message = `record limit reached. cannot submit more than ${most} records into this operation`;
    throw new Refusal(400, "EXCEEDED_ID_LIMIT", message);
  }
  const { poisonEmail } = records.faults.settings;
  const named = inputs.map((input: Input & { attributes?: { type?: string } }) => {
    const object = objectNamed(input.attributes?.type ?? "");
    if (!object) throw new Refusal(400, "INVALID_TYPE", `sObject type '${input.attributes?.type}' is not supported.`);
    if (poisonEmail && input.Email === poisonEmail)
      throw new Refusal(400, "JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]");
    return { object, input, before: input.id ? records.store.get(object.name, String(input.id)) : undefined };
  });
  const results = named.map(({ object, input }) => write(object, input));
  if (!allOrNone || results.every(({ success }) => success)) return results;
  const message = "Record rolled back because not all records were valid and the request was using AllOrNone header";
  return results.map((result, i) => {
    const done = named[i];
    if (!result.success || !done) return result;
    records.restore(done.object, done.before, result.id ?? "");
    return { success: false, errors: [fault("ALL_OR_NONE_OPERATION_ROLLED_BACK", message)] };
  });
}

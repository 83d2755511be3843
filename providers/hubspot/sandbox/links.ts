/** Associations: read, made and archived in batches. @module */
import { batch, inputsOf } from "./batches.ts";
import { associationKinds, type CrmObject } from "./objects.ts";
import type { Records } from "./records.ts";
import { Refusal } from "./refusal.ts";
import type { Answer } from "./rest.ts";

interface Pair {
  readonly id?: unknown;
  readonly after?: string;
  readonly from?: { readonly id?: unknown };
  readonly to?: { readonly id?: unknown } | readonly { readonly id?: unknown }[];
}

const mostRead = 1_000;
const mostWritten = 2_000;
const page = 500;

const idOf = (of: { readonly id?: unknown } | undefined): string => String(of?.id ?? "");
const targets = ({ to }: Pair): readonly string[] => (Array.isArray(to) ? to : [to]).map(idOf);

export function readLinks({ store }: Records, from: CrmObject, to: CrmObject, body: object): Answer {
  const associationTypes = associationKinds(from, to)
    .filter(({ label }) => label === null)
    .map((kind) => ({ ...kind, fromObjectTypeId: from.typeId, toObjectTypeId: to.typeId }));
  const results: object[] = [];
  const errors: object[] = [];
  for (const input of inputsOf(body, mostRead) as readonly Pair[]) {
    const id = idOf(input);
    const others = store.linked(from.name, id, to.name);
    const start = Number(input.after ?? 0);
    if (others.length === 0) {
      const none = new Refusal(404, "OBJECT_NOT_FOUND", `No ${to.name} is associated with ${from.name} ${id}.`, {
        subCategory: "crm.associations.NO_ASSOCIATIONS_FOUND",
      });
      errors.push(none.entry({ fromObjectId: [id], fromObjectType: [from.name], toObjectType: [to.name] }));
      continue;
    }
    const more = others.length > start + page ? { paging: { next: { after: String(start + page) } } } : {};
    const found = others.slice(start, start + page).map((toObjectId) => ({ toObjectId, associationTypes }));
    results.push({ from: { id }, to: found, ...more });
  }
  return batch(errors.length > 0 ? 207 : 200, results, errors);
}

export function makeLinks(records: Records, from: CrmObject, to: CrmObject, body: object): Answer {
  const { typeId, category } = associationKinds(from, to).find(({ label }) => label === null) ?? {};
  const results: object[] = [];
  const errors: object[] = [];
  for (const input of inputsOf(body, mostWritten) as readonly Pair[]) {
    const id = idOf(input.from);
    for (const other of targets(input)) {
      if (!/^\d+$/.test(id) || !/^\d+$/.test(other))
        throw new Refusal(400, "VALIDATION_ERROR", `Invalid input JSON: ids are numbers, not ${other}`);
      const missing = !records.store.get(from.name, id) || !records.store.get(to.name, other);
      if (missing) {
        const message = `${from.name} ${id} or ${to.name} ${other} does not exist`;
        const context = { fromObjectId: [id], toObjectId: [other] };
        errors.push(new Refusal(404, "OBJECT_NOT_FOUND", message).entry(context));
        continue;
      }
      records.store.link(from.name, id, to.name, other, true);
      const associationSpec = { associationCategory: category, associationTypeId: typeId };
      results.push({ from: { id }, to: { id: other }, associationSpec });
      results.push({ from: { id: other }, to: { id }, associationSpec });
    }
  }
  const { emptyResults } = records.faults.settings;
  return batch(200, emptyResults ? [] : results, emptyResults ? [] : errors);
}

/** @param dated newer versions answer a batch, older ones nothing */
export function archiveLinks({ store }: Records, from: CrmObject, to: CrmObject, body: object, dated: boolean): Answer {
  for (const input of inputsOf(body, mostWritten) as readonly Pair[])
    for (const other of targets(input)) store.link(from.name, idOf(input.from), to.name, other, false);
  return dated ? batch(200, []) : { status: 204 };
}

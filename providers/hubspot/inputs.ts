/** One change as one input of a batch. @module */
import type { Batch, Create, Update } from "../../src/connector/index.ts";
import { type AssociationType, idsOf, isAssociation, targetOf } from "./associations.ts";
import { isContacts, type Shape } from "./objects.ts";
import { toProperty } from "./values.ts";

export interface Input {
  /** A record's id, or with `idProperty` the value of that property. */
  readonly id?: string;
  readonly idProperty?: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly associations?: readonly {
    readonly to: { readonly id: string };
    readonly types: readonly AssociationType[];
  }[];
  /** Comes back with the input's result or error. */
  readonly objectWriteTraceId: string;
}

/**
 * The unique property creates are upserted by. Not the e-mail of contacts: the vendor takes no partial input there.
 * Nor where records come with associations, which an upsert does not take: a plain create makes both or neither, and
 * its unique value is refused a second time.
 */
export function uniqueField({ action, matchOn, changes }: Batch, { properties, type }: Shape): string | undefined {
  const [only] = action === "create" && matchOn.length === 1 ? matchOn : [];
  if (only === undefined || properties.get(only)?.hasUniqueValue !== true) return undefined;
  const linked = changes.some(
    (change) =>
      change.action === "create" && Object.keys(change.after).some((name) => isAssociation(name) && change.after[name]),
  );
  return linked || (isContacts(type) && only === "email") ? undefined : only;
}

export async function inputOf(
  writer: { readonly shape: Shape; associationType(target: string): Promise<AssociationType> },
  batch: Batch,
  change: Create | Update,
  by: string | undefined,
): Promise<Input> {
  const create = change.action === "create";
  const written = Object.entries(change.after).filter(
    ([name, value]) => !isAssociation(name) && !(create && value === null),
  );
  const properties = Object.fromEntries(
    written.map(([name, value]) => [name, toProperty(value, batch.types[name], writer.shape.properties.get(name))]),
  );
  const objectWriteTraceId = `${batch.id}.${change.n}`;
  if (!create) return { id: change.id, properties, objectWriteTraceId };
  if (by !== undefined) return { id: properties[by] ?? "", idProperty: by, properties, objectWriteTraceId };
  const associations = [];
  for (const field of Object.keys(change.after).filter(isAssociation)) {
    const ids = idsOf(change.after[field]);
    if (ids.length === 0) continue;
    const types = [await writer.associationType(targetOf(field))];
    associations.push(...ids.map((id) => ({ to: { id }, types })));
  }
  return { properties, associations, objectWriteTraceId };
}

/** Associations as fields: `associations.companies` of a deal holds the ids of its companies, joined by semicolons. @module */
import { ConfigError, type FieldDescription, type Http, TransientError } from "../../src/connector/index.ts";
import { associationsPath } from "./addresses.ts";
import type { VendorError } from "./errors.ts";

const prefix = "associations.";

export const isAssociation = (field: string): boolean => field.startsWith(prefix);
/** The object a field of associations points to, as it was named. */
export const targetOf = (field: string): string => field.slice(prefix.length);

export function associationField(target: string): FieldDescription {
  return {
    name: prefix + target,
    label: `Associated ${target}`,
    type: { kind: "text", trim: true, emptyIsNull: true },
    creatable: true,
    updatable: true,
    matchable: false,
  };
}

/** @example idsOf("12;7") // ["12", "7"] */
export function idsOf(value: string | null | undefined): readonly string[] {
  const ids = (value ?? "").split(";").map((id) => id.trim());
  return [...new Set(ids.filter(Boolean))];
}

interface Found {
  readonly from: { readonly id: string };
  readonly to: readonly { readonly toObjectId: string | number }[];
  readonly paging?: { readonly next?: { readonly after?: string } };
}

/** Ids associated with each record, ascending; a record without any is not in the map. */
export async function readAssociations(
  http: Http,
  from: string,
  to: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, Set<number>>();
  let inputs: readonly { id: string; after?: string }[] = ids.map((id) => ({ id }));
  while (inputs.length > 0) {
    const path = associationsPath(from, to, "/batch/read");
    const answer = await http.request({ method: "POST", path, json: { inputs }, repeatable: true }, signal);
    const { results, errors = [] } = answer.json<{ results?: readonly Found[]; errors?: readonly VendorError[] }>();
    const serious = errors.filter((error) => !isNone(error));
    if (!Array.isArray(results) || serious.length > 0)
      throw new TransientError("ANSWER_INVALID", `associations of ${from} with ${to} could not be read`);
    for (const { from: record, to: others } of results as readonly Found[]) {
      const known = found.get(record.id) ?? new Set();
      for (const { toObjectId } of others) known.add(Number(toObjectId));
      found.set(record.id, known);
    }
    inputs = (results as readonly Found[]).flatMap(({ from: record, paging }) =>
      paging?.next?.after === undefined ? [] : [{ id: record.id, after: paging.next.after }],
    );
  }
  return new Map([...found].map(([id, others]) => [id, [...others].sort((a, b) => a - b).join(";")]));
}

/** Records without associations are told as errors. */
function isNone({ subCategory, category }: VendorError): boolean {
  return String(subCategory).includes("NO_ASSOCIATIONS_FOUND") || category === "OBJECT_NOT_FOUND";
}

interface Label {
  readonly category: string;
  readonly typeId: number;
  readonly label?: string | null;
}

/** What a create's input says of an association: the plain kind between two objects, without a label. */
export interface AssociationType {
  readonly associationCategory: string;
  readonly associationTypeId: number;
}

export async function plainType(http: Http, from: string, to: string, signal: AbortSignal): Promise<AssociationType> {
  const answer = await http.request({ method: "GET", path: associationsPath(from, to, "/labels") }, signal);
  const { results } = answer.json<{ results: readonly Label[] }>();
  const plain = results.filter(({ label }) => !label);
  const chosen = plain.find(({ category }) => category === "HUBSPOT_DEFINED") ?? plain[0];
  if (!chosen) throw new ConfigError("FIELD_UNKNOWN", `records of ${from} cannot be associated with ${to}`);
  return { associationCategory: chosen.category, associationTypeId: chosen.typeId };
}

/** The objects of this account and the kinds of association between them. @module */
import {
  companyProperties,
  contactProperties,
  type Definition,
  dealProperties,
  ticketProperties,
  trialProperties,
} from "./definitions.ts";
import { Refusal } from "./refusal.ts";
import { portalId } from "./tokens.ts";

export interface CrmObject {
  readonly name: string;
  readonly typeId: string;
  /** Names addresses may use. */
  readonly aliases: readonly string[];
  readonly group: string;
  /** Part of its scopes, `crm.objects.<scope>.read`. */
  readonly scope: string;
  readonly properties: readonly Definition[];
  readonly requiredProperties: readonly string[];
}

function object(
  name: string,
  singular: string,
  typeId: string,
  properties: readonly Definition[],
  more: Partial<CrmObject> = {},
): CrmObject {
  const group = `${singular}information`;
  return {
    name,
    typeId,
    aliases: [name, singular, typeId],
    group,
    scope: name,
    properties: properties.map((property) => ({ ...property, groupName: group })),
    requiredProperties: [],
    ...more,
  };
}

/** Custom objects are known by type id and qualified name only, as the vendor has it since 2025. */
const custom = { aliases: ["2-1000001", `p${portalId}_trials`, "p_trials"], scope: "custom" };

export const objects: readonly CrmObject[] = [
  object("contacts", "contact", "0-1", contactProperties),
  object("companies", "company", "0-2", companyProperties),
  object("deals", "deal", "0-3", dealProperties),
  object("tickets", "ticket", "0-5", ticketProperties),
  object("trials", "trial", "2-1000001", trialProperties, { ...custom, requiredProperties: ["trial_id"] }),
];

const byAlias = new Map(objects.flatMap((one) => one.aliases.map((alias) => [alias, one] as const)));

/** @throws Refusal as the vendor answers an unknown object */
export function objectNamed(alias: string): CrmObject {
  const found = byAlias.get(alias.toLowerCase());
  if (found) return found;
  throw new Refusal(400, "VALIDATION_ERROR", `Unable to infer object type from: ${alias}`);
}

/** By the name records are kept under, which for custom objects is no alias. */
export function objectKept(name: string): CrmObject | undefined {
  return objects.find((one) => one.name === name);
}

/** The answer of the schemas address: custom objects alone. */
export function schemaList() {
  const results = objects
    .filter(({ typeId }) => typeId.startsWith("2-"))
    .map(({ name, typeId, properties, requiredProperties }) => ({
      id: typeId.slice(2),
      objectTypeId: typeId,
      name,
      fullyQualifiedName: `p${portalId}_${name}`,
      labels: { singular: "Trial", plural: "Trials" },
      requiredProperties,
      searchableProperties: [],
      secondaryDisplayProperties: [],
      primaryDisplayProperty: requiredProperties[0],
      createdAt: "2024-01-01T00:00:00.000Z",
      updatedAt: "2024-01-01T00:00:00.000Z",
      properties,
      associations: [],
      allowsSensitiveProperties: false,
      archived: false,
    }));
  return { results };
}

/** Plain kinds of association, by direction. */
const plain: Readonly<Record<string, number>> = {
  "contacts companies": 279,
  "companies contacts": 280,
  "deals contacts": 3,
  "contacts deals": 4,
  "deals companies": 341,
  "companies deals": 342,
  "contacts tickets": 15,
  "tickets contacts": 16,
  "companies tickets": 340,
  "tickets companies": 339,
  "deals tickets": 27,
  "tickets deals": 28,
};
const primary: Readonly<Record<string, number>> = {
  "contacts companies": 1,
  "companies contacts": 2,
  "deals companies": 5,
  "companies deals": 6,
};

export interface AssociationKind {
  readonly category: "HUBSPOT_DEFINED" | "USER_DEFINED";
  readonly typeId: number;
  readonly label: string | null;
}

/** The kinds of association from one object to another; the plain one has no label. */
export function associationKinds(from: CrmObject, to: CrmObject): readonly AssociationKind[] {
  const pair = `${from.name} ${to.name}`;
  const known = plain[pair];
  if (from.name === to.name)
    throw new Refusal(400, "VALIDATION_ERROR", `no association of ${from.name} with ${to.name}`);
  if (known === undefined) {
    const typeId = 1_000 + objects.indexOf(from) * 10 + objects.indexOf(to);
    return [{ category: "USER_DEFINED", typeId, label: null }];
  }
  const labelled = primary[pair];
  const first =
    labelled === undefined ? [] : [{ category: "HUBSPOT_DEFINED", typeId: labelled, label: "Primary" } as const];
  return [...first, { category: "HUBSPOT_DEFINED", typeId: known, label: null }];
}

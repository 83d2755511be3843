/** Creates, updates and archives single records, with the vendor's checks. @module */
import { stages } from "./definitions.ts";
import type { Faults } from "./faults.ts";
import { associationKinds, type CrmObject, objectKept, objects } from "./objects.ts";
import { Refusal } from "./refusal.ts";
import type { Row, Store } from "./store.ts";
import { type Invalid, invalid, storeValue } from "./values.ts";

export type Properties = Readonly<Record<string, unknown>>;

export interface WantedLink {
  readonly to?: { readonly id?: unknown };
  readonly types?: readonly { readonly associationCategory?: string; readonly associationTypeId?: number }[];
}

export class Records {
  readonly store: Store;
  readonly faults: Faults;
  /** When records were last written, kept only while the index lags. */
  readonly touched = new Map<string, number>();
  readonly written = { create: 0, update: 0, archive: 0 };

  constructor(store: Store, faults: Faults) {
    this.store = store;
    this.faults = faults;
  }

  create(object: CrmObject, given: Properties = {}, links: readonly WantedLink[] = []): Row {
    const { values, problems } = this.check(object, given, undefined);
    for (const name of object.requiredProperties)
      if (!values[name]) problems.push(invalid(name, "REQUIRED_PROPERTY", `${name} is required`));
    refuse(problems);
    const made = links.map((link) => this.wanted(object, link));
    const now = new Date().toISOString();
    const row = { id: this.store.newId(), createdAt: now, updatedAt: now, properties: full(values) };
    this.store.put(object.name, row);
    for (const [to, id] of made) this.store.link(object.name, row.id, to, id, true);
    this.written.create += 1;
    return this.touch(object, row);
  }

  update(object: CrmObject, id: string, given: Properties = {}): Row {
    const row = this.find(object, id);
    const { values, problems } = this.check(object, given, row);
    refuse(problems);
    const next = { ...row, updatedAt: new Date().toISOString(), properties: full({ ...row.properties, ...values }) };
    this.store.put(object.name, next);
    this.written.update += 1;
    return this.touch(object, next);
  }

  /** What is not there counts as archived. */
  archive(object: CrmObject, id: string): void {
    const row = this.store.get(object.name, id);
    if (!row) return;
    this.store.put(object.name, { ...row, archived: true });
    this.written.archive += 1;
  }

  find(object: CrmObject, id: string): Row {
    const row = this.store.get(object.name, id);
    if (row) return row;
    throw new Refusal(404, "OBJECT_NOT_FOUND", `Object not found.  objectId are usually numeric.`, {
      context: { id: [id] },
    });
  }

  /** The only record with this value of a unique property. */
  findBy(object: CrmObject, property: string, value: string): Row | undefined {
    if (property === "hs_object_id") return this.store.get(object.name, value);
    const unique = this.store.properties(object.name).get(property)?.hasUniqueValue;
    if (!unique && !isEmail(object, property))
      throw new Refusal(400, "VALIDATION_ERROR", `idProperty ${property} is not a unique property of ${object.name}`);
    return this.store.lookup(object.name, property, value)[0];
  }

  /** @returns problems of the values, and the values that are stored; null empties */
  private check(object: CrmObject, given: Properties, row: Row | undefined) {
    const values: Record<string, string | null> = {};
    const problems: Invalid[] = [];
    const definitions = this.store.properties(object.name);
    for (const [name, value] of Object.entries(given)) {
      const property = definitions.get(name);
      if (!property) {
        problems.push(invalid(name, "PROPERTY_DOESNT_EXIST", `Property "${name}" does not exist`));
        continue;
      }
      const before = row?.properties[name];
      const stored = storeValue(property, value, before);
      if (stored !== null && typeof stored === "object") problems.push(stored);
      // A lifecycle stage that would go back is left as it is, and the call succeeds.
      else if (name === "lifecyclestage" && stored && before && stages.indexOf(stored) < stages.indexOf(before))
        values[name] = before;
      else values[name] = stored;
      if (typeof stored === "string" && (property.hasUniqueValue || isEmail(object, name)))
        this.conflict(object, name, stored, row);
    }
    return { values, problems };
  }

  private conflict(object: CrmObject, name: string, value: string, row: Row | undefined): void {
    const other = this.store.lookup(object.name, name, value).find(({ id }) => id !== row?.id);
    if (!other) return;
    if (isEmail(object, name)) throw new Refusal(409, "CONFLICT", `Contact already exists. Existing ID: ${other.id}`);
    const message = `Cannot set PropertyValueCoordinates{objectTypeId=${object.typeId}, propertyName=${name}, value=${value}}. ${other.id} already has that value.`;
    const errors = [{ message, code: "CONFLICTING_UNIQUE_VALUE", context: { propertyName: [name] } }];
    throw new Refusal(400, "VALIDATION_ERROR", message, { errors });
  }

  /** The object and the record a new record is to be associated with. */
  private wanted(object: CrmObject, { to, types = [] }: WantedLink): readonly [string, string] {
    const id = String(to?.id ?? "");
    for (const target of objects) {
      if (target.name === object.name) continue;
      const kinds = associationKinds(object, target).map(({ typeId }) => typeId);
      if (!types.some(({ associationTypeId = 0 }) => kinds.includes(associationTypeId))) continue;
      if (this.store.get(target.name, id)) return [target.name, id];
      const message = `${target.name} ${id} is not valid`;
      throw new Refusal(400, "VALIDATION_ERROR", message, { errors: [{ message, code: "INVALID_ASSOCIATION" }] });
    }
    throw new Refusal(400, "VALIDATION_ERROR", "One or more associations are not valid");
  }

  private touch(object: CrmObject, row: Row): Row {
    if (this.faults.settings.indexLagMs) this.touched.set(`${object.name} ${row.id}`, Date.now());
    return row;
  }
}

export function isEmail(object: CrmObject, property: string): boolean {
  return object.name === "contacts" && property === "email";
}

function refuse(problems: readonly Invalid[]): void {
  if (problems.length === 0) return;
  const errors = problems.map(({ message, error, name }) => ({
    message,
    code: error,
    context: { propertyName: [name] },
  }));
  throw new Refusal(400, "VALIDATION_ERROR", `Property values were not valid: ${JSON.stringify(problems)}`, { errors });
}

function full(values: Readonly<Record<string, string | null>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}

/** A record as an answer shows it: what was asked for, and what is always there. */
export function shown(objectName: string, row: Row, asked: readonly string[] | undefined) {
  const stamp = objectName === "contacts" ? "lastmodifieddate" : "hs_lastmodifieddate";
  const derived: Readonly<Record<string, string | undefined>> = {
    createdate: row.createdAt,
    hs_object_id: row.id,
    [stamp]: row.updatedAt,
    hs_email_domain: row.properties.email?.split("@")[1],
  };
  const names = new Set([...(asked ?? Object.keys(row.properties)), "createdate", "hs_object_id", stamp]);
  const known = objectKept(objectName);
  const properties = Object.fromEntries(
    [...names].map((name) => [name, derived[name] ?? row.properties[name] ?? null]),
  );
  return {
    id: row.id,
    properties,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    archived: false,
    url: `https://app.hubspot.com/contacts/0/record/${known?.typeId ?? objectName}/${row.id}`,
  };
}

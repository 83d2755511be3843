/** Creates, updates and deletes single records, with the vendor's checks. @module */
import type { Faults } from "./faults.ts";
import { type Field, objectNamed, objects, type SObject } from "./objects.ts";
import { fieldOf, type Row, type Store } from "./store.ts";
import { fault, instant, isFault, longId, type Stored, storeValue, type VendorFault } from "./values.ts";

export type Input = Readonly<Record<string, unknown>>;

/** An entry of a Collections answer. */
export interface Result {
  readonly id?: string;
  readonly success: boolean;
  readonly errors: readonly VendorFault[];
  readonly created?: boolean;
}

export class Records {
  readonly store: Store;
  readonly faults: Faults;
  /** When records came to be, kept only while the index lags. */
  readonly born = new Map<string, number>();
  readonly written = { create: 0, update: 0, delete: 0 };
  private attempts = 0;

  constructor(store: Store, faults: Faults) {
    this.store = store;
    this.faults = faults;
  }

  create(object: SObject, input: Input): Result {
    const { storageRecords } = this.faults.settings;
    const full = storageRecords !== undefined && this.live() >= storageRecords;
    const { values, problems } = this.check(object, input, undefined);
    const locked = this.lock();
    if (problems.length > 0) return { success: false, errors: problems };
    if (full) return { success: false, errors: [fault("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")] };
    if (locked) return { success: false, errors: [locked] };
    const id = this.store.newId(object.name);
    const row: Record<string, Stored> = { Id: id, SystemModstamp: instant(Date.now()) };
    for (const field of object.fields) if (field.custom && field.type === "boolean") row[field.name] = false;
    const [status] = object.byName.get("status")?.picklistValues ?? [];
    if (status) row.Status = status.value;
    this.store.put(object.name, changed(row, values));
    if (this.faults.settings.indexLagMs) this.born.set(id, Date.now());
    this.written.create += 1;
    return { id, success: true, errors: [] };
  }

  update(object: SObject, id: string, input: Input): Result {
    const row = this.find(object, id);
    if (isResult(row)) return row;
    const { values, problems } = this.check(object, input, row);
    const locked = this.lock(id);
    if (problems.length > 0) return { id, success: false, errors: problems };
    if (locked) return { id, success: false, errors: [locked] };
    this.store.put(object.name, changed(stamped(row), values));
    this.written.update += 1;
    return { id: longId(id), success: true, errors: [] };
  }

  delete(object: SObject, id: string): Result {
    const row = this.find(object, id);
    if (isResult(row)) return row;
    const locked = this.lock(id);
    if (locked) return { id, success: false, errors: [locked] };
    this.store.put(object.name, { ...stamped(row), IsDeleted: true });
    this.written.delete += 1;
    return { id: longId(id), success: true, errors: [] };
  }

  /** By a field that identifies records: an external id, or another with idLookup. */
  upsert(object: SObject, by: Field, input: Input): Result {
    const given = Object.entries(input).find(([name]) => name.toLowerCase() === by.name.toLowerCase())?.[1];
    const value = storeValue(by, given);
    if (value === null) return { success: false, errors: [fault("MISSING_ARGUMENT", `${by.name} not specified`)] };
    if (isFault(value)) return { success: false, errors: [value] };
    if ("id" in input || "Id" in input) {
      const message = "The Id field should not be specified in the sobject data.";
      return { success: false, errors: [fault("INVALID_FIELD", message)] };
    }
    const found = this.store.lookup(object.name, by.name, value).filter((row) => !row.IsDeleted);
    const [only] = found;
    if (found.length > 1) {
      const message = `${by.name}: more than one record found for external id field: [${found.map((r) => r.Id)}]`;
      return { success: false, errors: [fault("DUPLICATE_EXTERNAL_ID", message, [by.name])] };
    }
    if (!only) return { ...this.create(object, input), created: true };
    return { ...this.update(object, String(only.Id), input), created: false };
  }

  /** Takes back what was done to a record, for a call that has to succeed as a whole. */
  restore(object: SObject, before: Row | undefined, id: string): void {
    const row = before ?? this.store.get(object.name, id);
    if (row) this.store.put(object.name, before ? row : { ...row, IsDeleted: true });
  }

  objectOfId(id: string): SObject | undefined {
    return objects.find(({ keyPrefix }) => id.startsWith(keyPrefix));
  }

  private live(): number {
    return objects.reduce((sum, { name }) => sum + this.store.live(name), 0);
  }

  private find(object: SObject, id: string): Row | Result {
    if (!/^[a-zA-Z0-9]{15}([a-zA-Z0-9]{3})?$/.test(id) || !id.startsWith(object.keyPrefix))
      return {
        id,
        success: false,
        errors: [fault("MALFORMED_ID", `${object.name} ID: id value of incorrect type: ${id}`, ["Id"])],
      };
    const row = this.store.get(object.name, id);
    if (!row)
      return { id, success: false, errors: [fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")] };
    if (row.IsDeleted) return { id, success: false, errors: [fault("ENTITY_IS_DELETED", "entity is deleted")] };
    return row;
  }

  private lock(id = "new"): VendorFault | undefined {
    this.attempts += 1;
    const { lockRowEvery } = this.faults.settings;
    if (!lockRowEvery || this.attempts % lockRowEvery !== 0) return undefined;
    return fault("UNABLE_TO_LOCK_ROW", `unable to obtain exclusive access to this record or 1 records: ${id}`);
  }

  private check(object: SObject, input: Input, row: Row | undefined) {
    const values: Record<string, Stored> = {};
    const problems: VendorFault[] = [];
    const empty: string[] = [];
    for (const [name, given] of Object.entries(input)) {
      if (name === "attributes" || name.toLowerCase() === "id") continue;
      const field = object.byName.get(name.toLowerCase());
      if (!field) {
        problems.push(fault("INVALID_FIELD", `No such column '${name}' on sobject of type ${object.name}`));
        continue;
      }
      if (row ? !field.updateable : !field.createable) {
        const message = `Unable to create/update fields: ${field.name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`;
        problems.push(fault("INVALID_FIELD_FOR_INSERT_UPDATE", message, [field.name]));
        continue;
      }
      const value = storeValue(field, given);
      const problem = isFault(value) ? value : this.conflict(object, field, value, row);
      if (problem) problems.push(problem);
      else if (!isFault(value)) values[field.name] = value;
      if (value === null && !field.nillable) empty.push(field.name);
    }
    if (!row)
      for (const field of object.fields)
        if (required(field) && !(field.name in values) && !problems.some(({ fields }) => fields.includes(field.name)))
          empty.push(field.name);
    const missing = [...new Set(empty)];
    if (missing.length > 0)
      problems.push(fault("REQUIRED_FIELD_MISSING", `Required fields are missing: [${missing.join(", ")}]`, missing));
    return { values, problems };
  }

  /** What only other records tell: a unique value that is taken, a reference to nothing. */
  private conflict(object: SObject, field: Field, value: Stored, row: Row | undefined): VendorFault | undefined {
    if (value === null) return undefined;
    if (field.unique) {
      const other = this.store.lookup(object.name, field.name, value).find((r) => !r.IsDeleted && r.Id !== row?.Id);
      if (other)
        return fault(
          "DUPLICATE_VALUE",
          `duplicate value found: ${field.name} duplicates value on record with id: ${other.Id}`,
        );
    }
    if (field.type !== "reference") return undefined;
    const target = objectNamed(field.referenceTo[0] ?? "");
    if (!target) return undefined;
    if (!String(value).startsWith(target.keyPrefix))
      return fault("FIELD_INTEGRITY_EXCEPTION", `${field.label}: id value of incorrect type: ${value}`, [field.name]);
    const found = this.store.get(target.name, String(value));
    return found && !found.IsDeleted
      ? undefined
      : fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field.name]);
  }
}

function isResult(row: Row | Result): row is Result {
  return typeof row.success === "boolean";
}

function required(field: Field): boolean {
  return field.createable && !field.nillable && !field.defaultedOnCreate && field.type !== "boolean";
}

function stamped(row: Row): Row {
  return { ...row, CreatedDate: fieldOf(row, "CreatedDate"), SystemModstamp: instant(Date.now()) };
}

/** With the values given, and without the fields they empty. */
function changed(row: Row, values: Readonly<Record<string, Stored>>): Row {
  const next: Record<string, Stored> = {};
  for (const name in row) if (values[name] === undefined) next[name] = row[name] ?? null;
  for (const name in values) if (values[name] !== null) next[name] = values[name] ?? null;
  return next;
}

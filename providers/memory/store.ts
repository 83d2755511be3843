import type { FieldDescription, Value } from "../../src/connector/index.ts";

export interface MemoryObject {
  readonly fields: readonly FieldDescription[];
  readonly records: Map<string, Record<string, Value>>;
  newId(): string;
}

const stores = new Map<string, Map<string, MemoryObject>>();

/** The objects of a store, by name; made empty at first sight. */
export function memoryStore(name: string): Map<string, MemoryObject> {
  const store = stores.get(name) ?? new Map<string, MemoryObject>();
  stores.set(name, store);
  return store;
}

/** Puts an object with its records into a store. */
export function memoryObject(
  fields: readonly FieldDescription[],
  records: Record<string, Record<string, Value>> = {},
): MemoryObject {
  let next = 1;
  return { fields, records: new Map(Object.entries(records)), newId: () => `m${next++}` };
}

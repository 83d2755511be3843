/** Records of the model destination with their history: who wrote what when, and from when on a read shows it. @module */
import type { Value } from "../../src/connector/index.ts";

export type Values = Readonly<Record<string, Value>>;

export interface Version {
  readonly at: number;
  /** From this moment on reads show it. */
  readonly seenAt: number;
  /** Null: deleted. */
  readonly fields: Values | null;
  readonly by: "ebb" | "people";
}

export interface Stored {
  readonly id: string;
  readonly key: string;
  readonly createdBy: "ebb" | "people";
  readonly versions: readonly Version[];
}

export interface Store {
  readonly records: ReadonlyMap<string, Stored>;
  /** What is there now, whether or not a read shows it yet. */
  now(id: string): Values | null;
  /** What a read shows: undefined when it shows nothing of the record yet. */
  shown(id: string, at: number): Version | undefined;
  /** Living records with this key. */
  ofKey(key: string): readonly Stored[];
  write(id: string, key: string, version: Omit<Version, "seenAt"> & { readonly lagMs: number }): void;
  newId(): string;
  save(): SavedStore;
}

export interface SavedStore {
  readonly records: ReadonlyMap<string, Stored>;
  readonly next: number;
}

export function makeStore(saved?: SavedStore): Store {
  const records = new Map(saved?.records);
  let next = saved?.next ?? 1;
  const last = (id: string): Version | undefined => records.get(id)?.versions.at(-1);
  return {
    records,
    newId: () => `r${next++}`,
    save: () => ({ records: new Map(records), next }),
    now: (id) => last(id)?.fields ?? null,
    shown: (id, at) => records.get(id)?.versions.findLast(({ seenAt }) => seenAt <= at),
    ofKey: (key) => [...records.values()].filter((one) => one.key === key && last(one.id)?.fields),
    write(id, key, { at, lagMs, fields, by }) {
      const known = records.get(id);
      const seenAt = Math.max(at + lagMs, last(id)?.seenAt ?? 0);
      const versions = [...(known?.versions ?? []), { at, seenAt, fields, by }];
      const anew = !known || !last(id)?.fields;
      records.set(id, { id, key, createdBy: anew ? by : known.createdBy, versions });
    },
  };
}

/** True when every named value is what the fields hold. */
export function holdsAll(fields: Values | null | undefined, wanted: Values): boolean {
  return !!fields && Object.entries(wanted).every(([name, value]) => (fields[name] ?? null) === value);
}

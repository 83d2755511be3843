/** What the model destination shows to a read, and the note the witness takes of it. @module */
import type { ObservedRecord, ReadRequest } from "../../src/connector/index.ts";
import { landDue, type Model } from "./model.ts";
import type { Process } from "./process.ts";
import type { Values, Version } from "./store.ts";

export function show(model: Model, who: Process, request: ReadRequest): readonly ObservedRecord[] {
  landDue(model);
  const { store, clock, witness, config } = model;
  const at = clock.now();
  const shown = (id: string) => store.shown(id, at);
  const all = [...store.records.values()].map((one) => ({ ...one, version: shown(one.id) }));
  const living = all.flatMap(({ id, key, version }) =>
    version?.fields ? [{ id, key, fields: version.fields, version }] : [],
  );
  const ids = new Map<string, Version | undefined>();
  const keys = new Map<string, { id: string; fields: Values }[]>();
  let found: ObservedRecord[] = [];
  const see = (one: (typeof living)[number]): ObservedRecord => {
    ids.set(one.id, one.version);
    keys.set(one.key, [...(keys.get(one.key) ?? []).filter(({ id }) => id !== one.id), one]);
    return { id: one.id, fields: one.fields };
  };
  if (request.by === "ids") {
    for (const id of request.ids) ids.set(id, shown(id));
    found = living.filter(({ id }) => request.ids.includes(id)).map(see);
  }
  if (request.by === "keys") {
    for (const key of request.keys) {
      keys.set(key, []);
      if (config.idIsKey) ids.set(key, shown(key));
    }
    const wanted = new Set<string>(request.keys);
    found = living.filter(({ key }) => wanted.has(key)).map(see);
  }
  if (request.by === "scan") found = living.map(see);
  if (request.by === "since") {
    const from = Date.parse(request.since);
    found = all.flatMap(({ id, key, version }): ObservedRecord[] => {
      if (!version || version.at < from) return [];
      ids.set(id, version);
      if (!version.fields) return [{ id, fields: {}, deleted: true }];
      return [see({ id, key, fields: version.fields, version })];
    });
  }
  witness.looks.push({ at, who, ids, keys, all: request.by === "since" || request.by === "scan" });
  return found;
}

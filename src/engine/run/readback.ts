/** Reads records back by id or key: before a write, to see whether they moved; after a lost answer, to see whether it landed. @module */

import type { ObservedRecord } from "../../connector/index.ts";
import type { PlannedSync } from "../../core/plan.ts";
import type { Change, FieldType } from "../../core/types.ts";
import type { OpenDestination } from "../connect/connections.ts";
import { type CanonicalRecord, canonicalise } from "../staging/canonicalise.ts";
import type { Staging } from "../staging/staging.ts";

export interface ReadBack {
  /** By record id. */
  readonly byId: ReadonlyMap<string, CanonicalRecord>;
  /** By canonical key; several when ambiguous. */
  readonly byKey: ReadonlyMap<string, readonly CanonicalRecord[]>;
}

export interface Reader {
  /** The records the changes are about, or null where the destination cannot be read that way. */
  about(changes: readonly Change[], signal: AbortSignal): Promise<ReadBack | null>;
  /** What changed or was deleted since a moment. */
  since(moment: string, signal: AbortSignal): Promise<ReadBack>;
}

export function createReader(
  staging: Staging,
  open: OpenDestination,
  planned: PlannedSync,
  matchTypes: readonly FieldType[],
): Reader {
  const { destination, capabilities } = open;
  const { object, matchOn } = planned.sync.destination;
  const base = { object, fields: [...new Set([...matchOn, ...Object.keys(planned.types)])], match: matchOn };
  const collect = async (pages: AsyncIterable<readonly ObservedRecord[]>, into: ObservedRecord[]) => {
    for await (const page of pages) into.push(...page);
  };
  const indexed = async (records: readonly ObservedRecord[]): Promise<ReadBack> => {
    const canonical = await canonicalise(staging, planned, matchTypes, records);
    const byKey = new Map<string, CanonicalRecord[]>();
    for (const record of canonical)
      if (record.key !== null && !record.deleted) byKey.set(record.key, [...(byKey.get(record.key) ?? []), record]);
    return { byId: new Map(canonical.map((record) => [record.id, record])), byKey };
  };
  return {
    async about(changes, signal) {
      const records: ObservedRecord[] = [];
      const byId = changes.flatMap((change) => (change.action === "create" ? [] : [change]));
      const byKey = changes.filter(
        ({ action }) => action === "create" || (!capabilities.read.ids && open.capabilities.idIsKey),
      );
      const { ids, keys } = capabilities.read;
      if (byKey.length > 0 && !keys) return null;
      if (byId.length > byKey.length && !ids && !(capabilities.idIsKey && keys)) return null;
      if (ids)
        for (let at = 0; at < byId.length; at += ids)
          await collect(
            destination.read({ ...base, by: "ids", ids: byId.slice(at, at + ids).map(({ id }) => id) }, signal),
            records,
          );
      if (keys)
        for (let at = 0; at < byKey.length; at += keys)
          await collect(
            destination.read({ ...base, by: "keys", keys: byKey.slice(at, at + keys).map(({ key }) => key) }, signal),
            records,
          );
      return indexed(records);
    },
    async since(moment, signal) {
      const records: ObservedRecord[] = [];
      await collect(destination.read({ ...base, by: "since", since: moment }, signal), records);
      return indexed(records);
    },
  };
}

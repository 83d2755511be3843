import type { Query } from "../../connector/index.ts";
import type { Sync } from "../../core/sync.ts";

/** What a sync's source is asked for, labelled with what it is for. */
export function sourceQuery({ name, source: { query, table, file } }: Sync): Query {
  const what = { ...(query ? { sql: query } : {}), ...(table ? { table } : {}), ...(file ? { file } : {}) };
  return { ...what, label: `ebb sync=${name}` };
}

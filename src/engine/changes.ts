import { join } from "node:path";
import { textSql } from "../core/canonical.ts";
import { storedKey } from "../core/key.ts";
import type { PlannedSync } from "../core/plan.ts";
import { literal } from "../core/sql.ts";
import type { Action, Change, Reason, Value } from "../core/types.ts";
import type { Staging } from "./staging.ts";

/** A change with what a reader wants to know besides. */
export interface PlannedChange {
  readonly change: Change;
  readonly reason: Reason;
  readonly drifted: readonly string[];
}

type RowJson = readonly [
  n: number,
  action: Action,
  key: string,
  id: string | null,
  reason: Reason,
  drifted: readonly string[],
  changed: readonly string[],
  before: readonly Value[],
  after: readonly Value[],
];

/** Changes of one sync of a plan, in apply order, streamed from its Parquet file. */
export async function* readChanges(
  staging: Staging,
  directory: string,
  planned: PlannedSync,
  where = "true",
  limit?: number,
): AsyncIterable<PlannedChange> {
  const names = Object.keys(planned.types);
  const texts = (image: string) =>
    `[${Object.entries(planned.types)
      .map(([name, type]) => textSql(`struct_extract(${image}, ${literal(name)})`, type))
      .join(", ")}]::VARCHAR[]`;
  const file = literal(join(directory, "changes", `${planned.file}.parquet`));
  const sql = `SELECT CAST(json_array(n, action, key, id, reason, drifted, changed, ${texts("before")}, ${texts("after")}) AS VARCHAR)
    FROM read_parquet(${file}) WHERE ${where} ORDER BY n${limit === undefined ? "" : ` LIMIT ${limit}`}`;
  for await (const text of staging.text(sql)) yield toChange(JSON.parse(text) as RowJson, names);
}

function toChange(
  [n, action, key, id, reason, drifted, changed, before, after]: RowJson,
  names: readonly string[],
): PlannedChange {
  const image = (values: readonly Value[]) =>
    Object.fromEntries(names.flatMap((name, i) => (changed.includes(name) ? [[name, values[i] ?? null]] : [])));
  const base = { n, key: storedKey(key) };
  const change: Change =
    action === "create"
      ? { ...base, action, after: image(after) }
      : action === "update"
        ? { ...base, action, id: id ?? "", before: image(before), after: image(after) }
        : { ...base, action, id: id ?? "", before: image(before) };
  return { change, reason, drifted };
}

/** Changes of a plan, read from its Parquet files. @module */
import { join } from "node:path";
import { sqlType, textSql } from "../../core/canonical.ts";
import { storedKey } from "../../core/key.ts";
import type { PlannedSync } from "../../core/plan.ts";
import { ident, literal } from "../../core/sql.ts";
import type { Action, Change, FieldType, Reason, Value } from "../../core/types.ts";
import type { Staging } from "../staging/staging.ts";

/** A change with what a reader wants to know besides. */
export interface PlannedChange {
  readonly change: Change;
  readonly reason: Reason;
  /** Names of the changed fields that somebody else had changed. */
  readonly drifted: readonly string[];
}

type RowJson = readonly [
  n: number,
  action: Action,
  key: string,
  id: string | null,
  reason: Reason,
  drifted: readonly (0 | 1 | null)[],
  changed: readonly (0 | 1 | null)[],
  before: readonly Value[],
  after: readonly Value[],
];

/** SQL of a sync's changes with their position `n`, in apply order. Columns that the file leaves out are empty. */
export function changesFrom(directory: string, planned: PlannedSync): string {
  const all = Object.values(emptyColumns(planned));
  return `(SELECT ${all.join(", ")} WHERE false UNION ALL BY NAME
    SELECT file_row_number AS n, * EXCLUDE (file_row_number) FROM read_parquet(${fileOf(directory, planned)}, file_row_number = true))`;
}

/**
 * The same for whoever reads a few fields of many changes: it looks first which columns the file has, since the engine reads
 * whole structs once they have been through a union.
 */
export async function presentChanges(staging: Staging, directory: string, planned: PlannedSync): Promise<string> {
  const file = fileOf(directory, planned);
  const present = new Set((await staging.describe(`SELECT * FROM read_parquet(${file})`)).map(({ name }) => name));
  const missing = Object.entries(emptyColumns(planned)).flatMap(([name, empty]) => (present.has(name) ? [] : [empty]));
  const columns = ["file_row_number AS n", "* EXCLUDE (file_row_number)", ...missing];
  return `(SELECT ${columns.join(", ")} FROM read_parquet(${file}, file_row_number = true))`;
}

function fileOf(directory: string, { file }: PlannedSync): string {
  return literal(join(directory, "changes", `${file}.parquet`));
}

/** The columns that a file may leave out, as they would be. */
function emptyColumns({ types }: PlannedSync): Readonly<Record<string, string>> {
  const none = (name: string, typeOf: (type: FieldType) => string) => {
    const columns = Object.entries(types).map(([field, type]) => `${ident(field)} ${typeOf(type)}`);
    return `CAST(NULL AS STRUCT(${columns.join(", ")})) AS ${name}`;
  };
  const flags = () => "BOOLEAN";
  return {
    changed: none("changed", flags),
    drifted: none("drifted", flags),
    before: none("before", sqlType),
    after: none("after", sqlType),
  };
}

/** Changes of one sync of a plan, in apply order, streamed in pages. */
export async function* readChangePages(
  staging: Staging,
  directory: string,
  planned: PlannedSync,
  where = "true",
  limit?: number,
): AsyncIterable<readonly PlannedChange[]> {
  const names = Object.keys(planned.types);
  const list = (make: (name: string) => string) => `[${names.map(make).join(", ")}]`;
  const texts = (image: string) =>
    `${list((name) => textSql(`${image}.${ident(name)}`, planned.types[name] ?? { kind: "text" }))}::VARCHAR[]`;
  const flags = (image: string) => `${list((name) => `${image}.${ident(name)}`)}::UTINYINT[]`;
  const sql = `SELECT CAST(json_array(n, action, key, id, reason, ${flags("drifted")}, ${flags("changed")}, ${texts("before")}, ${texts("after")}) AS VARCHAR)
    FROM ${changesFrom(directory, planned)} WHERE ${where} ORDER BY n${limit === undefined ? "" : ` LIMIT ${limit}`}`;
  for await (const page of staging.textPages(sql))
    yield page.map((text) => toChange(JSON.parse(text) as RowJson, names));
}

/** The same, one by one. */
export async function* readChanges(...args: Parameters<typeof readChangePages>): AsyncIterable<PlannedChange> {
  for await (const page of readChangePages(...args)) yield* page;
}

/** A field may be called `__proto__`, which plain assignment would not make a property. */
function put(fields: Record<string, Value>, name: string, value: Value): void {
  if (name !== "__proto__") fields[name] = value;
  else Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
}

function toChange(row: RowJson, names: readonly string[]): PlannedChange {
  const [n, action, key, id, reason, drifted, changed, before, after] = row;
  const all = action !== "update";
  const image = (values: readonly Value[]) => {
    const fields: Record<string, Value> = {};
    for (let i = 0; i < names.length; i++)
      if (all ? values[i] !== null : changed[i]) put(fields, names[i] as string, values[i] ?? null);
    return fields;
  };
  const head = { n, key: storedKey(key) };
  const change: Change =
    action === "create"
      ? { ...head, action, after: image(after) }
      : action === "update"
        ? { ...head, action, id: id ?? "", before: image(before), after: image(after) }
        : { ...head, action, id: id ?? "", before: image(before) };
  return { change, reason, drifted: names.filter((_, i) => drifted[i]) };
}

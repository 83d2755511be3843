/**
 * The destination as it is now, as a relation. How it is read — by columns, by scan, by what changed since, by keys —
 * is chosen by the calls each way would cost.
 * Columns: `id`, `key`, per field `f0…`, and the row hash `h`.
 * @module
 */

import type { ObservedRecord, ReadRequest } from "../../connector/index.ts";
import { canonicalSql, sqlType } from "../../core/canonical.ts";
import { storedKey } from "../../core/key.ts";
import type { Basis } from "../../core/plan.ts";
import { ident, noRows } from "../../core/sql.ts";
import type { Sync } from "../../core/sync.ts";
import type { FieldType, ObjectDescription } from "../../core/types.ts";
import type { OpenDestination } from "../connect/connections.ts";
import { rowHashSql } from "../staging/row-hash.ts";
import { type Staging, type TextColumns, table } from "../staging/staging.ts";
import { keySql, stageExtract } from "./desired.ts";
import { hashedFields, type SyncField } from "./fields.ts";

export interface ObserveInput {
  readonly sync: Sync;
  readonly object: ObjectDescription;
  readonly fields: readonly SyncField[];
  readonly keyTypes: readonly FieldType[];
  readonly keyType: "BIGINT" | "VARCHAR";
  readonly open: OpenDestination;
  /** Relations with `key` (and `id` for the ledger). */
  readonly desired: string;
  readonly ledger: string;
  /** The ledger holds exactly what was observed then, so that what has not changed since need not be read. */
  readonly since: string | null;
  readonly onRows: (done: number, total?: number) => void;
}

export interface Observed {
  readonly sql: string;
  /** Relation of keys that several records have; null when there is none. */
  readonly ambiguous: string | null;
  readonly basis: Omit<Basis, "refresh">;
  /** Destination's clock when the read began. */
  readonly observedAt: string | null;
}

type Way = Basis["read"];

/** Columns beside the fields of records as they were read: named as no field is, since a field may well be called `id`. */
export const RAW = { id: "ebb:id", deleted: "ebb:deleted" } as const;

export async function observe(staging: Staging, input: ObserveInput, signal: AbortSignal): Promise<Observed> {
  const { open, sync } = input;
  const observedAt = (await open.destination.now?.(signal)) ?? null;
  const names = [...new Set([...sync.destination.matchOn, ...input.fields.map(({ name }) => name)])];
  const way = await chooseWay(staging, input, observedAt);
  const object = sync.destination.object;

  let source: string;
  if (way === "columns" && open.destination.extract) {
    const extract = await open.destination.extract(object, names, signal);
    source = await stageExtract(staging, "observed_rows", extract, input.onRows);
  } else {
    const columns = [RAW.id, RAW.deleted, ...names];
    await staging.loadText("observed_raw", columns, rawRows(staging, input, way, names, signal));
    source = table("observed_raw");
  }
  const records = await stageObserved(staging, input, source, way);
  return { ...records, observedAt };
}

/** A record committed late carries an earlier stamp: the same ground is read again for some minutes. */
const OVERLAP_MS = 5 * 60_000;

function earlier(moment: string): string {
  return new Date(Date.parse(moment) - OVERLAP_MS).toISOString();
}

/** Calls each way needs; the cheapest that the destination can do. */
async function chooseWay(
  staging: Staging,
  { open, object, desired, ledger, since }: ObserveInput,
  observedAt: string | null,
): Promise<Way> {
  const { read } = open.capabilities;
  if (open.destination.extract && open.capabilities.idIsKey) return "columns";
  const { unknown, owned } = await staging.row<{ unknown: string; owned: string }>(
    `SELECT (SELECT count(*) FROM ${ledger}) AS owned,
            (SELECT count(DISTINCT key) FROM ${desired} d WHERE NOT EXISTS (SELECT 1 FROM ${ledger} r WHERE r.key = d.key)) AS unknown`,
  );
  const days =
    since && observedAt ? (Date.parse(observedAt) - Date.parse(since)) / 86_400_000 : Number.POSITIVE_INFINITY;
  const recent = read.since !== undefined && days < read.since.days;
  const keyed = read.keys ? Math.ceil(Number(unknown) / read.keys) : Number.POSITIVE_INFINITY;
  const byId = read.ids ? Math.ceil(Number(owned) / read.ids) : keyed;
  const ways: [Way, number][] = [
    ["keys", keyed + byId],
    [
      "scan",
      read.scan
        ? Math.max(1, Math.ceil((object.recordCount ?? Number.MAX_SAFE_INTEGER) / read.scan))
        : Number.POSITIVE_INFINITY,
    ],
    ["since", recent && Number(owned) > 0 ? 1 + keyed : Number.POSITIVE_INFINITY],
  ];
  return ways.reduce((best, next) => (next[1] < best[1] ? next : best))[0];
}

async function* rawRows(
  staging: Staging,
  input: ObserveInput,
  way: Way,
  names: readonly string[],
  signal: AbortSignal,
): AsyncIterable<TextColumns> {
  const { open, sync, object, desired, ledger } = input;
  const { destination, capabilities } = open;
  const base = { object: sync.destination.object, fields: names, match: sync.destination.matchOn };
  let done = 0;
  const columns = (page: readonly ObservedRecord[]): TextColumns => {
    done += page.length;
    input.onRows(done, way === "scan" ? object.recordCount : undefined);
    return rawColumns(page, names);
  };
  const pages = async function* (request: ReadRequest) {
    for await (const page of destination.read(request, signal)) yield columns(page);
  };
  if (way === "scan") return yield* pages({ ...base, by: "scan" });
  if (way === "since" && input.since) yield* pages({ ...base, by: "since", since: earlier(input.since) });

  // Ids first: a record that Ebb knows is found by its id even when its matched field was edited.
  const useIds = way === "keys" && capabilities.read.ids;
  const missing: string[] = [];
  if (useIds) {
    const ids = staging.text(`SELECT id FROM ${ledger} WHERE id IS NOT NULL ORDER BY 1`);
    const readIds = async (some: readonly string[]) => {
      const records = await readAll(destination.read({ ...base, by: "ids", ids: some }, signal));
      const found = new Set(records.map(({ id }) => id));
      for (const id of some) if (!found.has(id)) missing.push(id);
      return records;
    };
    yield* chunks(ids, capabilities.read.ids ?? 1, readIds, columns);
  }
  await staging.loadText("observed_missing", ["id"], once([missing]));
  const unknownOnly = useIds || way === "since";
  const keys = staging.text(
    `SELECT DISTINCT CAST(key AS VARCHAR) FROM ${desired} d WHERE key IS NOT NULL ${
      // A record that is gone may have been made anew, with another id.
      unknownOnly
        ? `AND NOT EXISTS (SELECT 1 FROM ${ledger} r WHERE r.key = d.key AND r.id NOT IN (SELECT id FROM ${table("observed_missing")}))`
        : ""
    } ORDER BY 1`,
  );
  const readKeys = (some: readonly string[]) =>
    readAll(destination.read({ ...base, by: "keys", keys: some.map(storedKey) }, signal));
  yield* chunks(keys, capabilities.read.keys ?? 1, readKeys, columns);
  // Where there are no reads by id, owned records that left the source are found by their key.
  if (!useIds && way === "keys") {
    const gone = staging.text(
      `SELECT CAST(key AS VARCHAR) FROM ${ledger} r WHERE NOT EXISTS (SELECT 1 FROM ${desired} d WHERE d.key = r.key) ORDER BY 1`,
    );
    yield* chunks(gone, capabilities.read.keys ?? 1, readKeys, columns);
  }
}

async function* once(columns: TextColumns): AsyncIterable<TextColumns> {
  yield columns;
}

const READS_AT_ONCE = 4;

async function* chunks(
  items: AsyncIterable<string>,
  size: number,
  read: (some: readonly string[]) => Promise<readonly ObservedRecord[]>,
  columns: (page: readonly ObservedRecord[]) => TextColumns,
): AsyncIterable<TextColumns> {
  let waiting: string[][] = [[]];
  const flush = async () => {
    const pages = await Promise.all(waiting.filter((some) => some.length > 0).map(read));
    waiting = [[]];
    return pages;
  };
  for await (const item of items) {
    const last = waiting[waiting.length - 1];
    if (last && last.length < size) last.push(item);
    else if (waiting.length < READS_AT_ONCE) waiting.push([item]);
    else {
      for (const page of await flush()) yield columns(page);
      waiting = [[item]];
    }
  }
  for (const page of await flush()) yield columns(page);
}

async function readAll(pages: AsyncIterable<readonly ObservedRecord[]>): Promise<readonly ObservedRecord[]> {
  const all: ObservedRecord[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}

/** Records as columns of text, in the order `RAW.id`, `RAW.deleted`, then the named fields. */
export function rawColumns(records: readonly ObservedRecord[], names: readonly string[]): TextColumns {
  return [
    records.map(({ id }) => id),
    records.map(({ deleted }) => (deleted ? "1" : null)),
    ...names.map((name) => records.map(({ fields }) => wireText(fields[name]))),
  ];
}

/** A JSON value as the text the staging engine reads it from. */
export function wireText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

async function stageObserved(
  staging: Staging,
  { sync, fields, keyTypes, keyType, open, ledger }: ObserveInput,
  source: string,
  way: Way,
): Promise<Omit<Observed, "observedAt">> {
  const types = new Map((await staging.describe(`SELECT * FROM ${source}`)).map(({ name, type }) => [name, type]));
  const column = (name: string) => ({ sql: ident(name), from: types.get(name) ?? "VARCHAR" });
  const values = fields.map(({ name, type }, i) => {
    const { sql, from } = column(name);
    return `${canonicalSql(sql, from, type).sql} AS f${i}`;
  });
  const key = keySql(
    sync.destination.matchOn.map((name, i) => ({ ...column(name), type: keyTypes[i] ?? { kind: "text" } })),
    keyType,
  );
  const idIsKey = way === "columns" || open.capabilities.idIsKey;
  const id = way === "columns" ? `CAST(${key} AS VARCHAR)` : ident(RAW.id);
  const deleted = way === "columns" ? "false" : `${ident(RAW.deleted)} IS NOT NULL`;
  const read = `SELECT ${[`${id} AS id`, `${key} AS match_key`, `${deleted} AS gone`, ...values].join(", ")} FROM ${source}`;
  let held: number;
  if (idIsKey) {
    // The key identifies the record by itself: nothing can be ambiguous, nothing needs a second look at the ledger.
    const sql = `SELECT id, match_key AS key${list(fields)}, ${rowHashSql(hashedFields(fields), (i) => `f${i}`)} AS h FROM (${read}) WHERE match_key IS NOT NULL`;
    held = await staging.make("observed", sql);
  } else {
    await staging.run(
      `CREATE OR REPLACE TABLE ${table("observed_read")} AS SELECT * FROM (${read}) QUALIFY row_number() OVER (PARTITION BY id ORDER BY gone DESC) = 1`,
    );
    const unread =
      way === "since"
        ? ` UNION ALL SELECT id, key, key AS known${list(fields)} FROM ${ledger} WHERE id NOT IN (SELECT id FROM ${table("observed_read")})`
        : "";
    await staging.run(
      `CREATE OR REPLACE TABLE ${table("observed_keyed")} AS
       SELECT o.id, coalesce(r.key, o.match_key) AS key, r.key AS known${list(fields, "o.")}
       FROM ${table("observed_read")} o LEFT JOIN (SELECT id, key FROM ${ledger}) r ON r.id = o.id WHERE NOT o.gone${unread}`,
    );
    // A record known by its id wins over others that merely match.
    held = await staging.make(
      "observed",
      `SELECT id, key${list(fields)}, ${rowHashSql(hashedFields(fields), (i) => `f${i}`)} AS h
       FROM ${table("observed_keyed")} o WHERE key IS NOT NULL AND (known IS NOT NULL OR key NOT IN (SELECT known FROM ${table("observed_keyed")} WHERE known IS NOT NULL))`,
    );
  }
  const several = `SELECT key FROM ${table("observed")} GROUP BY key HAVING count(*) > 1`;
  const ambiguous = held > 0 && (await staging.make("ambiguous", several)) > 0 ? table("ambiguous") : null;
  if (ambiguous) await staging.run(`DELETE FROM ${table("observed")} WHERE key IN (SELECT key FROM ${ambiguous})`);
  const { n } = await staging.row<{ n: string }>(`SELECT count(*) AS n FROM ${source}`);
  return { sql: table("observed"), ambiguous, basis: { read: way, recordsRead: Number(n) } };
}

function list(fields: readonly SyncField[], prefix = ""): string {
  return fields.map((_, i) => `, ${prefix}f${i}`).join("");
}

/** An empty relation of the observed shape, for `refresh: off`. */
export function nothingObserved(fields: readonly SyncField[], keyType: string): string {
  const values = Object.fromEntries(fields.map(({ type }, i) => [`f${i}`, sqlType(type)]));
  return `(${noRows({ id: "VARCHAR", key: keyType, ...values, h: "UBIGINT" })})`;
}

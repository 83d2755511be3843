/**
 * The plan's side of a diff in the warehouse: the rows that differ from their marks, and for all others what is recorded
 * of them. A mark is used only while the ledger still holds the values it was made for, so that "as marked" means
 * "wanted as recorded"; otherwise every row is asked for, as if there were no marks.
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Column, markColumns, type Pushdown, type Source } from "../../connector/index.ts";
import { ConfigError } from "../../core/errors.ts";
import { mappingColumns } from "../../core/mapping.ts";
import type { PlannedMarks } from "../../core/plan.ts";
import { ident, literal } from "../../core/sql.ts";
import type { Sync } from "../../core/sync.ts";
import type { FieldType } from "../../core/types.ts";
import { digestOf } from "../staging/digest.ts";
import { allFields, rowHashName, rowHashSql } from "../staging/row-hash.ts";
import { type Staging, table } from "../staging/staging.ts";
import type { MarksState, StateStore } from "../state/state.ts";
import { checkColumns, stageExtract } from "./desired.ts";
import { hashedFields, type SyncField } from "./fields.ts";
import { sourceQuery } from "./source-query.ts";

const { what, key, hash } = markColumns;

export interface ChangedInput {
  readonly sync: Sync;
  readonly source: Source;
  readonly fields: readonly SyncField[];
  readonly keyTypes: readonly FieldType[];
  readonly keyType: "BIGINT" | "VARCHAR";
  readonly store: StateStore;
  readonly lineage: string;
  readonly held: MarksState | undefined;
  /** Version of Ebb: another one may map values otherwise. */
  readonly tool: string;
  /** Another text when a mask's secret has another value: all its tokens are new then, though no row has changed. */
  readonly secrets: string;
  readonly onRows: (done: number) => void;
}

/** What the warehouse returned, for `stageDesired`. */
export interface Changed {
  /** Relation of the changed rows, with their raw key and hash. */
  readonly rows: string;
  readonly carried: readonly string[];
  /** Relation of the rows that are as marked: `present`, `key`, `f0…` and `h` of the ledger. */
  readonly unchanged: string | undefined;
  readonly marks: PlannedMarks;
  readonly warnings: readonly string[];
}

/** Asks the warehouse for what has changed. The staging engine already holds `ledger`. */
export async function stageChanged(staging: Staging, input: ChangedInput, signal: AbortSignal): Promise<Changed> {
  const { sync, source, fields, held } = input;
  const pushdown = pushdownOf(sync, source);
  const query = sourceQuery(sync);
  const described = await source.describe(query, signal);
  checkColumns(
    sync,
    fields,
    described.map(({ name }) => name),
  );
  const columns = [...new Set([...sync.key, ...fields.flatMap(({ mapping }) => mappingColumns(mapping))])];
  const fingerprint = fingerprintOf(staging, input, described, columns);
  const file = held && literal(input.store.path(held.file));
  const usable =
    held !== undefined &&
    file !== undefined &&
    held.fingerprint === fingerprint &&
    (await agree(staging, file, fields));
  const request = { query, key: sync.key, columns, table: marksTable(input.lineage, sync.name) };
  const extract = await pushdown.changes({ ...request, token: usable ? held.token : null }, signal);
  const returned = table("returned");
  const from = await stageExtract(staging, "returned", extract, input.onRows);
  // A relation may be a query of the user's, which must run once.
  if (from !== returned) await staging.run(`CREATE OR REPLACE TABLE ${returned} AS SELECT * FROM ${from}`);
  const found = await staging.row<{ token: string | null }>(
    `SELECT max(${ident(hash)}) AS token FROM ${returned} WHERE ${ident(what)} = 'gone' AND ${ident(key)} = ''`,
  );
  const compared = usable && found.token === held.token;
  if (compared)
    await staging.run(
      `CREATE OR REPLACE TABLE ${table("as_marked")} AS SELECT CAST(key AS ${input.keyType}) AS key FROM read_parquet(${file}) m
       WHERE NOT EXISTS (SELECT 1 FROM ${returned} r WHERE r.${ident(key)} = m.raw)`,
    );
  const values = fields.map((_, i) => `l.f${i}`);
  return {
    rows: `(SELECT * EXCLUDE (${ident(what)}) FROM ${returned} WHERE ${ident(what)} = 'changed')`,
    carried: [key, hash],
    unchanged: compared
      ? `SELECT ${["true AS present", "l.key", ...values, "l.h"].join(", ")} FROM ${table("ledger")} l JOIN ${table("as_marked")} m ON m.key = l.key`
      : undefined,
    marks: { token: compared ? held.token : null, fingerprint },
    warnings:
      held && !compared
        ? ["what the warehouse holds of the last run is not what the state knows of it: every row was read"]
        : [],
  };
}

/** What the marks of the plan become, for apply: by raw key, with a null hash where there shall be none. */
export async function saveMarks(staging: Staging, directory: string, file: string): Promise<void> {
  await staging.run(
    `COPY (SELECT raw, hash, key, whole FROM (
       SELECT ${ident(key)} AS raw, CASE WHEN count(*) = 1 THEN any_value(${ident(hash)}) END AS hash,
              CAST(any_value(key) AS VARCHAR) AS key, any_value(whole) AS whole
       FROM ${table("desired")} WHERE ${ident(key)} IS NOT NULL GROUP BY ${ident(key)}
       UNION ALL SELECT ${ident(key)}, NULL, NULL, NULL FROM ${table("returned")} WHERE ${ident(what)} = 'gone' AND ${ident(key)} <> '')
     ORDER BY raw) TO ${literal(join(directory, "marks", `${file}.parquet`))} (FORMAT parquet, COMPRESSION zstd)`,
  );
}

export function pushdownOf({ name, source: { connection } }: Sync, source: Source): Pushdown {
  if (source.pushdown) return source.pushdown;
  throw new ConfigError("CONFIG_INVALID", `sync "${name}": ${connection} has no database to keep marks in`, {
    at: `sync "${name}"`,
    next: 'Name one in the connection, or set diff to "local".',
  });
}

/** Readable, short, and another one for each sync of each state. */
export function marksTable(lineage: string, sync: string): string {
  const plain = sync.toLowerCase().replace(/[^a-z0-9]+/g, "_");
  const about = createHash("sha256")
    .update(JSON.stringify([lineage, sync]))
    .digest("hex")
    .slice(0, 16);
  return `${plain.slice(0, 30)}_${about}`;
}

/** The ledger still holds what every mark was made for. */
async function agree(staging: Staging, file: string, fields: readonly SyncField[]): Promise<boolean> {
  const whole = rowHashSql(allFields(hashedFields(fields)), (i) => `f${i}`);
  const found = await staging.row<{ n: string }>(
    `SELECT count(*) AS n FROM read_parquet(${file}) m
     LEFT JOIN (SELECT CAST(key AS VARCHAR) AS key, ${whole} AS whole FROM ${table("ledger")}) l ON l.key = m.key
     WHERE l.whole IS DISTINCT FROM m.whole`,
  );
  return Number(found.n) === 0;
}

function fingerprintOf(
  { version }: Staging,
  { sync, fields, keyTypes, keyType, tool, secrets }: ChangedInput,
  described: readonly Column[],
  columns: readonly string[],
): string {
  return digestOf({
    tool,
    hash: rowHashName(allFields(hashedFields(fields)), version),
    key: [sync.key, sync.destination.matchOn, keyTypes, keyType],
    fields: fields.map(({ name, mapping }) => [name, mapping]),
    secrets,
    columns: columns.map((column) => [column, described.find(({ name }) => name === column)?.type]),
  });
}

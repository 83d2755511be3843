/**
 * Source rows as desired records: mapped, canonical and hashed, as one SQL relation.
 * Columns: `present`, `key`, per field `f0…`, per field that may not fit `b0…`, and the row hash `h`.
 * @module
 */
import { join } from "node:path";
import type { Extract } from "../../connector/index.ts";
import { streamToFile } from "../../connector/stream-to-file.ts";
import { canonicalSql, textSql, typeOf } from "../../core/canonical.ts";
import { ConfigError } from "../../core/errors.ts";
import { mappingColumns, mappingSql } from "../../core/mapping.ts";
import { ident, literal } from "../../core/sql.ts";
import { suggest } from "../../core/suggest.ts";
import type { Sync } from "../../core/sync.ts";
import type { Column, FieldType } from "../../core/types.ts";
import { allFields, rowHashSql } from "../staging/row-hash.ts";
import { type Staging, type TextColumns, table } from "../staging/staging.ts";
import { hashedFields, type SyncField } from "./fields.ts";
import { checkMaskedColumns } from "./masks.ts";

export interface Desired {
  /** SQL of the relation; may be read more than once. */
  readonly sql: string;
  /** Rows of the source. */
  readonly rows: number;
  readonly nullKeys: number;
  /** Fields (by position) that have a `b` column. */
  readonly failing: readonly number[];
}

/** Canonical key of one or several columns, NULL when any part is. */
export function keySql(
  parts: readonly { readonly sql: string; readonly from: string; readonly type: FieldType }[],
  keyType: "BIGINT" | "VARCHAR",
): string {
  const canonical = parts.map(({ sql, from, type }) => canonicalSql(sql, from, type).sql);
  const [only] = canonical;
  if (keyType === "BIGINT" && only) return only;
  const texts = canonical.map((sql, i) => textSql(sql, parts[i]?.type ?? { kind: "text" }));
  if (texts.length === 1 && texts[0]) return texts[0];
  const nulls = texts.map((text) => `${text} IS NULL`).join(" OR ");
  return `CASE WHEN ${nulls} THEN NULL ELSE CAST(to_json([${texts.join(", ")}]) AS VARCHAR) END`;
}

/** Brings what a source gives into reach of SQL and says how to select from it. */
export async function stageExtract(
  staging: Staging,
  name: string,
  extract: Extract,
  onRows: (done: number) => void,
): Promise<string> {
  if (extract.kind === "relation") {
    await staging.reach(extract.setup);
    return `(${extract.sql})`;
  }
  const load = (from: string) => stageTyped(staging, name, extract.columns, from);
  if (extract.kind === "csv") {
    const file = join(staging.directory, `${name}.csv`);
    await streamToFile(extract.bytes, file);
    const columns = extract.columns.map(({ name: column }) => `${literal(column)}: 'VARCHAR'`).join(", ");
    await load(
      `read_csv(${literal(file)}, header = true, auto_detect = false, columns = {${columns}}, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false, max_line_size = 16777216, buffer_size = 33554432, parallel = true)`,
    );
  } else {
    const raw = `${name}_raw`;
    const columns = extract.columns.map(({ name: column }) => column);
    await staging.loadText(raw, columns, counted(extract.batches, columns, onRows));
    await load(table(raw));
    await staging.run(`DROP TABLE ${table(raw)}`);
  }
  return table(name);
}

const lost = "EBB_VALUE_LOST";

/** Text as the columns' own types. A column with a value its type cannot hold stays text, so that nothing is lost. */
async function stageTyped(staging: Staging, name: string, columns: readonly Column[], from: string): Promise<void> {
  const cells = columns.map(({ name: column, type }) => ({ column: ident(column), ...typedSql(ident(column), type) }));
  const create = (texts: ReadonlySet<string>) =>
    staging.run(
      `CREATE OR REPLACE TABLE ${table(name)} AS SELECT ${cells
        .map(({ column, sql, lostSql }) => {
          if (texts.has(column)) return column;
          return `${lostSql ? `CASE WHEN ${lostSql} THEN error('${lost}') ELSE ${sql} END` : sql} AS ${column}`;
        })
        .join(", ")} FROM ${from}`,
    );
  try {
    await create(new Set());
  } catch (error) {
    if (!(error instanceof Error && error.message.includes(lost))) throw error;
    const tests = cells.map(({ lostSql }, i) => `coalesce(bool_or(${lostSql ?? "false"}), false) AS c${i}`);
    const found = await staging.row<Record<string, boolean>>(`SELECT ${tests.join(", ")} FROM ${from}`);
    await create(new Set(cells.flatMap(({ column }, i) => (found[`c${i}`] ? [column] : []))));
  }
}

function typedSql(expr: string, type: FieldType): { readonly sql: string; readonly lostSql?: string } {
  const { sql, canFail } =
    // A source may say NaN; only a destination's canonical form has none.
    type.kind === "float"
      ? { sql: `TRY_CAST(nullif(trim(${expr}), '') AS DOUBLE)`, canFail: true }
      : canonicalSql(expr, "VARCHAR", type);
  return canFail ? { sql, lostSql: `nullif(trim(${expr}), '') IS NOT NULL AND (${sql}) IS NULL` } : { sql };
}

async function* counted(
  batches: AsyncIterable<Readonly<Record<string, readonly (string | null)[]>>>,
  columns: readonly string[],
  onRows: (done: number) => void,
): AsyncIterable<TextColumns> {
  let done = 0;
  for await (const batch of batches) {
    const ordered = columns.map((column) => batch[column] ?? []);
    done += ordered[0]?.length ?? 0;
    onRows(done);
    yield ordered;
  }
}

export interface DesiredInput {
  readonly sync: Sync;
  readonly fields: readonly SyncField[];
  readonly keyTypes: readonly FieldType[];
  readonly keyType: "BIGINT" | "VARCHAR";
  /** What {@link stageExtract} gave. */
  readonly source: string;
  /** SQL table of looked-up ids (`key`, `id`), by field position. */
  readonly lookups: ReadonlyMap<number, string>;
  /** Evaluate the source once and keep the rows, because reading it again would repeat a query. */
  readonly materialise: boolean;
  /**
   * Of a diff in the warehouse: columns of the source that `desired` keeps beside the hash of all values (`whole`), and
   * the relation of the rows that were not returned.
   */
  readonly changed?: { readonly carried: readonly string[]; readonly unchanged: string | undefined } | undefined;
}

export async function stageDesired(staging: Staging, input: DesiredInput): Promise<Desired> {
  const { sync, fields, source } = input;
  const given = await staging.describe(`SELECT * FROM ${source}`);
  checkColumns(
    sync,
    fields,
    given.map(({ name }) => name),
  );
  checkMaskedColumns(
    sync,
    given.map(({ name, type }) => ({ name, type: typeOf(type) })),
  );

  const givenKey = keySql(
    sync.key.map((column, i) => ({
      sql: ident(column),
      from: given.find(({ name }) => name === column)?.type ?? "VARCHAR",
      type: input.keyTypes[i] ?? { kind: "text" },
    })),
    input.keyType,
  );
  const mapped = fields.map(({ name, type, mapping }, i) =>
    mappingSql(mapping, input.lookups.has(i) ? ident(`ebb:id${i}`) : undefined, {
      ...{ field: name, type },
      key: `CAST(${givenKey} AS VARCHAR)`,
    }),
  );
  const joins = [...input.lookups].map(
    ([i, lookup]) =>
      // Names that no column of the source has.
      `LEFT JOIN (SELECT key AS "ebb:key${i}", id AS "ebb:id${i}" FROM ${lookup}) ON "ebb:key${i}" = CAST(${ident(fields[i]?.mapping.lookup?.column ?? "")} AS VARCHAR)`,
  );
  const carried = (input.changed?.carried ?? []).map(ident);
  const inner = [
    ...carried,
    ...sync.key.map((column, i) => `${ident(column)} AS p${i}`),
    ...mapped.map(({ sql }, i) => `${sql} AS m${i}`),
    ...mapped.flatMap(({ fails }, i) => (fails.length === 0 ? [] : [`(${fails.join(" OR ")}) AS x${i}`])),
  ];
  const mappedSql = `SELECT ${inner.join(", ")} FROM ${source} ${joins.join(" ")}`;
  const types = new Map((await staging.describe(mappedSql)).map(({ name, type }) => [name, type]));

  const key = keySql(
    sync.key.map((_, i) => ({
      sql: `p${i}`,
      from: types.get(`p${i}`) ?? "VARCHAR",
      type: input.keyTypes[i] ?? { kind: "text" },
    })),
    input.keyType,
  );
  const failing: number[] = [];
  const columns = fields.flatMap(({ type }, i) => {
    const from = types.get(`m${i}`) ?? "VARCHAR";
    const { sql, canFail } = canonicalSql(`m${i}`, from, type);
    const lost = `(${from === "VARCHAR" ? `nullif(trim(m${i}), '')` : `m${i}`} IS NOT NULL AND (${sql}) IS NULL)`;
    const bad = [...(types.has(`x${i}`) ? [`x${i}`] : []), ...(canFail ? [lost] : [])];
    if (bad.length > 0) failing.push(i);
    return [`${sql} AS f${i}`, ...(bad.length > 0 ? [`(${bad.join(" OR ")}) AS b${i}`] : [])];
  });
  const canonical = `SELECT true AS present, ${[...carried, `${key} AS key`, ...columns].join(", ")} FROM (${mappedSql})`;
  const anyBad = failing.length === 0 ? "false" : failing.map((i) => `coalesce(b${i}, false)`).join(" OR ");
  const hashed = hashedFields(fields);
  const hashes = [
    `${rowHashSql(hashed, (i) => `f${i}`, anyBad)} AS h`,
    ...(input.changed ? [`${rowHashSql(allFields(hashed), (i) => `f${i}`, anyBad)} AS whole`] : []),
  ];
  const sql = `SELECT *, ${hashes.join(", ")} FROM (${canonical})`;

  const excluded = input.changed ? ` EXCLUDE (${[...carried, "whole"].join(", ")})` : "";
  const unchanged = input.changed?.unchanged === undefined ? "" : ` UNION ALL BY NAME ${input.changed.unchanged}`;
  const reach = input.materialise ? `SELECT *${excluded} FROM ${table("desired")}${unchanged}` : sql;
  if (input.materialise) await staging.run(`CREATE OR REPLACE TABLE ${table("desired")} AS ${sql}`);
  const counts = await staging.row<{ n: string; k: string }>(`SELECT count(*) AS n, count(key) AS k FROM (${reach})`);
  return { sql: reach, rows: Number(counts.n), nullKeys: Number(counts.n) - Number(counts.k), failing };
}

/** Refuses a sync that names columns the source does not return. */
export function checkColumns(sync: Sync, fields: readonly SyncField[], columns: readonly string[]): void {
  const at = `sync "${sync.name}"`;
  const check = (column: string, where: string) => {
    if (!columns.includes(column))
      throw new ConfigError(
        "COLUMN_UNKNOWN",
        `${at}: the source returns no column "${column}" (${where}): ${suggest(column, columns)}`,
        { at },
      );
  };
  for (const column of sync.key) check(column, "key");
  for (const { name, mapping } of fields) for (const column of mappingColumns(mapping)) check(column, `fields.${name}`);
}

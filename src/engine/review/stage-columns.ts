/** Makes the columns of one sync's changes in the staging engine. @module */
import { textSql } from "../../core/canonical.ts";
import { type PlannedSync, type SyncSummary, totalChanges } from "../../core/plan.ts";
import { ident } from "../../core/sql.ts";
import type { FieldType } from "../../core/types.ts";
import { type Staging, table } from "../staging/staging.ts";
import { changeKinds, type FieldColumns, type SyncColumns } from "./columns.ts";

/** A field with more distinct values than this is no category, and is carried only where it changes. */
const CATEGORY = 1_000;
/** Fields staged at a time: what is staged has to fit into memory. */
const AT_A_TIME = 4;
/** What a field is to a change; a set of these. */
const FROM = 1;
const TO = 2;
const KEPT = 4;
const THEIRS = 8;

const NONE = new Int32Array();

const order = table("carried_order");
const carried = table("carried");
const words = table("words");

export interface StageOptions {
  /** Condition of the changes that are carried. */
  readonly where: string;
  carriesUnchanged(field: string): boolean;
}

/** @param present relation of the sync's changes */
export async function stageSync(
  staging: Staging,
  present: string,
  planned: PlannedSync,
  { counts, fields: changed }: Pick<SyncSummary, "counts" | "fields">,
  { where, carriesUnchanged }: StageOptions,
): Promise<SyncColumns> {
  const changes = `(SELECT * FROM ${present} WHERE ${where})`;
  const rank = `CASE WHEN action = 'delete' THEN 0 WHEN reason <> 'warehouse' THEN 1 WHEN action = 'update' THEN 2 ELSE 3 END`;
  const kind = `list_position([${changeKinds.map((one) => `'${one.action} ${one.reason}'`).join(", ")}], action || ' ' || reason)`;
  // Of the narrow columns alone: to sort the wide ones would take most of the time, and more memory than there is.
  await staging.run(
    `CREATE OR REPLACE TABLE ${order} AS SELECT n::INTEGER AS n, (row_number() OVER (ORDER BY ${rank}, n) - 1)::INTEGER AS i,
       (${kind} - 1)::INTEGER AS kind FROM ${changes}`,
  );
  const { rows } = await staging.row<{ rows: string }>(`SELECT count(*) AS rows FROM ${order}`);
  const length = Number(rows);
  const updated = new Set(changed.map(({ name }) => name));
  const keep = (name: string) => counts.update > 0 && carriesUnchanged(name);
  const names = Object.keys(planned.types);
  const inUpdates = names.filter((name) => updated.has(name) || keep(name));
  // Updates, which are most of a large plan, are not read for what none of them changes.
  const others = counts.create + counts.delete > 0 ? names.filter((name) => !inUpdates.includes(name)) : [];
  const whole = `(SELECT * FROM ${changes} WHERE action IN ('create', 'delete'))`;
  const batches = [...inBatches(inUpdates, changes), ...inBatches(others, whole)];
  return {
    planned,
    rows: length,
    total: totalChanges(counts),
    async heads() {
      const heads = { kinds: new Uint32Array(length), positions: new Uint32Array(length) };
      const found = staging.numberPages(`SELECT i, kind, n FROM ${order}`);
      for await (const [at = NONE, of = NONE, ns = NONE] of found)
        for (let r = 0; r < at.length; r++) {
          heads.kinds[at[r] ?? 0] = of[r] ?? 0;
          heads.positions[at[r] ?? 0] = ns[r] ?? 0;
        }
      return heads;
    },
    keys: () => staging.numberedPages(`SELECT i, key FROM ${changes} JOIN ${order} USING (n)`),
    ids: () => staging.numberedPages(`SELECT i, coalesce(id, '') FROM ${changes} JOIN ${order} USING (n)`),
    async *fields() {
      const codes = codeColumns(length);
      for (const { some, from } of batches) {
        const columns = some.map((name, c) => sidesSql(name, c, keep(name)));
        await staging.run(`DROP TABLE IF EXISTS ${carried}`);
        await staging.run(
          `CREATE TABLE ${carried} AS SELECT i, ${columns.join(", ")} FROM ${from} JOIN ${order} USING (n)`,
        );
        for (const [c, name] of some.entries()) {
          const field = await fieldColumns(staging, name, planned.types[name] ?? { kind: "text" }, c, codes);
          if (field) yield field;
        }
      }
    },
  };
}

interface Batch {
  readonly some: readonly string[];
  readonly from: string;
}

function inBatches(names: readonly string[], from: string): readonly Batch[] {
  const count = Math.ceil(names.length / AT_A_TIME);
  return Array.from({ length: count }, (_, i) => ({ some: names.slice(i * AT_A_TIME, (i + 1) * AT_A_TIME), from }));
}

/** Both sides as `b0`, `a0`, where they are part of the change, and in `s0` what they are. */
function sidesSql(name: string, c: number, keep: boolean): string {
  const field = ident(name);
  const changes = `action = 'update' AND changed.${field}`;
  const from = keep ? "action <> 'create'" : `${changes} OR action = 'delete'`;
  // A delete had, and a create sets, every field that is not null.
  const state = `CASE action WHEN 'update' THEN CASE WHEN changed.${field} THEN ${FROM + TO} ELSE ${keep ? KEPT : 0} END
      + CASE WHEN drifted.${field} THEN ${THEIRS} ELSE 0 END
    WHEN 'create' THEN CASE WHEN after.${field} IS NULL THEN 0 ELSE ${TO} END
    ELSE CASE WHEN before.${field} IS NULL THEN 0 ELSE ${FROM} END END`;
  return `CASE WHEN ${from} THEN before.${field} END AS b${c}, CASE WHEN ${changes} OR action = 'create' THEN after.${field} END AS a${c}, (${state})::INTEGER AS s${c}`;
}

/** The columns of a field; the next one is written over them. */
interface CodeColumns {
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  readonly kept: Uint32Array;
  readonly theirs: Uint32Array;
}

function codeColumns(rows: number): CodeColumns {
  const column = () => new Uint32Array(rows);
  return { from: column(), to: column(), kept: column(), theirs: column() };
}

async function fieldColumns(
  staging: Staging,
  name: string,
  type: FieldType,
  c: number,
  made: CodeColumns,
): Promise<FieldColumns | null> {
  const seen = await staging.row<{ states: number; different: string }>(
    `SELECT coalesce(bit_or(s${c}), 0)::INTEGER AS states, approx_count_distinct(b${c}) FILTER (s${c} & ${KEPT} > 0) AS different FROM ${carried}`,
  );
  const keeps = (seen.states & KEPT) > 0 && Number(seen.different) <= CATEGORY;
  if ((seen.states & (FROM | TO)) === 0 && !keeps) return null;
  // In the order in which they come, so that a column of many distinct values has codes that grow, and packs well.
  const part = `s${c} & ${keeps ? FROM | TO | KEPT : FROM | TO} > 0`;
  await staging.run(
    `CREATE OR REPLACE TABLE ${words} AS SELECT value, (row_number() OVER (ORDER BY min(i), min(side)) + 1)::INTEGER AS code
     FROM (SELECT i, 0 AS side, b${c} AS value FROM ${carried} WHERE ${part} UNION ALL SELECT i, 1, a${c} FROM ${carried} WHERE ${part})
     WHERE value IS NOT NULL GROUP BY value`,
  );
  const { distinct } = await staging.row<{ distinct: string }>(`SELECT count(*) AS distinct FROM ${words}`);
  for (const column of [made.from, made.to, made.kept, made.theirs]) column.fill(0);
  const coded = staging.numberPages(
    `SELECT i, s${c}, coalesce(x.code, 1), coalesce(y.code, 1) FROM ${carried}
     LEFT JOIN ${words} x ON x.value = b${c} LEFT JOIN ${words} y ON y.value = a${c} WHERE ${part}`,
  );
  for await (const [at = NONE, states = NONE, from = NONE, to = NONE] of coded)
    for (let r = 0; r < at.length; r++) {
      const i = at[r] ?? 0;
      const state = states[r] ?? 0;
      if (state & FROM) made.from[i] = from[r] ?? 0;
      if (state & TO) made.to[i] = to[r] ?? 0;
      if (state & KEPT) made.kept[i] = from[r] ?? 0;
      if (state & THEIRS) made.theirs[i] = 1;
    }
  return {
    name,
    from: made.from,
    to: made.to,
    ...(keeps ? { kept: made.kept } : {}),
    ...(seen.states & THEIRS ? { theirs: made.theirs } : {}),
    distinct: Number(distinct),
    values: (max) => {
      const text = textSql("value", type);
      return staging.numberedPages(
        `SELECT code - 2, ${max === undefined ? text : `left(${text}, ${max})`} FROM ${words}`,
      );
    },
  };
}

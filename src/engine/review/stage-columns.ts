/** Makes the columns of one sync's changes in the staging engine. @module */
import { textSql } from "../../core/canonical.ts";
import { type PlannedSync, type SyncSummary, totalChanges } from "../../core/plan.ts";
import { ident } from "../../core/sql.ts";
import type { Action, FieldType } from "../../core/types.ts";
import { type Staging, table } from "../staging/staging.ts";
import { type ChangeKind, changeKinds, type FieldColumns, type SyncColumns } from "./columns.ts";

/** A field with more distinct values than this is no category, and is carried only where it changes. */
const CATEGORY = 1_000;
/** Fields staged at a time: what is staged has to fit into memory. */
const AT_A_TIME = 2;
/** What a field is to a change; a set of these. */
const FROM = 1;
const TO = 2;
const KEPT = 4;
const THEIRS = 8;

const NONE = new Int32Array();

const picked = table("picked");
const order = table("carried_order");
const carried = table("carried");

export interface StageOptions {
  /** Condition of the changes that are carried. */
  readonly where: string;
  carriesUnchanged(field: string): boolean;
  readonly ids: boolean;
}

/** @param present relation of the sync's changes */
export async function stageSync(
  staging: Staging,
  present: string,
  planned: PlannedSync,
  { counts, fields: changed }: Pick<SyncSummary, "counts" | "fields">,
  { where, carriesUnchanged, ids }: StageOptions,
): Promise<SyncColumns> {
  const kind = `list_position([${changeKinds.map((one) => `'${one.action} ${one.reason}'`).join(", ")}], action || ' ' || reason)`;
  const rows = await staging.make(
    "picked",
    `SELECT n::INTEGER AS n, (${kind} - 1)::UTINYINT AS kind, key${ids ? ", id" : ""} FROM ${present} WHERE ${where}`,
  );
  const rank = `CASE ${changeKinds.map((one, k) => `WHEN kind = ${k} THEN ${rankOf(one)}`).join(" ")} END`;
  // Of the narrow columns alone, and by one number: to sort the wide ones would take most of the time.
  await staging.make(
    "carried_order",
    `SELECT n, kind, (row_number() OVER (ORDER BY ${rank}::BIGINT << 32 | n) - 1)::INTEGER AS i FROM ${picked}`,
  );
  const updated = new Set(changed.map(({ name }) => name));
  const keep = (name: string) => counts.update > 0 && carriesUnchanged(name);
  const names = Object.keys(planned.types);
  const inUpdates = names.filter((name) => updated.has(name) || keep(name));
  // Updates, which are most of a large plan, are not read for what none of them changes.
  const others = counts.create + counts.delete > 0 ? names.filter((name) => !inUpdates.includes(name)) : [];
  const batches = [...inBatches(inUpdates, "true"), ...inBatches(others, `NOT (${isAction("update")})`)];
  const texts = (text: string) =>
    staging.numberedTexts(
      `(SELECT o.i AS number, ${text} AS text, p.rowid AS place FROM ${picked} p JOIN ${order} o USING (n))`,
      rows,
    );
  return {
    planned,
    rows,
    total: totalChanges(counts),
    async heads() {
      const heads = { kinds: new Uint32Array(rows), positions: new Uint32Array(rows) };
      await staging.numbers(`SELECT i, kind::INTEGER, n FROM ${order}`, ([at = NONE, of = NONE, ns = NONE]) => {
        for (let r = 0; r < at.length; r++) {
          heads.kinds[at[r] ?? 0] = of[r] ?? 0;
          heads.positions[at[r] ?? 0] = ns[r] ?? 0;
        }
      });
      return heads;
    },
    keys: () => texts("key"),
    ...(ids ? { ids: () => texts("coalesce(id, '')") } : {}),
    fields: () => ahead(stagedFields(staging, present, planned, rows, batches, keep)),
  };
}

/** In which order changes are carried: what destroys or overwrites comes first. */
function rankOf({ action, reason }: ChangeKind): number {
  if (action === "delete") return 0;
  if (reason !== "warehouse") return 1;
  return action === "update" ? 2 : 3;
}

function isAction(action: Action): string {
  return `kind IN (${changeKinds.flatMap((one, k) => (one.action === action ? [k] : [])).join(", ")})`;
}

/** The next one is made while the last one is looked at. */
async function* ahead<T>(all: AsyncIterator<T>): AsyncIterable<T> {
  let next = all.next();
  for (;;) {
    const { done, value } = await next;
    if (done) return;
    next = all.next();
    // Whoever asks for it is told.
    next.catch(() => undefined);
    yield value;
  }
}

async function* stagedFields(
  staging: Staging,
  present: string,
  { types }: PlannedSync,
  rows: number,
  batches: readonly Batch[],
  keep: (name: string) => boolean,
): AsyncGenerator<FieldColumns> {
  // Two by turns: one is looked at while the other one is made.
  const made = [codeColumns(rows), codeColumns(rows)] as const;
  let turn = 0;
  for (const { some, where } of batches) {
    const columns = some.map((name, c) => sidesSql(name, c, keep(name)));
    // Before the next one is made: there is no room for both.
    await staging.run(`DROP TABLE IF EXISTS ${carried}`);
    await staging.make(
      "carried",
      `SELECT i, ${columns.join(", ")} FROM ${present} JOIN (SELECT i, n, kind FROM ${order} WHERE ${where}) USING (n)`,
    );
    const seen = await staging.row<Record<string, number | string>>(
      `SELECT ${some.map((_, c) => `coalesce(bit_or(s${c}), 0)::INTEGER AS s${c}, approx_count_distinct(b${c}) FILTER (s${c} & ${KEPT} > 0) AS d${c}`).join(", ")} FROM ${carried}`,
    );
    for (const [c, name] of some.entries()) {
      const states = Number(seen[`s${c}`]);
      const keeps = (states & KEPT) > 0 && Number(seen[`d${c}`]) <= CATEGORY;
      if ((states & (FROM | TO)) === 0 && !keeps) continue;
      turn = 1 - turn;
      const staged = { name, type: types[name] ?? { kind: "text" as const }, c, states, keeps, words: `words_${turn}` };
      yield await fieldColumns(staging, staged, made[turn] ?? made[0]);
    }
  }
}

interface Batch {
  readonly some: readonly string[];
  /** Condition of the changes that have something to do with them. */
  readonly where: string;
}

function inBatches(names: readonly string[], where: string): readonly Batch[] {
  const count = Math.ceil(names.length / AT_A_TIME);
  return Array.from({ length: count }, (_, i) => ({ some: names.slice(i * AT_A_TIME, (i + 1) * AT_A_TIME), where }));
}

/** Both sides as `b0`, `a0`, where they are part of the change, and in `s0` what they are. */
function sidesSql(name: string, c: number, keep: boolean): string {
  const field = ident(name);
  const [create, update, remove] = [isAction("create"), isAction("update"), isAction("delete")];
  const changes = `${update} AND changed.${field}`;
  const from = keep ? `NOT (${create})` : `${changes} OR ${remove}`;
  // A delete had, and a create sets, every field that is not null.
  const state = `CASE WHEN ${update} THEN CASE WHEN changed.${field} THEN ${FROM + TO} ELSE ${keep ? KEPT : 0} END
      + CASE WHEN drifted.${field} THEN ${THEIRS} ELSE 0 END
    WHEN ${create} THEN CASE WHEN after.${field} IS NULL THEN 0 ELSE ${TO} END
    ELSE CASE WHEN before.${field} IS NULL THEN 0 ELSE ${FROM} END END`;
  return `CASE WHEN ${from} THEN before.${field} END AS b${c}, CASE WHEN ${changes} OR ${create} THEN after.${field} END AS a${c}, (${state})::INTEGER AS s${c}`;
}

/** The columns of a field; the next but one is written over them. */
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

interface StagedField {
  readonly name: string;
  readonly type: FieldType;
  /** Its place in what is staged. */
  readonly c: number;
  readonly states: number;
  readonly keeps: boolean;
  /** Table of its values. */
  readonly words: string;
}

async function fieldColumns(
  staging: Staging,
  { name, type, c, states, keeps, words }: StagedField,
  made: CodeColumns,
): Promise<FieldColumns> {
  // In the order in which they come, so that a column of many distinct values has codes that grow, and packs well.
  const part = `s${c} & ${keeps ? FROM | TO | KEPT : FROM | TO} > 0`;
  const distinct = await staging.make(
    words,
    `SELECT value, (row_number() OVER (ORDER BY min(i), min(side)) + 1)::INTEGER AS code
     FROM (SELECT i, 0 AS side, b${c} AS value FROM ${carried} WHERE ${part} UNION ALL SELECT i, 1, a${c} FROM ${carried} WHERE ${part})
     WHERE value IS NOT NULL GROUP BY value`,
  );
  for (const column of [made.from, made.to, made.kept, made.theirs]) column.fill(0);
  await staging.numbers(
    `SELECT i, s${c}, coalesce(x.code, 1), coalesce(y.code, 1) FROM ${carried}
     LEFT JOIN ${table(words)} x ON x.value = b${c} LEFT JOIN ${table(words)} y ON y.value = a${c} WHERE ${part}`,
    ([at = NONE, stated = NONE, from = NONE, to = NONE]) => {
      for (let r = 0; r < at.length; r++) {
        const i = at[r] ?? 0;
        const state = stated[r] ?? 0;
        if (state & FROM) made.from[i] = from[r] ?? 0;
        if (state & TO) made.to[i] = to[r] ?? 0;
        if (state & KEPT) made.kept[i] = from[r] ?? 0;
        if (state & THEIRS) made.theirs[i] = 1;
      }
    },
  );
  return {
    name,
    from: made.from,
    to: made.to,
    ...(keeps ? { kept: made.kept } : {}),
    ...(states & THEIRS ? { theirs: made.theirs } : {}),
    distinct,
    values(max) {
      const text = textSql("value", type);
      const shown = max === undefined ? text : `left(${text}, ${max})`;
      return staging.numberedTexts(
        `(SELECT code - 2 AS number, ${shown} AS text, rowid AS place FROM ${table(words)})`,
        distinct,
      );
    },
  };
}

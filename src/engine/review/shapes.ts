/** What the updates of one sync do to a field as a whole: numbers before and after, or which value becomes which. @module */
import { textSql } from "../../core/canonical.ts";
import type { PlannedSync, SyncSummary } from "../../core/plan.ts";
import { ident } from "../../core/sql.ts";
import type { Sync } from "../../core/sync.ts";
import type { FieldType, Value } from "../../core/types.ts";
import { type Staging, table } from "../staging/staging.ts";
import { shareSql } from "./share.ts";

/**
 * Numbers of one side. The buckets divide the range of both sides into equal parts, its ends holding what lies beyond.
 * Of more than 100,000 values all is estimated from about 50,000 of them.
 */
export interface Distribution {
  /** Values that are not empty. */
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly buckets: readonly number[];
}

export interface NumbersShape {
  readonly kind: "numbers";
  readonly field: string;
  /** Updates that change it. */
  readonly changed: number;
  /** The first and the ninety-ninth of hundred values, of both sides. */
  readonly range: readonly [from: number, to: number];
  /** Not every value of both sides was looked at. */
  readonly estimated: boolean;
  readonly before: Distribution;
  readonly after: Distribution;
}

export interface Transition {
  readonly from: Value;
  readonly to: Value;
  readonly count: number;
}

export interface TransitionsShape {
  readonly kind: "transitions";
  readonly field: string;
  readonly changed: number;
  /** The most frequent ones, most frequent first. */
  readonly top: readonly Transition[];
}

export type FieldShape = NumbersShape | TransitionsShape;

/** Fields looked at, those that change most often first. */
const MOST_FIELDS = 12;
const BUCKETS = 8;
const TOP = 5;
/** Values that are looked at, about, where there are more than twice as many. */
const ENOUGH = 50_000;
/** A field with more distinct values than this has no transitions worth a table. */
const FEW_VALUES = 100;

const looked = table("looked");

const numeric: ReadonlySet<FieldType["kind"]> = new Set(["integer", "decimal", "float"]);
const listed: ReadonlySet<FieldType["kind"]> = new Set(["text", "boolean"]);

/** Personal and secret fields are left out: nothing of them is counted. */
export function countable(sync: Sync, field: string): boolean {
  const privacy = sync.fields[field]?.privacy;
  return privacy !== "pii" && privacy !== "secret";
}

/** @param changes relation of the sync's changes */
export async function fieldShapes(
  staging: Staging,
  changes: string,
  planned: PlannedSync,
  summary: Pick<SyncSummary, "fields">,
): Promise<readonly FieldShape[]> {
  const fields = summary.fields.filter(({ name }) => countable(planned.sync, name)).slice(0, MOST_FIELDS);
  const of = (kinds: ReadonlySet<string>) => fields.filter(({ name }) => kinds.has(planned.types[name]?.kind ?? ""));
  const updates = `(SELECT n, changed, before, after FROM ${changes} WHERE action = 'update')`;
  const shapes = [
    ...(await numbers(staging, updates, of(numeric))),
    ...(await transitions(staging, updates, of(listed), planned)),
  ];
  const place = (shape: FieldShape) => fields.findIndex(({ name }) => name === shape.field);
  return shapes.sort((a, b) => place(a) - place(b));
}

interface Changed {
  readonly name: string;
  readonly changed: number;
}

/**
 * Each field's values of both sides as `b0, a0, b1, a1, …`, only where it changes, and of those the share that is looked at.
 */
function sides(
  updates: string,
  fields: readonly Changed[],
  shareOf: (side: string, field: Changed) => number,
  read: (value: string) => string = (value) => value,
): string {
  const all = fields.flatMap((field, i) => {
    const [before, after] = sidesOf(i);
    const name = ident(field.name);
    return [
      { as: before, changed: `changed.${name}`, value: `before.${name}`, share: shareOf(before, field) },
      { as: after, changed: `changed.${name}`, value: `after.${name}`, share: shareOf(after, field) },
    ];
  });
  const most = Math.max(...all.map(({ share }) => share));
  const columns = all.map(({ as, changed, value, share }) => {
    const counts = share < most ? `${changed} AND ${shareSql(share)}` : changed;
    // The engine reads a value only where the case holds.
    return `CASE WHEN ${counts} THEN ${read(value)} END AS ${as}`;
  });
  return `(SELECT ${columns.join(", ")} FROM ${updates} WHERE ${shareSql(most)})`;
}

const sidesOf = (i: number) => [`b${i}`, `a${i}`] as const;

/** The share of so many values that is enough. */
function enough(values: number): number {
  return values < 2 * ENOUGH ? 1 : ENOUGH / values;
}

/** The share of each side's values that is looked at: a side with few of them is looked at as a whole. */
async function sharesOfSides(
  staging: Staging,
  updates: string,
  fields: readonly Changed[],
): Promise<(side: string) => number> {
  if (fields.every(({ changed }) => enough(changed) === 1)) return () => 1;
  const all = fields.flatMap((_, i) => sidesOf(i));
  const values = sides(updates, fields, () => 1);
  const counted = await staging.row<Record<string, string>>(
    `SELECT ${all.map((side) => `count(${side}) AS ${side}`).join(", ")} FROM ${values}`,
  );
  return (side) => enough(Number(counted[side]));
}

async function numbers(staging: Staging, updates: string, fields: readonly Changed[]): Promise<NumbersShape[]> {
  if (fields.length === 0) return [];
  // NaN and infinity have no place in a picture.
  const finite = (value: string) => `CASE WHEN isfinite(CAST(${value} AS DOUBLE)) THEN CAST(${value} AS DOUBLE) END`;
  const shareOf = await sharesOfSides(staging, updates, fields);
  await staging.make("looked", `SELECT * FROM ${sides(updates, fields, shareOf, finite)}`);
  const measures = fields.flatMap((_, i) =>
    sidesOf(i).map(
      (side) =>
        // The quantiles as one list are one estimate, and cost as much as one of them alone.
        `list_concat([count(${side}), avg(${side})]::DOUBLE[], approx_quantile(${side}, [0.01, 0.5, 0.95, 0.99])::DOUBLE[]) AS ${side}`,
    ),
  );
  const measured = await staging.row<Record<string, readonly (number | null)[]>>(
    `SELECT ${measures.join(", ")} FROM ${looked}`,
  );
  const ranges = fields.map((_, i) => {
    const lows = sidesOf(i).flatMap((side) => measured[side]?.[2] ?? []);
    const highs = sidesOf(i).flatMap((side) => measured[side]?.[5] ?? []);
    return [Math.min(...lows), Math.max(...highs)] as const;
  });
  const pictured = ranges.flatMap(([low, high], i) =>
    Number.isFinite(low) && Number.isFinite(high)
      ? [{ sides: sidesOf(i), low, width: (high - low) / BUCKETS || 1 }]
      : [],
  );
  const counted = await inBuckets(staging, pictured);
  return fields.map(({ name, changed }, i) => {
    const side = (column: string): Distribution => {
      const [found, mean, , p50, p95] = measured[column] ?? [];
      const all = (some: number) => Math.round(some / shareOf(column));
      const buckets = (counted[column] ?? []).map(all);
      return { count: all(found ?? 0), mean: mean ?? 0, p50: p50 ?? 0, p95: p95 ?? 0, buckets };
    };
    const range = ranges[i]?.every(Number.isFinite) ? ranges[i] : ([0, 0] as const);
    const estimated = sidesOf(i).some((one) => shareOf(one) < 1);
    return { kind: "numbers", field: name, changed, range, estimated, before: side(`b${i}`), after: side(`a${i}`) };
  });
}

interface Pictured {
  readonly sides: readonly string[];
  readonly low: number;
  readonly width: number;
}

/** Counts both sides of each field at once, grouped by the pair of their buckets: of these there are few. */
async function inBuckets(
  staging: Staging,
  pictured: readonly Pictured[],
): Promise<Readonly<Record<string, readonly number[]>>> {
  if (pictured.length === 0) return {};
  const columns = pictured.flatMap(({ sides, low, width }) =>
    sides.map(
      (side) =>
        // Greatest and least of nothing and a number are the number.
        `CASE WHEN ${side} IS NOT NULL THEN CAST(least(${BUCKETS - 1}, greatest(0, floor((${side} - ${low}) / ${width}))) AS UTINYINT) END AS ${side}`,
    ),
  );
  const sets = pictured.map(({ sides }) => `(${sides.join(", ")})`);
  const groups = await staging.rows<Record<string, number | string | null>>(
    `SELECT *, count(*) AS count FROM (SELECT ${columns.join(", ")} FROM ${looked}) GROUP BY GROUPING SETS (${sets.join(", ")})`,
  );
  const counts = (side: string) => {
    const buckets = new Array<number>(BUCKETS).fill(0);
    // Null in the groups of the other fields as well.
    for (const { [side]: place = null, count } of groups)
      if (place !== null) buckets[Number(place)] = (buckets[Number(place)] ?? 0) + Number(count);
    return buckets;
  };
  return Object.fromEntries(pictured.flatMap(({ sides }) => sides.map((side) => [side, counts(side)])));
}

async function transitions(
  staging: Staging,
  updates: string,
  fields: readonly Changed[],
  { types }: PlannedSync,
): Promise<TransitionsShape[]> {
  if (fields.length === 0) return [];
  // Of some values, as many as show whether there are many different ones.
  const from = sides(updates, fields, (_, { changed }) => enough(changed));
  const distinct = await staging.row<Record<string, string>>(
    `SELECT ${fields.map((_, i) => `approx_count_distinct(b${i}) + approx_count_distinct(a${i}) AS n${i}`).join(", ")} FROM ${from}`,
  );
  const found: TransitionsShape[] = [];
  for (const [i, { name, changed }] of fields.entries()) {
    if (Number(distinct[`n${i}`]) > FEW_VALUES) continue;
    const type = types[name] ?? { kind: "text" };
    const before = `before.${ident(name)}`;
    const after = `after.${ident(name)}`;
    const top = await staging.rows<{ from: Value; to: Value; count: string }>(
      `SELECT ${textSql(before, type)} AS "from", ${textSql(after, type)} AS "to", count(*) AS count FROM ${updates}
       WHERE changed.${ident(name)} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT ${TOP}`,
    );
    found.push({
      kind: "transitions",
      field: name,
      changed,
      top: top.map((one) => ({ ...one, count: Number(one.count) })),
    });
  }
  return found;
}

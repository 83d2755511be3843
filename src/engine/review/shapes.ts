/** What the updates of one sync do to a field as a whole: numbers before and after, or which value becomes which. @module */
import { textSql } from "../../core/canonical.ts";
import type { PlannedSync, SyncSummary } from "../../core/plan.ts";
import { ident } from "../../core/sql.ts";
import type { Sync } from "../../core/sync.ts";
import type { FieldType, Value } from "../../core/types.ts";
import type { Staging } from "../staging/staging.ts";

/** Numbers of one side. The buckets divide the range of both sides into equal parts, its ends holding what lies beyond. */
export interface Distribution {
  /** Values that are not empty. */
  readonly count: number;
  readonly mean: number;
  /** Estimated, as of a few thousand values. */
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
/** Values that quantiles are estimated from, about: of more changes, every so many-th. */
const QUANTILES_OF = 100_000;
/** A field with more distinct values than this has no transitions worth a table. */
const FEW_VALUES = 100;

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

/** Each field's values of both sides as `b0, a0, b1, a1, …`, only where it changes. */
function sides(updates: string, fields: readonly Changed[], read: (value: string) => string): string {
  const columns = fields.flatMap(({ name }, i) => {
    const changed = `changed.${ident(name)}`;
    const side = (image: string) => `CASE WHEN ${changed} THEN ${read(`${image}.${ident(name)}`)} END`;
    return [`${side("before")} AS b${i}`, `${side("after")} AS a${i}`];
  });
  return `(SELECT n, ${columns.join(", ")} FROM ${updates})`;
}

async function numbers(staging: Staging, updates: string, fields: readonly Changed[]): Promise<NumbersShape[]> {
  if (fields.length === 0) return [];
  // NaN and infinity have no place in a picture.
  const finite = (value: string) => `CASE WHEN isfinite(CAST(${value} AS DOUBLE)) THEN CAST(${value} AS DOUBLE) END`;
  const from = sides(updates, fields, finite);
  const sidesOf = (i: number) => [`b${i}`, `a${i}`];
  const measures = fields.flatMap(({ changed }, i) => {
    const step = Math.floor(changed / QUANTILES_OF);
    const some = step > 1 ? ` FILTER (n % ${step} = 0)` : "";
    return sidesOf(i).map(
      (side) =>
        // The quantiles as one list are one estimate, and cost as much as one of them alone.
        `list_concat([count(${side}), avg(${side})]::DOUBLE[], (approx_quantile(${side}, [0.01, 0.5, 0.95, 0.99])${some})::DOUBLE[]) AS ${side}`,
    );
  });
  const measured = await staging.row<Record<string, readonly (number | null)[]>>(
    `SELECT ${measures.join(", ")} FROM ${from}`,
  );
  const ranges = fields.map((_, i) => {
    const lows = sidesOf(i).flatMap((side) => measured[side]?.[2] ?? []);
    const highs = sidesOf(i).flatMap((side) => measured[side]?.[5] ?? []);
    return [Math.min(...lows), Math.max(...highs)] as const;
  });
  const counted: Record<string, readonly number[]> = {};
  for (const [i, [low, high]] of ranges.entries())
    if (Number.isFinite(low) && Number.isFinite(high))
      Object.assign(counted, await inBuckets(staging, from, sidesOf(i), low, (high - low) / BUCKETS || 1));
  return fields.map(({ name, changed }, i) => {
    const side = (column: string): Distribution => {
      const [count, mean, , p50, p95] = measured[column] ?? [];
      return { count: count ?? 0, mean: mean ?? 0, p50: p50 ?? 0, p95: p95 ?? 0, buckets: counted[column] ?? [] };
    };
    const range = ranges[i]?.every(Number.isFinite) ? ranges[i] : ([0, 0] as const);
    return { kind: "numbers", field: name, changed, range, before: side(`b${i}`), after: side(`a${i}`) };
  });
}

/** Counts both sides of a field at once, grouped by the pair of their buckets: of these there are few. */
async function inBuckets(
  staging: Staging,
  from: string,
  sides: readonly string[],
  low: number,
  width: number,
): Promise<Readonly<Record<string, readonly number[]>>> {
  const bucket = (side: string) =>
    // Greatest and least of nothing and a number are the number.
    `CASE WHEN ${side} IS NOT NULL THEN CAST(least(${BUCKETS - 1}, greatest(0, floor((${side} - ${low}) / ${width}))) AS UTINYINT) END AS ${side}`;
  const groups = await staging.rows<Record<string, number | string | null>>(
    `SELECT ${sides.join(", ")}, count(*) AS count FROM (SELECT ${sides.map(bucket).join(", ")} FROM ${from}) GROUP BY ALL`,
  );
  const counts = (side: string) => {
    const buckets = new Array<number>(BUCKETS).fill(0);
    for (const { [side]: place = null, count } of groups)
      if (place !== null) buckets[Number(place)] = (buckets[Number(place)] ?? 0) + Number(count);
    return buckets;
  };
  return Object.fromEntries(sides.map((side) => [side, counts(side)]));
}

async function transitions(
  staging: Staging,
  updates: string,
  fields: readonly Changed[],
  { types }: PlannedSync,
): Promise<TransitionsShape[]> {
  if (fields.length === 0) return [];
  const from = sides(updates, fields, (value) => value);
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

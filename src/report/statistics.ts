/** What a sync's updates do as a whole: numbers before and after, which value becomes which, and where. @module */
import type { Value } from "../core/types.ts";
import type { Concentration } from "../engine/review/concentration.ts";
import type { Distribution, NumbersShape, TransitionsShape } from "../engine/review/shapes.ts";
import { columns, cut, labelled, padEnd } from "./layout.ts";
import { counted, figure, moved, percent, thousands } from "./numbers.ts";
import type { Reveal } from "./reveal.ts";
import type { Section } from "./section.ts";
import { sparkline } from "./sparkline.ts";

/** Characters of a value within a sentence. */
const LONG = 28;
/** Below so many records the records themselves say more than bars do. */
const FEW = 10;

export const numbers: Section = ({ sync, review, reveal }, style) =>
  (review?.shapes ?? [])
    .flatMap((shape) => (shape.kind === "numbers" ? (shownNumbers(sync.name, shape, reveal) ?? []) : []))
    .flatMap(({ field, words, scale, sides }) => [
      `${field}: ${words}${scale === null ? "" : `; ${scale}`}`,
      ...sides.map(({ side, bars, words: more }) => `  ${padEnd(side, 6)} ${bars ?? "none"}${more ? `  ${more}` : ""}`),
    ])
    .flatMap((line, i) => labelled(i === 0 ? "numbers" : "", line, style));

export interface ShownNumbers {
  readonly field: string;
  /** How the measures moved. */
  readonly words: string;
  /** What the bars reach from and to, where that may be told. */
  readonly scale: string | null;
  /** Before and after; none where there are too few records for bars. */
  readonly sides: readonly {
    readonly side: "before" | "after";
    /** Null where the field is empty on that side. */
    readonly bars: string | null;
    readonly words: string | null;
  }[];
}

/** A field's numbers as a reader may see them; null where nothing of it may be counted. */
export function shownNumbers(sync: string, shape: NumbersShape, reveal: Reveal): ShownNumbers | null {
  const { before, after, range } = shape;
  const told = reveal.statistics(sync, shape.field);
  if (told === "none") return null;
  const field = cut(reveal.name(shape.field), LONG);
  const least = reveal.leastGroup;
  const counts = [before.count, after.count].filter((count) => count > 0);
  if (counts.some((count) => count < least) || counts.length === 0)
    return { field, words: `fewer than ${least}`, scale: null, sides: [] };
  const shows = told === "numbers";
  const words = shows ? measures(before, after) : moves(before, after);
  if (Math.max(...counts) < FEW) return { field, words, scale: null, sides: [] };
  const highest = Math.max(...before.buckets, ...after.buckets);
  const side = (name: "before" | "after", { count, buckets, p50, p95 }: Distribution) => ({
    side: name,
    bars: count === 0 ? null : sparkline(buckets, { highest, least }),
    words: count > 0 && shows ? `p50 ${figure(p50)}, p95 ${figure(p95)}` : null,
  });
  const scale = shows ? `bars from ${figure(range[0])} to ${figure(range[1])}` : null;
  return { field, words, scale, sides: [side("before", before), side("after", after)] };
}

function measures(before: Distribution, after: Distribution): string {
  if (before.count === 0) return `empty -> mean ${figure(after.mean)}`;
  if (after.count === 0) return `mean ${figure(before.mean)} -> empty`;
  return `mean ${figure(before.mean)} -> ${figure(after.mean)} (${moved(before.mean, after.mean)})`;
}

function moves(before: Distribution, after: Distribution): string {
  if (before.count === 0) return "from empty";
  if (after.count === 0) return "to empty";
  return (["mean", "p50", "p95"] as const).map((of) => `${of} ${moved(before[of], after[of])}`).join(", ");
}

export const transitions: Section = ({ sync, review, reveal }) => {
  const rows = (review?.shapes ?? []).flatMap((shape) => {
    const found = shape.kind === "transitions" ? shownTransitions(sync.name, shape, reveal) : null;
    if (!found) return [];
    const { field, changed, shown, others } = found;
    return [
      ...shown.map(({ from, to, count }, i) => [
        i === 0 ? field : "",
        `${from} -> ${to}`,
        thousands(count),
        percent(count, changed),
      ]),
      ...(others === null ? [] : [["", "others", others, ""]]),
    ];
  });
  const lines = columns(rows, { indent: " ".repeat(12), right: [2, 3] });
  return lines.map((line, i) => (i === 0 ? padEnd("  became", 12) + line.slice(12) : line));
};

export interface ShownTransitions {
  readonly field: string;
  /** Updates that change it. */
  readonly changed: number;
  readonly shown: readonly { readonly from: string; readonly to: string; readonly count: number }[];
  /** How many make another transition, in words. */
  readonly others: string | null;
}

/** The most frequent transitions of a field as a reader may see them; null where each record has its own. */
export function shownTransitions(sync: string, shape: TransitionsShape, reveal: Reveal): ShownTransitions | null {
  const { field, changed, top } = shape;
  if (reveal.statistics(sync, field) === "none") return null;
  const least = Math.max(2, reveal.leastGroup);
  const value = (one: Value) => reveal.value(sync, field, one);
  // Long texts would be cut to the same beginning.
  const shown = top
    .filter(({ from, to, count }) => count >= least && [from, to].every((one) => (one?.length ?? 0) <= LONG))
    .map(({ from, to, count }) => ({ from: value(from), to: value(to), count }));
  if (shown.length === 0) return null;
  const left = changed - shown.reduce((sum, { count }) => sum + count, 0);
  const others = left === 0 ? null : left < reveal.leastGroup ? `fewer than ${reveal.leastGroup}` : thousands(left);
  return { field: cut(reveal.name(field), LONG), changed, shown, others };
}

export const where: Section = ({ sync, review, reveal }, style) =>
  (review?.concentrations ?? [])
    .flatMap((one) => shownWhere(sync.name, one, reveal) ?? [])
    .flatMap(({ field, value, words }, i) => labelled(i === 0 ? "where" : "", `${field} = ${value} ${words}`, style));

export interface ShownWhere {
  readonly field: string;
  readonly value: string;
  /** How many of the updates have it, and how usual that is. */
  readonly words: string;
}

/** What the updates have in common, as a reader may see it; null where nothing of it may be counted. */
export function shownWhere(sync: string, one: Concentration, reveal: Reveal): ShownWhere | null {
  const { field, value, updates, share, lift } = one;
  if (reveal.statistics(sync, field) === "none" || updates < reveal.leastGroup) return null;
  const usual = lift > 1 ? `, ${lift.toFixed(1)} times as often as in all rows` : "";
  return {
    field: cut(reveal.name(field), LONG),
    value: cut(reveal.value(sync, field, value), LONG),
    words: `in ${(100 * share).toFixed(0)} % of the updates (${counted(updates, "record")})${usual}`,
  };
}

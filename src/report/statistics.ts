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
    .flatMap((shape) => (shape.kind === "numbers" ? numberLines(sync.name, shape, reveal) : []))
    .flatMap((line, i) => labelled(i === 0 ? "numbers" : "", line, style));

/** One field in words, and below it as bars where there are enough records. */
export function numberLines(sync: string, shape: NumbersShape, reveal: Reveal): readonly string[] {
  const { before, after, range } = shape;
  const told = reveal.statistics(sync, shape.field);
  if (told === "none") return [];
  const name = cut(reveal.name(shape.field), LONG);
  const both = before.count > 0 && after.count > 0;
  if (Math.max(before.count, after.count) < reveal.leastGroup) return [`${name}: fewer than ${reveal.leastGroup}`];
  if (both && Math.min(before.count, after.count) < reveal.leastGroup)
    return [`${name}: one side has fewer than ${reveal.leastGroup}`];
  const shows = told === "numbers";
  const move = (of: "mean" | "p50" | "p95") => moved(before[of], after[of]);
  const bars = Math.max(before.count, after.count) >= FEW;
  const head = shows
    ? `${name}: ${both ? `mean ${figure(before.mean)} -> ${figure(after.mean)} (${move("mean")})` : meanOf(before, after)}`
    : `${name}: ${both ? `mean ${move("mean")}, p50 ${move("p50")}, p95 ${move("p95")}` : sideWords(before)}`;
  if (!bars) return [head];
  const least = reveal.leastGroup;
  const highest = Math.max(...before.buckets, ...after.buckets);
  const row = (label: string, side: Distribution) => {
    if (side.count === 0) return `  ${label} none`;
    const bars = `  ${label} ${sparkline(side.buckets, { highest, least })}`;
    return shows ? `${bars}  p50 ${figure(side.p50)}, p95 ${figure(side.p95)}` : bars;
  };
  const scale = shows ? `; bars from ${figure(range[0])} to ${figure(range[1])}` : "";
  return [`${head}${scale}`, row("before", before), row("after ", after)];
}

function meanOf(before: Distribution, after: Distribution): string {
  return before.count === 0 ? `empty -> mean ${figure(after.mean)}` : `mean ${figure(before.mean)} -> empty`;
}

function sideWords(before: Distribution): string {
  return before.count === 0 ? "from empty" : "to empty";
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
    .flatMap((one) => whereText(sync.name, one, reveal) ?? [])
    .flatMap((line, i) => labelled(i === 0 ? "where" : "", line, style));

/** What the updates have in common, as a sentence. */
export function whereText(sync: string, one: Concentration, reveal: Reveal): string | null {
  const { field, value, updates, share, lift } = one;
  if (reveal.statistics(sync, field) === "none" || updates < reveal.leastGroup) return null;
  const what = `${cut(reveal.name(field), LONG)} = ${cut(reveal.value(sync, field, value), LONG)}`;
  const usual = lift > 1 ? `, ${lift.toFixed(1)} times as often as in all rows` : "";
  return `${what} in ${(100 * share).toFixed(0)} % of the updates (${counted(updates, "record")})${usual}`;
}

/** What a sync's updates do to fields as a whole: pictures of numbers before and after, transitions, concentrations. @module */
import type { SyncSummary } from "../../core/plan.ts";
import type { Concentration } from "../../engine/review/concentration.ts";
import type { FieldShape, NumbersShape, TransitionsShape } from "../../engine/review/shapes.ts";
import { figure, moved, percent, thousands } from "../numbers.ts";
import type { Reveal } from "../reveal.ts";
import { apart } from "./apart.ts";
import { linkTo } from "./link.ts";
import { element, type Html, join, text } from "./markup.ts";

const WIDTH = 176;
const HEIGHT = 44;

/** What may be told of each field as a whole. */
export function shapeFigures({ name }: SyncSummary, shapes: readonly FieldShape[], reveal: Reveal): Html {
  const figures = shapes.flatMap((shape) => {
    const told = reveal.statistics(name, shape.field);
    if (told === "none") return [];
    return shape.kind === "numbers" ? numbersFigure(shape, told, reveal) : transitionsFigure(name, shape, reveal);
  });
  return join(...figures);
}

/** Without its numbers where only how they moved may be told. */
function numbersFigure(shape: NumbersShape, told: "numbers" | "moves", reveal: Reveal): Html[] {
  const { field, range, estimated, before, after } = shape;
  const sides = (
    [
      ["before", before],
      ["after", after],
    ] as const
  ).filter(([, { count }]) => count > 0);
  if (sides.length === 0 || sides.some(([, { count }]) => count < reveal.leastGroup)) return [];
  const tallest = Math.max(1, ...before.buckets, ...after.buckets);
  const ends = `${figure(range[0])} to ${figure(range[1])}`;
  const pictures = sides.map(([side, values]) => {
    const buckets = values.buckets.map((count) => (count < reveal.leastGroup ? 0 : count));
    const label = `${field} ${side}: ${buckets.join(", ")} values${told === "numbers" ? ` in equal steps from ${ends}` : ""}`;
    return element("div", {}, histogram(side, buckets, tallest, label), element("p", { class: "side" }, text(side)));
  });
  const rows = (["p50", "p95", "mean"] as const).map((measure) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, text(measure)),
      ...(told === "numbers" ? sides.map(([, side]) => number(figure(side[measure]))) : []),
      ...(sides.length === 2 ? [number(moved(before[measure], after[measure]))] : []),
    ),
  );
  const [only] = sides;
  const notes = [
    ...(sides.length === 1 ? [only?.[0] === "after" ? "empty before" : "empty after"] : []),
    ...(told === "numbers" ? [`bars from ${ends}, outliers in the outer ones`] : []),
    ...(estimated ? ["estimated from an even sample of the values"] : []),
  ];
  return [
    element(
      "figure",
      { class: "numbers" },
      element("figcaption", {}, element("code", {}, text(field)), text(" before and after")),
      element("div", { class: "pair" }, ...pictures),
      element("table", { class: "measures" }, element("tbody", {}, ...rows)),
      ...notes.map((note) => element("p", { class: "axis" }, text(note))),
    ),
  ];
}

function number(content: string): Html {
  return element("td", { class: "number" }, text(content));
}

function histogram(side: "before" | "after", buckets: readonly number[], tallest: number, label: string): Html {
  const step = WIDTH / Math.max(1, buckets.length);
  const bars = buckets.map((count, i) => {
    const height = count === 0 ? 0 : Math.max(1, (count / tallest) * HEIGHT);
    return element("rect", {
      class: side,
      x: (i * step + 1).toFixed(1),
      y: (HEIGHT - height).toFixed(1),
      width: (step - 2).toFixed(1),
      height: height.toFixed(1),
    });
  });
  const ground = element("line", { x1: 0, y1: HEIGHT, x2: WIDTH, y2: HEIGHT });
  const box = { class: "histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT + 1}`, preserveAspectRatio: "none" };
  return element("svg", { ...box, role: "img", "aria-label": label }, ...bars, ground);
}

function transitionsFigure(sync: string, { field, changed, top }: TransitionsShape, reveal: Reveal): Html[] {
  const told = top.filter(({ count }) => count >= reveal.leastGroup);
  const lines = new Map<string, { readonly link: string; readonly count: number }>();
  for (const { from, to, count } of told) {
    const [before, after] = [reveal.value(sync, field, from), reveal.value(sync, field, to)];
    const label = apart(before, after).join(" → ");
    const same = lines.get(label);
    const link = { sync, op: "update", field } as const;
    // Long texts may differ in the same words: they are told together.
    lines.set(label, {
      link: linkTo(same ? link : { ...link, from: `=${before}`, to: `=${after}` }),
      count: count + (same?.count ?? 0),
    });
  }
  const rows = [...lines].map(([label, { link, count }]) =>
    element(
      "tr",
      {},
      element("td", {}, element("a", { href: link }, text(label, 160))),
      element("td", { class: "number" }, text(thousands(count))),
      element("td", { class: "number" }, text(percent(count, changed))),
    ),
  );
  if (rows.length === 0) return [];
  const caption = element("figcaption", {}, element("code", {}, text(field)), text(" from → to"));
  return [element("figure", { class: "transitions" }, caption, element("table", {}, element("tbody", {}, ...rows)))];
}

export function concentrationList({ name }: SyncSummary, found: readonly Concentration[], reveal: Reveal): Html | null {
  const told = found.filter(
    ({ field, updates }) => reveal.statistics(name, field) !== "none" && updates >= reveal.leastGroup,
  );
  if (told.length === 0) return null;
  const items = told.map(({ field, value, share, lift }) => {
    const shown = reveal.value(name, field, value);
    return element(
      "li",
      {},
      text(`${Math.round(100 * share)} % of updates have `),
      element(
        "a",
        { href: linkTo({ sync: name, op: "update", where: field, is: shown }) },
        text(`${field} = ${shown}`, 80),
      ),
      text(`, ${lift.toFixed(1)} times its share of all rows`),
    );
  });
  return element("ul", { class: "where" }, ...items);
}

/** What a sync's updates do to fields as a whole: pictures of numbers before and after, transitions, concentrations. @module */
import type { SyncSummary } from "../../core/plan.ts";
import type { Concentration } from "../../engine/review/concentration.ts";
import type { Distribution, FieldShape, NumbersShape, TransitionsShape } from "../../engine/review/shapes.ts";
import { percent, thousands } from "../numbers.ts";
import type { Reveal } from "../reveal.ts";
import { linkTo } from "./link.ts";
import { element, type Html, join, text } from "./markup.ts";

/** Of a field that is not public, groups smaller than this are not told. */
const SMALL = 10;
const WIDTH = 176;
const HEIGHT = 44;

export function shapeFigures({ name }: SyncSummary, shapes: readonly FieldShape[], reveal: Reveal): Html {
  const figures = shapes.flatMap((shape) => {
    if (!reveal.shows(name, shape.field) && shape.changed < SMALL) return [];
    return shape.kind === "numbers" ? [numbersFigure(shape)] : [transitionsFigure(name, shape, reveal)];
  });
  return join(...figures);
}

function numbersFigure({ field, range, before, after }: NumbersShape): Html {
  const tallest = Math.max(1, ...before.buckets, ...after.buckets);
  const ends = `${short(range[0])} to ${short(range[1])}`;
  return element(
    "figure",
    { class: "numbers" },
    element("figcaption", {}, element("code", {}, text(field)), text(" before and after")),
    element(
      "div",
      { class: "pair" },
      ...([["before", before], ["after", after]] as const).map(([side, values]) =>
        element(
          "div",
          {},
          histogram(side, values, tallest, `${field} ${side}: ${values.buckets.join(", ")} values in equal steps from ${ends}`),
          element(
            "p",
            { class: "measures" },
            element("b", {}, text(side)),
            text(` p50 ${short(values.p50)} · p95 ${short(values.p95)} · mean ${short(values.mean)}`),
          ),
        ),
      ),
    ),
    element("p", { class: "axis" }, text(`from ${ends}; outliers are in the outer bars`)),
  );
}

function histogram(side: "before" | "after", { buckets }: Distribution, tallest: number, label: string): Html {
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
  return element("svg", { class: "histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT + 1}`, role: "img", "aria-label": label }, ...bars, ground);
}

function transitionsFigure(sync: string, { field, changed, top }: TransitionsShape, reveal: Reveal): Html {
  const told = top.filter(({ count }) => reveal.shows(sync, field) || count >= SMALL);
  const rows = told.map(({ from, to, count }) => {
    const [before, after] = [reveal.value(sync, field, from), reveal.value(sync, field, to)];
    const link = linkTo({ sync, op: "update", field, from: `=${before}`, to: `=${after}` });
    return element(
      "tr",
      {},
      element("td", {}, element("a", { href: link }, text(before, 60), text(" → "), text(after, 60))),
      element("td", { class: "number" }, text(thousands(count))),
      element("td", { class: "number" }, text(percent(count, changed))),
    );
  });
  if (rows.length === 0) return join();
  return element(
    "figure",
    { class: "transitions" },
    element("figcaption", {}, element("code", {}, text(field)), text(" from → to")),
    element("table", {}, element("tbody", {}, ...rows)),
  );
}

export function concentrationList({ name }: SyncSummary, found: readonly Concentration[], reveal: Reveal): Html | null {
  const told = found.filter(({ field, updates }) => reveal.shows(name, field) || updates >= SMALL);
  if (told.length === 0) return null;
  const items = told.map(({ field, value, share, lift }) => {
    const shown = reveal.value(name, field, value);
    return element(
      "li",
      {},
      text(`${Math.round(100 * share)} % of updates have `),
      element("a", { href: linkTo({ sync: name, op: "update", where: field, is: shown }) }, text(`${field} = ${shown}`, 80)),
      text(`, ${lift.toFixed(1)} times its share of all rows`),
    );
  });
  return element("ul", { class: "where" }, ...items);
}

/** @example short(1234.5) // "1,235" */
function short(n: number): string {
  const size = Math.abs(n);
  if (size >= 1e9 || (size > 0 && size < 0.01)) return n.toExponential(1);
  const [whole = "", part] = n.toFixed(size >= 100 || Number.isInteger(n) ? 0 : 2).split(".");
  const sign = whole.startsWith("-") ? "−" : "";
  const grouped = thousands(Number(whole.replace("-", "")));
  return `${sign}${grouped}${part === undefined ? "" : `.${part}`}`;
}

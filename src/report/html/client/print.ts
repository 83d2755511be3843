/** What goes onto paper: the summary, and the changes that are filtered, as a plain table. @module */
import { PRINTED } from "../limits.ts";
import type { Report } from "./data.ts";
import { grouped, make } from "./dom.ts";
import { type Filter, inWords } from "./filter.ts";
import { changeCells } from "./row.ts";

export interface Printed {
  readonly rows: Uint32Array;
  readonly filter: Filter;
}

/** Fills `section` whenever the page is about to be printed. */
export function printOn(section: HTMLElement, report: Report, current: () => Printed): void {
  const fill = () => {
    const { rows, filter } = current();
    const some = rows.subarray(0, PRINTED);
    const left = rows.length - some.length;
    const count =
      left > 0 ? `the first ${grouped(some.length)} of ${grouped(rows.length)}` : `all ${grouped(rows.length)}`;
    const head = ["Operation", "Sync", "Key", "Changes"].map((title) => make("th", { scope: "col" }, title));
    section.replaceChildren(
      make("p", {}, `Filter: ${inWords(filter)}. Printed: ${count}.`),
      make(
        "table",
        {},
        make("thead", {}, make("tr", {}, ...head)),
        make("tbody", {}, ...[...some].map((row) => make("tr", {}, ...changeCells(report, row, filter.field)))),
      ),
    );
  };
  addEventListener("beforeprint", fill);
  matchMedia("print").addEventListener("change", ({ matches }) => {
    if (matches) fill();
    else section.replaceChildren();
  });
}

/** One line of the table for one change. @module */
import { apart } from "../apart.ts";
import { type Column, NULL, placeOf, type Report, textOfCode } from "./data.ts";
import { make } from "./dom.ts";

export const signs: Readonly<Record<string, string>> = { create: "+", update: "~", delete: "−" };
export const whys: Readonly<Record<string, string>> = {
  warehouse: "the warehouse changed",
  drift: "edited by somebody else",
  conflict: "changed on both sides",
};

/** Fields and characters of a value that one line has room for. */
const FIELDS = 8;
const CHARACTERS = 60;

/** Cells of one change: operation, sync, key, what changes, the field asked for first. */
export function changeCells(report: Report, row: number, first: string): readonly HTMLElement[] {
  const { sync, i } = placeOf(report, row);
  const kind = report.kinds[sync.kinds[i] ?? 0];
  const action = kind?.action ?? "update";
  const drifted = kind && kind.reason !== "warehouse" ? [make("span", { class: "badge" }, kind.reason)] : [];
  const cell = (name: string, ...children: readonly (Node | string)[]) =>
    make("td", { role: "gridcell", class: name }, ...children);
  return [
    cell(
      `op ${action}`,
      make("span", { class: "sign", "aria-hidden": "true" }, signs[action] ?? ""),
      ` ${action} `,
      ...drifted,
    ),
    cell("sync", sync.name),
    cell("key", sync.keys[i] ?? ""),
    cell("what", ...changedFields(sync.columns, i, first)),
  ];
}

function changedFields(columns: readonly Column[], i: number, first: string): readonly Node[] {
  const shown: Node[] = [];
  let more = 0;
  const asked = columns.filter(({ name }) => name === first);
  for (const column of asked.length > 0 ? new Set([...asked, ...columns]) : columns) {
    const from = column.from[i] ?? 0;
    const to = column.to[i] ?? 0;
    if (from === 0 && to === 0) continue;
    if (shown.length >= FIELDS) more++;
    else shown.push(make("span", { class: "change" }, make("b", {}, column.name), ": ", ...fromTo(column, from, to)));
  }
  return more > 0 ? [...shown, make("span", { class: "more" }, `+ ${more} more`)] : shown;
}

/** `from → to`, or the one of them that there is. */
function fromTo(column: Column, from: number, to: number): readonly (Node | string)[] {
  const side = (name: "del" | "ins", code: number, text: string) =>
    make(
      name,
      code === NULL ? { class: "null" } : {},
      text.length > CHARACTERS ? `${text.slice(0, CHARACTERS)}…` : text,
    );
  if (from === 0) return [side("ins", to, textOfCode(column, to))];
  if (to === 0) return [side("del", from, textOfCode(column, from))];
  const [before, after] = apart(textOfCode(column, from), textOfCode(column, to));
  return [side("del", from, before), " → ", side("ins", to, after)];
}

/** All of one change: every field it touches, and those it leaves as they are. @module */
import { diffWordsWithSpace } from "diff";
import { type Column, placeOf, type Report, type SyncData, textOfCode } from "./data.ts";
import { grouped, make } from "./dom.ts";
import { whys } from "./row.ts";

/** Texts longer than this are compared word by word. */
const LONG = 32;

/** @param address of the change, for a link to it */
export function changeDetail(report: Report, row: number, address: string): HTMLElement {
  const { sync, i } = placeOf(report, row);
  const kind = report.kinds[sync.kinds[i] ?? 0];
  const id = sync.ids?.[i] ?? "";
  const facts = [
    `${kind?.action ?? ""}, number ${grouped((sync.positions[i] ?? 0) + 1)} of the sync's changes`,
    whys[kind?.reason ?? ""] ?? "",
    ...(id === "" ? [] : [`id ${id}`]),
  ];
  return make(
    "div",
    { class: "detail" },
    make("p", { class: "facts" }, `${facts.join(" · ")} · `, make("a", { href: address }, "link to this change")),
    fieldTable(sync, i, kind?.action ?? "update"),
  );
}

function fieldTable(sync: SyncData, i: number, action: string): HTMLElement {
  const changed = sync.columns.filter(({ from, to }) => from[i] || to[i]);
  const kept = sync.columns.filter((column) => column.kept?.[i]);
  const head =
    action === "update" ? ["Field", "Before", "After"] : ["Field", action === "create" ? "Value" : "Value now"];
  return make(
    "table",
    { class: "values" },
    make("thead", {}, make("tr", {}, ...head.map((title) => make("th", { scope: "col" }, title)))),
    make(
      "tbody",
      {},
      ...changed.map((column) => changedRow(column, i, action)),
      ...kept.map((column) =>
        make(
          "tr",
          { class: "kept" },
          make("th", { scope: "row" }, column.name),
          make("td", { colspan: 2 }, textOfCode(column, column.kept?.[i] ?? 0), " ", make("small", {}, "unchanged")),
        ),
      ),
    ),
  );
}

function changedRow(column: Column, i: number, action: string): HTMLElement {
  const name = make("th", { scope: "row" }, column.name);
  if (column.theirs?.[i]) name.append(" ", make("span", { class: "badge" }, "theirs → ours"));
  const from = column.from[i] ?? 0;
  const to = column.to[i] ?? 0;
  const before = textOfCode(column, from);
  const after = textOfCode(column, to);
  if (action !== "update") {
    const side = make(action === "create" ? "ins" : "del", {}, action === "create" ? after : before);
    return make("tr", {}, name, make("td", {}, side));
  }
  if (from > 1 && to > 1 && Math.min(before.length, after.length) > LONG)
    return make("tr", {}, name, make("td", { colspan: 2, class: "words" }, ...wordDiff(before, after)));
  return make("tr", {}, name, make("td", {}, side("del", from, before)), make("td", {}, side("ins", to, after)));
}

function side(name: "del" | "ins", code: number, text: string): HTMLElement {
  return make(name, code === 1 ? { class: "null" } : {}, text);
}

function wordDiff(before: string, after: string): readonly (Node | string)[] {
  return diffWordsWithSpace(before, after).map(({ value, added, removed }) =>
    added ? make("ins", {}, value) : removed ? make("del", {}, value) : value,
  );
}

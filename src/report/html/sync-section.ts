/** One sync of a plan in the report: counts, fields, shapes, what is rejected or stopped, cost. @module */
import { rejectCodes, type SyncSummary } from "../../core/plan.ts";
import type { SyncReview } from "../../engine/review/review.ts";
import { counted, duration, percent, thousands } from "../numbers.ts";
import type { Reveal } from "../reveal.ts";
import { basisText } from "../summary.ts";
import { linkTo } from "./link.ts";
import { element, type Html, join, text } from "./markup.ts";
import { concentrationList, shapeFigures } from "./shapes.ts";

export function syncSection(sync: SyncSummary, review: SyncReview | undefined, reveal: Reveal, open: boolean): Html {
  const { source, destination, mode } = sync;
  const route = `${source.connection} → ${destination.connection} ${destination.object}`;
  return element(
    "details",
    { class: "sync", ...(open ? { open: true as const } : {}) },
    element("summary", {}, element("h2", {}, text(sync.name)), element("span", { class: "brief" }, text(brief(sync)))),
    element("p", { class: "route" }, text(`${route} (${mode})`)),
    problems(sync),
    ...(sync.complete
      ? [
          proportions(sync),
          also(sync),
          review ? concentrationList(sync, review.concentrations, reveal) : null,
          changedFields(sync),
          review ? shapeFigures(sync, review.shapes, reveal) : null,
          rejected(sync, review, reveal),
          facts(sync),
        ]
      : []),
  );
}

function brief({ complete, counts }: SyncSummary): string {
  if (!complete) return "not read";
  return `+ ${thousands(counts.create)}  ~ ${thousands(counts.update)}  − ${thousands(counts.delete)}`;
}

function problems({ complete, problem, guards, warnings }: SyncSummary): Html {
  const unread = `Not read: ${problem ?? "it could not be read"}. Nothing is known about its changes, and its deletes are blocked.`;
  const alert = (kind: string, content: string) => element("p", { class: `alert ${kind}` }, text(content, 800));
  return join(
    complete ? null : alert("bad", unread),
    ...guards.map(({ code, message }) => alert("bad", `Stopped by ${code}: ${message}`)),
    ...warnings.map((warning) => alert("warn", `Warning: ${warning}`)),
  );
}

/** A bar of what becomes of the rows; the figures stand below it. */
function proportions({ name, counts, unchanged }: SyncSummary): Html {
  const parts: readonly [kind: "create" | "update" | "delete" | "unchanged", sign: string, count: number][] = [
    ["create", "+", counts.create],
    ["update", "~", counts.update],
    ["delete", "−", counts.delete],
    ["unchanged", "=", unchanged],
  ];
  const total = parts.reduce((sum, [, , count]) => sum + count, 0);
  let x = 0;
  const bars = parts.flatMap(([kind, , count]) => {
    const width = total === 0 ? 0 : (100 * count) / total;
    x += width;
    return width === 0
      ? []
      : [element("rect", { class: kind, x: (x - width).toFixed(2), y: 0, width: width.toFixed(2), height: 6 })];
  });
  const svg = { class: "bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" };
  const items = parts.map(([kind, sign, count]) => {
    const label = `${sign} ${thousands(count)} ${kind}`;
    const linked = kind !== "unchanged" && count > 0;
    return element(
      "li",
      { class: kind },
      linked ? element("a", { href: linkTo({ sync: name, op: kind }) }, text(label)) : text(label),
    );
  });
  return join(element("svg", svg, ...bars), element("ul", { class: "counts" }, ...items));
}

function also(sync: SyncSummary): Html | null {
  const { reasons, confirmed, skipped, driftKept, newFields, masked = [], mode } = sync;
  const lines = [
    ...newFields.map(({ name, type }) => `A new field ${name} (${type.kind}) is made first.`),
    ...masked.map(({ field, how }) => `${field} goes out masked: ${how}.`),
    ...(reasons.drift > 0
      ? [`${counted(reasons.drift, "record")} edited by somebody else (drift) will be overwritten.`]
      : []),
    ...(reasons.conflict > 0
      ? [`${counted(reasons.conflict, "record")} changed on both sides (conflict) will be overwritten.`]
      : []),
    ...(driftKept > 0 ? [`${counted(driftKept, "record")} edited by somebody else will be kept as they are.`] : []),
    ...(confirmed > 0 ? [`${counted(confirmed, "record")} already right will be recorded.`] : []),
    ...(skipped > 0
      ? [
          `${counted(skipped, "row")} ${mode === "create" ? "with a record already" : "without a record to update"}, left alone.`,
        ]
      : []),
  ];
  return lines.length === 0
    ? null
    : element("ul", { class: "also" }, ...lines.map((line) => element("li", {}, text(line))));
}

function changedFields({ name: sync, fields, counts }: SyncSummary): Html | null {
  if (fields.length === 0) return null;
  const head = ["Field", "Updates", "Share", ""].map((title) =>
    title === "" ? element("td", {}) : element("th", { scope: "col" }, text(title)),
  );
  const rows = fields.map(({ name, changed, filled, cleared }) => {
    const width = counts.update === 0 ? 0 : (100 * changed) / counts.update;
    const notes = [
      filled > 0 ? `${thousands(filled)} from empty` : "",
      cleared > 0 ? `${thousands(cleared)} to empty` : "",
    ].filter(Boolean);
    const svg = { class: "bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" };
    return element(
      "tr",
      {},
      element(
        "th",
        { scope: "row" },
        element("a", { href: linkTo({ sync, op: "update", field: name }) }, text(name)),
        notes.length > 0 ? element("small", {}, text(notes.join(", "))) : null,
      ),
      element("td", { class: "number" }, text(thousands(changed))),
      element("td", { class: "number" }, text(percent(changed, counts.update))),
      element(
        "td",
        { class: "share" },
        element("svg", svg, element("rect", { class: "update", x: 0, y: 0, width: width.toFixed(2), height: 6 })),
      ),
    );
  });
  return join(
    element("h3", {}, text("Fields that change")),
    element(
      "table",
      { class: "fields" },
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    ),
  );
}

function rejected(
  { name, rejected: reasons }: SyncSummary,
  review: SyncReview | undefined,
  reveal: Reveal,
): Html | null {
  if (reasons.length === 0) return null;
  const items = reasons.map(({ code, field, count }) => {
    const listed = review?.rejected.find((one) => one.code === code && one.field === field);
    const keys = listed?.keys.map((key) => reveal.key(name, key)) ?? [];
    return element(
      "li",
      {},
      element("b", {}, text(`${thousands(count)} ${code}`)),
      field === null ? null : join(text(" "), element("code", {}, text(field))),
      text(`: ${rejectCodes[code]}`),
      keys.length === 0
        ? null
        : element("span", { class: "keys" }, text(`${keys.join(", ")}${listed?.more ? ", …" : ""}`, 4_000)),
    );
  });
  return join(element("h3", {}, text("Rejected rows")), element("ul", { class: "rejected" }, ...items));
}

function facts({ source, basis, cost }: SyncSummary): Html {
  const { planCalls, applyCalls, applySeconds, quota } = cost;
  const time = applySeconds !== null && applyCalls > 0 ? `, ${duration(applySeconds)} at the permitted rate` : "";
  const lines: readonly (readonly [string, string])[] = [
    ["Read", `${counted(source.rows, "source row")}; ${basisText(basis)}`],
    ["Cost", `plan used ${counted(planCalls, "call")}; apply about ${counted(applyCalls, "call")}${time}`],
    ...(quota ? [["Quota", `${thousands(quota.used)} of ${thousands(quota.limit)} used`] as const] : []),
  ];
  return element(
    "dl",
    { class: "facts" },
    ...lines.flatMap(([term, words]) => [element("dt", {}, text(term)), element("dd", {}, text(words))]),
  );
}

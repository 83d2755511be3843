/** One sync of a plan in numbers. @module */
import { type Basis, rejectCodes, type SyncSummary } from "../core/plan.ts";
import { columns, labelled, type Piece, padEnd, WIDTH, widthOf, wrap } from "./layout.ts";
import { counted, duration, percent, thousands } from "./numbers.ts";
import { sanitise } from "./sanitise.ts";
import type { Section } from "./section.ts";
import { wordDiff } from "./word-diff.ts";

export const header: Section = ({ sync: { name, source, destination, mode } }, style) => {
  const to = `${sanitise(destination.connection)} ${sanitise(destination.object)}`;
  const pieces: Piece[] = [
    { text: sanitise(name), format: "bold" },
    { text: `  ${sanitise(source.connection)} -> ${to}  ` },
    { text: `(${sanitise(mode)})`, format: "dim" },
  ];
  return wrap(pieces, "", "  ", style);
};

/** Instead of everything else, where a side could not be read. */
export const unread: Section = ({ sync }, style) => [
  ...labelled("UNREAD", sanitise(sync.problem ?? "it could not be read", { max: 400 }), style, "red"),
  ...labelled("", "Nothing is known about its changes, and its deletes are blocked.", style),
];

export const read: Section = ({ sync }, style) =>
  labelled("read", `${counted(sync.source.rows, "source row")}; ${basisText(sync.basis)}`, style);

/** The sync's own SQL, where it is another than the last run's. */
export const query: Section = ({ query: change }, style) => {
  if (!change) return [];
  const [before, after] = [change.before, change.after].map((text) => text.trim().replace(/\s+/g, " "));
  if (before === undefined || after === undefined || before === after)
    return labelled("query", "changed since the last run, in white space only", style, "yellow");
  return [
    ...labelled("query", "changed since the last run:", style, "yellow"),
    ...wordDiff(before, after, " ".repeat(12), style),
  ];
};

/** What the changes are based on, in words. */
export function basisText({ refresh, read, recordsRead }: Basis): string {
  if (read === "ledger") return "destination NOT read (refresh off): compared with what Ebb recorded";
  const records = counted(recordsRead, "record");
  const how = {
    columns: `destination read whole, ${records}`,
    scan: `destination read whole, ${records}`,
    since: `destination read for what changed since the last run, ${records}`,
    keys: `destination read by key, ${records}`,
  }[read];
  return refresh === "changed" ? `${how}, only for rows that changed` : how;
}

export const counts: Section = ({ sync }, style) => {
  const rejected = sync.rejected.reduce((sum, { count }) => sum + count, 0);
  const cells: Piece[] = [
    { text: `+ create ${thousands(sync.counts.create)}`, format: sync.counts.create ? "green" : "dim" },
    { text: `~ update ${thousands(sync.counts.update)}`, format: sync.counts.update ? "yellow" : "dim" },
    { text: `- delete ${thousands(sync.counts.delete)}`, format: sync.counts.delete ? "red" : "dim" },
    { text: `= unchanged ${thousands(sync.unchanged)}`, format: "dim" },
    { text: `! rejected ${thousands(rejected)}`, format: rejected ? "red" : "dim" },
  ];
  const lines: Piece[][] = [];
  for (const cell of cells) {
    const line = lines.at(-1);
    const used = line?.reduce((sum, { text }) => sum + widthOf(text) + 3, 2) ?? WIDTH;
    if (line && used + widthOf(cell.text) <= WIDTH) line.push(cell);
    else lines.push([cell]);
  }
  const dress = ({ text, format }: Piece) => (format ? style(format, text) : text);
  return lines.map((line) => `  ${line.map(dress).join("   ")}`);
};

export const newFields: Section = ({ sync: { newFields: made, destination } }, style) =>
  made.flatMap(({ name, type }) =>
    labelled(
      "new field",
      `+ ${sanitise(name)} (${sanitise(type.kind)}), made on ${sanitise(destination.object)} first`,
      style,
      "green",
    ),
  );

/** Fields whose values go out as something else. */
export const masked: Section = ({ sync: { masked: fields = [] } }, style) => {
  const texts = fields.map(({ field, how }) => `${sanitise(field)}: ${sanitise(how)}`);
  return texts.length === 0 ? [] : labelled("masked", texts.join("; "), style);
};

export const also: Section = ({ sync }, style) => {
  const text = alsoText(sync);
  return text === null ? [] : labelled("also", text, style);
};

/** Rows and records that are not changed for other reasons than being right already. */
export function alsoText(sync: SyncSummary): string | null {
  const notes: string[] = [];
  if (sync.confirmed > 0) notes.push(`${counted(sync.confirmed, "record")} already right, will be recorded`);
  if (sync.skipped > 0) {
    const exists = sync.skipped === 1 ? "that exists already" : "that exist already";
    const why = sync.mode === "create" ? exists : "without a record to update";
    notes.push(`${counted(sync.skipped, "row")} ${why}, left alone`);
  }
  if (sync.driftKept > 0)
    notes.push(`${counted(sync.driftKept, "record")} edited by somebody else and kept (onDrift: keep)`);
  return notes.length === 0 ? null : notes.join("; ");
}

export const reasons: Section = ({ sync }, style) => {
  const text = whyText(sync);
  return text === null ? [] : labelled("why", text, style, "yellow");
};

/** Whose change it is, where somebody else changed records too. */
export function whyText({ reasons: { warehouse, drift, conflict } }: SyncSummary): string | null {
  if (drift + conflict === 0) return null;
  return [
    warehouse > 0 ? [`${thousands(warehouse)} changed in the warehouse`] : [],
    drift > 0 ? [`${thousands(drift)} edited by somebody else (drift), to be overwritten`] : [],
    conflict > 0 ? [`${thousands(conflict)} changed on both sides (conflict), to be overwritten`] : [],
  ]
    .flat()
    .join("; ");
}

export const fields: Section = ({ sync }) => {
  const rows = sync.fields.map(({ name, changed, filled, cleared }) => {
    const parts = [
      filled > 0 ? `${thousands(filled)} from empty` : "",
      cleared > 0 ? `${thousands(cleared)} to empty` : "",
    ];
    return [sanitise(name), thousands(changed), percent(changed, sync.counts.update), parts.filter(Boolean).join(", ")];
  });
  const lines = columns(rows, { indent: " ".repeat(12), right: [1, 2] });
  return lines.map((line, i) => (i === 0 ? padEnd("  updated", 12) + line.slice(12) : line));
};

export const rejected: Section = ({ sync, review, reveal }, style) =>
  sync.rejected.flatMap(({ code, field, count }) => {
    const { keys = [], more = false } = review?.rejected.find((one) => one.code === code && one.field === field) ?? {};
    const shown = keys.map((key) => reveal.key(sync.name, key)).join(", ");
    const where = field === null ? "" : ` ${sanitise(field)}`;
    const text = `${thousands(count)} ${sanitise(code)}${where}: ${rejectCodes[code]}${shown ? ` (${shown}${more ? ", …" : ""})` : ""}`;
    return labelled("rejected", text, style, "red");
  });

export const cost: Section = ({ sync }, style) => labelled("cost", costText(sync), style);

/** Calls, time at the permitted rate and share of the account's quota, in words. */
export function costText({ cost: { planCalls, applyCalls, applySeconds, quota } }: SyncSummary): string {
  const apply = [`apply about ${counted(applyCalls, "call")}`];
  if (applySeconds !== null && applyCalls > 0) apply.push(`${duration(applySeconds)} at the permitted rate`);
  const texts = [`plan used ${counted(planCalls, "call")}`, apply.join(", ")];
  if (quota) {
    const share = applyCalls > 0 ? `, the apply takes ${percent(applyCalls, quota.limit)}` : "";
    texts.push(`quota ${thousands(quota.used)} of ${thousands(quota.limit)} used${share}`);
  }
  return texts.join("; ");
}

export const warnings: Section = ({ sync }, style) =>
  sync.warnings.flatMap((text) => labelled("warning", sanitise(text, { max: 400 }), style, "yellow"));

export const guards: Section = ({ sync }, style) =>
  sync.guards.flatMap(({ code, message }) =>
    labelled("STOPPED", `${sanitise(code)}: ${sanitise(message, { max: 400 })}`, style, "red"),
  );

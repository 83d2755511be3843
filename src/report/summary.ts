/** One sync of a plan in numbers. @module */
import { type Basis, rejectCodes, type SyncSummary } from "../core/plan.ts";
import { columns, labelled, type Piece, padEnd, WIDTH, widthOf, wrap } from "./layout.ts";
import { counted, duration, percent, thousands } from "./numbers.ts";
import type { Reveal } from "./reveal.ts";
import { sanitise } from "./sanitise.ts";
import type { Style } from "./style.ts";

/** Keys of some rejected rows, by code and field. */
export type RejectedKeys = readonly {
  readonly code: string;
  readonly field: string | null;
  readonly keys: readonly string[];
  /** There are more keys than these. */
  readonly more: boolean;
}[];

/** The summary of one sync, as lines. */
export function summaryLines(
  sync: SyncSummary,
  rejectedKeys: RejectedKeys,
  reveal: Reveal,
  style: Style,
): readonly string[] {
  if (!sync.complete)
    return [
      ...header(sync, style),
      ...labelled("UNREAD", sanitise(sync.problem ?? "it could not be read", { max: 400 }), style, "red"),
      ...labelled("", "Nothing is known about its changes, and its deletes are blocked.", style),
    ];
  return [
    ...header(sync, style),
    ...labelled("read", `${counted(sync.source.rows, "source row")}; ${basisText(sync.basis)}`, style),
    ...counts(sync, style),
    ...newFields(sync, style),
    ...masked(sync, style),
    ...also(sync, style),
    ...reasons(sync, style),
    ...fields(sync),
    ...rejected(sync, rejectedKeys, reveal, style),
    ...cost(sync, style),
    ...sync.warnings.flatMap((text) => labelled("warning", sanitise(text, { max: 400 }), style, "yellow")),
    ...sync.guards.flatMap(({ code, message }) =>
      labelled("STOPPED", `${code}: ${sanitise(message, { max: 400 })}`, style, "red"),
    ),
  ];
}

function header({ name, source, destination, mode }: SyncSummary, style: Style): string[] {
  const to = `${sanitise(destination.connection)} ${sanitise(destination.object)}`;
  const pieces: Piece[] = [
    { text: sanitise(name), format: "bold" },
    { text: `  ${sanitise(source.connection)} -> ${to}  ` },
    { text: `(${mode})`, format: "dim" },
  ];
  return wrap(pieces, "", "  ", style);
}

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

function counts(sync: SyncSummary, style: Style): string[] {
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
}

function newFields({ newFields: made, destination }: SyncSummary, style: Style): string[] {
  return made.flatMap(({ name, type }) =>
    labelled(
      "new field",
      `+ ${sanitise(name)} (${type.kind}), made on ${sanitise(destination.object)} first`,
      style,
      "green",
    ),
  );
}

function masked({ masked: fields = [] }: SyncSummary, style: Style): string[] {
  const texts = fields.map(({ field, how }) => `${sanitise(field)}: ${sanitise(how)}`);
  return texts.length === 0 ? [] : labelled("masked", texts.join("; "), style);
}

function also(sync: SyncSummary, style: Style): string[] {
  const notes: string[] = [];
  if (sync.confirmed > 0) notes.push(`${counted(sync.confirmed, "record")} already right, will be recorded`);
  if (sync.skipped > 0) {
    const exists = sync.skipped === 1 ? "that exists already" : "that exist already";
    const why = sync.mode === "create" ? exists : "without a record to update";
    notes.push(`${counted(sync.skipped, "row")} ${why}, left alone`);
  }
  if (sync.driftKept > 0)
    notes.push(`${counted(sync.driftKept, "record")} edited by somebody else and kept (onDrift: keep)`);
  return notes.length === 0 ? [] : labelled("also", notes.join("; "), style);
}

function reasons({ reasons: { warehouse, drift, conflict } }: SyncSummary, style: Style): string[] {
  if (drift + conflict === 0) return [];
  const texts = [
    warehouse > 0 ? [`${thousands(warehouse)} changed in the warehouse`] : [],
    drift > 0 ? [`${thousands(drift)} edited by somebody else (drift), to be overwritten`] : [],
    conflict > 0 ? [`${thousands(conflict)} changed on both sides (conflict), to be overwritten`] : [],
  ].flat();
  return labelled("why", texts.join("; "), style, "yellow");
}

function fields(sync: SyncSummary): string[] {
  const rows = sync.fields.map(({ name, changed, filled, cleared }) => {
    const parts = [
      filled > 0 ? `${thousands(filled)} from empty` : "",
      cleared > 0 ? `${thousands(cleared)} to empty` : "",
    ];
    return [sanitise(name), thousands(changed), percent(changed, sync.counts.update), parts.filter(Boolean).join(", ")];
  });
  const lines = columns(rows, { indent: " ".repeat(12), right: [1, 2] });
  return lines.map((line, i) => (i === 0 ? padEnd("  updated", 12) + line.slice(12) : line));
}

function rejected(sync: SyncSummary, samples: RejectedKeys, reveal: Reveal, style: Style): string[] {
  return sync.rejected.flatMap(({ code, field, count }) => {
    const { keys = [], more = false } = samples.find((one) => one.code === code && one.field === field) ?? {};
    const shown = keys.map((key) => reveal.key(sync.name, key)).join(", ");
    const where = field === null ? "" : ` ${sanitise(field)}`;
    const text = `${thousands(count)} ${code}${where}: ${rejectCodes[code]}${shown ? ` (${shown}${more ? ", …" : ""})` : ""}`;
    return labelled("rejected", text, style, "red");
  });
}

function cost({ cost: { planCalls, applyCalls, applySeconds, quota } }: SyncSummary, style: Style): string[] {
  const apply = [`apply about ${counted(applyCalls, "call")}`];
  if (applySeconds !== null && applyCalls > 0) apply.push(`${duration(applySeconds)} at the permitted rate`);
  const texts = [`plan used ${counted(planCalls, "call")}`, apply.join(", ")];
  if (quota) texts.push(`quota ${thousands(quota.used)} of ${thousands(quota.limit)} used`);
  return labelled("cost", texts.join("; "), style);
}

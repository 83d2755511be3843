/** Some records of a plan, field by field. @module */
import type { SyncSummary } from "../core/plan.ts";
import type { Change, Value } from "../core/types.ts";
import type { PlannedChange } from "../engine/diff/changes.ts";
import type { SampledKinds, SyncSamples } from "../engine/review/samples.ts";
import { columns, cut, padEnd, WIDTH, widthOf, wrap } from "./layout.ts";
import { thousands } from "./numbers.ts";
import type { Reveal } from "./reveal.ts";
import type { Section, SyncPart } from "./section.ts";
import { type Format, plain, type Style } from "./style.ts";
import { wordDiff } from "./word-diff.ts";

const LONG = 40;
/** So many have a line each. */
const FEW_DELETES = 10;
const signs = { create: "+", update: "~", delete: "-" } as const;
const colours = { create: "green", update: "yellow", delete: "red" } as const satisfies Record<string, Format>;

export const deletes: Section = ({ sync, review, reveal, showing }, style) =>
  deleteLines(sync, review?.deletes ?? [], reveal, style, showing);

export const samples: Section = ({ sync, review, reveal }, style) =>
  review ? recordLines(sync, review, review.kinds, reveal, style) : [];

/** Samples of one sync: deletes first, then what overwrites others' edits, then updates and creates. */
export function sampleLines(sync: SyncSummary, found: SyncSamples, reveal: Reveal, style: Style): readonly string[] {
  const drifted = Math.max(sync.reasons.drift + sync.reasons.conflict, found.drifted.length);
  const kinds = {
    drifted,
    updates: Math.max(sync.counts.update - drifted, found.updates.length),
    creates: sync.counts.create,
  };
  return [...deleteLines(sync, found.deletes, reveal, style), ...recordLines(sync, found, kinds, reveal, style)];
}

/** Deletes by key: a line each, or one after the other where they are many. */
function deleteLines(
  { name, counts }: SyncSummary,
  shown: readonly PlannedChange[],
  reveal: Reveal,
  style: Style,
  showing?: SyncPart["showing"],
): readonly string[] {
  if (shown.length === 0) return [];
  const keys = shown.map(({ change }) => cut(reveal.key(name, change.key), 48));
  const dress = (line: string) => style(colours.delete, line);
  const listed =
    keys.length <= FEW_DELETES
      ? keys.map((key) => dress(`    - ${key}`))
      : wrap([{ text: keys.join(", ") }], "    - ", "      ", plain).map(dress);
  const left = counts.delete - shown.length;
  const how = showing ? `: ${showing(counts.delete)}` : "";
  const more = left > 0 ? wrap([{ text: `and ${thousands(left)} more${how}` }], "    ", "      ", style) : [];
  return [title("deletes", counts.delete, shown.length, style), ...listed, ...more];
}

function title(name: string, total: number, shown: number, style: Style): string {
  return `  ${style("bold", name)}${shown < total ? style("dim", ` (${shown} of ${thousands(total)})`) : ""}`;
}

function recordLines(
  sync: SyncSummary,
  found: SyncSamples,
  kinds: SampledKinds,
  reveal: Reveal,
  style: Style,
): readonly string[] {
  const groups: readonly [name: string, total: number, shown: readonly PlannedChange[]][] = [
    ["edited by somebody else", kinds.drifted, found.drifted],
    ["updates", kinds.updates, found.updates],
    ["creates", kinds.creates, found.creates],
  ];
  return groups
    .filter(([, , shown]) => shown.length > 0)
    .flatMap(([name, total, shown]) => [
      title(name, total, shown.length, style),
      ...shown.flatMap((one) => changeLines(sync.name, one, reveal, style)),
    ]);
}

function changeLines(sync: string, { change, drifted, reason }: PlannedChange, reveal: Reveal, style: Style): string[] {
  const head = `    ${signs[change.action]} ${cut(reveal.key(sync, change.key), 48)}`;
  const note = noteOf(change, reason);
  const lines = [style(colours[change.action], head) + style("dim", note)];
  if (change.action === "delete") return lines;
  const names = Object.keys(change.after);
  const room = Math.min(28, Math.max(0, ...names.map((name) => widthOf(name))));
  for (const name of names) lines.push(...fieldLines(sync, change, name, room, drifted.includes(name), reveal, style));
  return lines;
}

function noteOf({ action }: Change, reason: PlannedChange["reason"]): string {
  if (reason === "conflict") return "  (changed on both sides)";
  return reason === "drift" && action === "create" ? "  (deleted there, made again)" : "";
}

function fieldLines(
  sync: string,
  change: Exclude<Change, { action: "delete" }>,
  name: string,
  room: number,
  edited: boolean,
  reveal: Reveal,
  style: Style,
): string[] {
  const label = `        ${padEnd(cut(reveal.name(name), 28), room)}  `;
  const after = change.after[name] ?? null;
  if (reveal.hides(sync, name))
    return [`${label}(secret) ${change.action === "create" ? "set" : `changed${edited ? "  (theirs -> ours)" : ""}`}`];
  if (change.action === "create") {
    const text = reveal.value(sync, name, after);
    return [label + cut(text, WIDTH - widthOf(label))];
  }
  const before = change.before[name] ?? null;
  const long = isLong(before) && isLong(after);
  if (long && before !== null && after !== null && reveal.shows(sync, name))
    return [
      label.trimEnd() + (edited ? style("dim", " (theirs -> ours)") : ""),
      ...wordDiff(before, after, " ".repeat(10), style),
    ];
  const left = reveal.value(sync, name, before);
  const right = reveal.value(sync, name, after);
  const theirs = edited ? "  (theirs -> ours)" : "";
  const line = `${label}${left} -> ${right}`;
  if (widthOf(line) + widthOf(theirs) <= WIDTH)
    return [`${label}${style("red", left)} -> ${style("green", right)}${style("dim", theirs)}`];
  return [
    label.trimEnd() + style("dim", theirs),
    ...columns([[left]], { indent: " ".repeat(10) }).map((text) => style("red", text)),
    ...columns([[`-> ${right}`]], { indent: " ".repeat(7) }).map((text) => style("green", text)),
  ];
}

function isLong(value: Value): boolean {
  return (value?.length ?? 0) > LONG;
}

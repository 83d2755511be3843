/** Some records of a plan, field by field. @module */
import type { SyncSummary } from "../core/plan.ts";
import type { Change, Value } from "../core/types.ts";
import type { PlannedChange } from "../engine/diff/changes.ts";
import type { SyncSamples } from "../engine/review/samples.ts";
import { columns, cut, padEnd, WIDTH, widthOf } from "./layout.ts";
import { thousands } from "./numbers.ts";
import type { Reveal } from "./reveal.ts";
import type { Format, Style } from "./style.ts";
import { wordDiff } from "./word-diff.ts";

const LONG = 40;
const signs = { create: "+", update: "~", delete: "-" } as const;
const colours = { create: "green", update: "yellow", delete: "red" } as const satisfies Record<string, Format>;

/** Samples of one sync: deletes first, then what overwrites others' edits, then updates and creates. */
export function sampleLines(sync: SyncSummary, samples: SyncSamples, reveal: Reveal, style: Style): readonly string[] {
  const changed = sync.reasons.drift + sync.reasons.conflict;
  const updates = sync.counts.update - samples.drifted.length;
  const groups: readonly [title: string, total: number, shown: readonly PlannedChange[]][] = [
    ["deletes", sync.counts.delete, samples.deletes],
    ["edited by somebody else", Math.max(changed, samples.drifted.length), samples.drifted],
    ["updates", Math.max(updates, samples.updates.length), samples.updates],
    ["creates", sync.counts.create, samples.creates],
  ];
  return groups
    .filter(([, , shown]) => shown.length > 0)
    .flatMap(([title, total, shown]) => [
      `  ${style("bold", title)}${shown.length < total ? style("dim", ` (${shown.length} of ${thousands(total)})`) : ""}`,
      ...shown.flatMap((one) => changeLines(sync.name, one, reveal, style)),
    ]);
}

function changeLines(sync: string, { change, drifted, reason }: PlannedChange, reveal: Reveal, style: Style): string[] {
  const head = `    ${signs[change.action]} ${cut(reveal.key(sync, change.key), 48)}`;
  const note = reason === "conflict" ? "  (changed on both sides)" : "";
  const lines = [style(colours[change.action], head) + style("dim", note)];
  if (change.action === "delete") return lines;
  const names = Object.keys(change.after);
  const room = Math.min(28, Math.max(0, ...names.map((name) => widthOf(name))));
  for (const name of names) lines.push(...fieldLines(sync, change, name, room, drifted.includes(name), reveal, style));
  return lines;
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

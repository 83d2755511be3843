/** Records of a plan as lines of a diff. @module */
import type { SyncSummary } from "../../core/plan.ts";
import type { Change, Value } from "../../core/types.ts";
import type { PlannedChange } from "../../engine/diff/changes.ts";
import type { SyncReview } from "../../engine/review/review.ts";
import { codeBlock } from "../escape.ts";
import { thousands } from "../numbers.ts";
import type { Reveal } from "../reveal.ts";
import { plain } from "../style.ts";
import { wordDiff } from "../word-diff.ts";
import { type Block, folded, type Heading, shorter } from "./blocks.ts";

const LONG = 40;
const FEWER = [2, 1] as const;

/** Samples of each kind, those that overwrite others' edits first. */
export function recordBlocks(
  { name }: SyncSummary,
  review: SyncReview,
  heading: Heading,
  reveal: Reveal,
): readonly Block[] {
  const groups = [
    { what: "records edited by somebody else", total: review.kinds.drifted, shown: review.drifted, priority: 6 },
    { what: "updates", total: review.kinds.updates, shown: review.updates, priority: 7 },
    { what: "creates", total: review.kinds.creates, shown: review.creates, priority: 8 },
  ];
  return groups
    .filter(({ shown }) => shown.length > 0)
    .map(({ what, total, shown, priority }) => ({
      priority,
      heading,
      what: `samples of ${what}`,
      forms: shorter(shown, [shown.length, ...FEWER], (some) => {
        const largest = what === "updates" ? ", the largest first" : "";
        const lines = some.flatMap((one) => recordLines(name, one, reveal));
        return folded(`${some.length} of ${thousands(total)} ${what}${largest}`, codeBlock(lines, "diff"));
      }),
    }));
}

function recordLines(sync: string, { change, drifted, reason }: PlannedChange, reveal: Reveal): readonly string[] {
  const { action, key } = change;
  const note =
    reason === "conflict"
      ? ", changed on both sides"
      : reason === "drift" && action === "create"
        ? ", deleted there and made again"
        : "";
  const head = `@@ ${action} ${reveal.key(sync, key)}${note} @@`;
  if (change.action === "delete") return [head];
  const fields = Object.keys(change.after);
  return [head, ...fields.flatMap((name) => fieldLines(sync, change, name, drifted.includes(name), reveal))];
}

function fieldLines(
  sync: string,
  change: Exclude<Change, { action: "delete" }>,
  field: string,
  edited: boolean,
  reveal: Reveal,
): readonly string[] {
  const name = reveal.name(field);
  const after = change.after[field] ?? null;
  if (reveal.hides(sync, field)) return [`! ${name}: (secret) ${change.action === "create" ? "set" : "changed"}`];
  if (change.action === "create") return [`+ ${name}: ${reveal.value(sync, field, after)}`];
  const before = change.before[field] ?? null;
  const [theirs, ours] = edited ? ["  (theirs)", "  (ours)"] : ["", ""];
  if (before !== null && after !== null && isLong(before) && isLong(after) && reveal.shows(sync, field))
    return [`! ${name}:${edited ? "  (theirs to ours)" : ""}`, ...wordDiff(before, after, "!   ", plain)];
  return [
    `- ${name}: ${reveal.value(sync, field, before)}${theirs}`,
    `+ ${name}: ${reveal.value(sync, field, after)}${ours}`,
  ];
}

function isLong(value: Value): boolean {
  return (value?.length ?? 0) > LONG;
}

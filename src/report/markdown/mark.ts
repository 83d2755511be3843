/** The first line of a plan's markdown, which nobody sees: by it the comment is found again, and what it tells of. @module */
import { type PlanSummary, type Verdict, verdictOf } from "../../core/plan.ts";

export interface PlanMark {
  /** Tells the comments of several projects or stacks apart. */
  readonly name: string;
  /** Whole digest, hexadecimal. */
  readonly digest: string;
  readonly verdict: Verdict;
  readonly deletes: number;
}

const line = /^<!-- ebb:plan ([A-Za-z0-9._-]+) digest=([0-9a-f]{64}) verdict=(\w+) deletes=(\d+) -->\r?$/;

export function planMark(summary: PlanSummary, name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._]+/g, "-").slice(0, 64);
  const deletes = summary.syncs.reduce((sum, { counts }) => sum + counts.delete, 0);
  return `<!-- ebb:plan ${plain} digest=${summary.digest} verdict=${verdictOf(summary)} deletes=${deletes} -->`;
}

/** What the first line of a markdown says; null where it is no plan's. */
export function readMark(markdown: string): PlanMark | null {
  const [, name, digest, verdict, deletes] = line.exec(markdown.split("\n", 1)[0] ?? "") ?? [];
  if (name === undefined || digest === undefined) return null;
  return { name, digest, verdict: verdict as Verdict, deletes: Number(deletes) };
}

/**
 * The one comment on a request that tells of its plan. It begins with two lines that nobody sees: which plan it is, and
 * which job made it; below may stand one line of what became of it.
 * @module
 */
import { codeSpan } from "../report/escape.ts";
import { type PlanMark, readMark } from "../report/markdown/mark.ts";
import type { PlanJob } from "./forge.ts";

export interface Sticky {
  readonly mark: PlanMark;
  /** Null where a person wrote the comment by hand. */
  readonly job: { readonly id: string; readonly head: string } | null;
}

const line = /^<!-- ebb:job ([A-Za-z0-9_-]{1,64}) head=([0-9a-f]{7,64}) -->\r?$/;
const STATUS = "<!-- ebb:status -->";

/** What is known of a comment that {@link sticky} made; null for any other. */
export function readSticky(body: string): Sticky | null {
  const mark = readMark(body);
  if (!mark) return null;
  const [, id, head] = line.exec(body.split("\n", 2)[1] ?? "") ?? [];
  return { mark, job: id === undefined || head === undefined ? null : { id, head } };
}

/** A plan's markdown as the comment that the job which made it leaves. */
export function sticky(markdown: string, { id, url, head }: PlanJob): string {
  const [first, ...rest] = markdown.trimEnd().split("\n");
  const page = pageOf("this job", url);
  const foot = `Planned for commit ${codeSpan(head.slice(0, 12))} by ${page}, which keeps the plan as its artifact.`;
  return [first, `<!-- ebb:job ${id} head=${head} -->`, ...rest, "", foot, ""].join("\n");
}

/** Words that lead to the page of a job; words alone where the address is none. */
export function pageOf(words: string, url: string): string {
  return /^https?:\/\/[\w.:/-]+$/.test(url) ? `[${words}](${url})` : words;
}

/** The same comment with a line that says what became of the plan, in place of an earlier one. */
export function withStatus(body: string, status: string): string {
  const lines = body.split("\n").filter((line) => !line.startsWith(STATUS));
  const hidden = lines.findIndex((line) => !line.startsWith("<!-- ebb:"));
  const at = hidden < 0 ? lines.length : hidden;
  const rest = lines.slice(at);
  const gap = rest[0] === "" ? [] : [""];
  return [...lines.slice(0, at), `${STATUS}${status}`, ...gap, ...rest].join("\n");
}

/** The review of a plan on a forge: what a job tells of it, and which plan was reviewed. @module */
import { ConfigError, ConflictError } from "../core/errors.ts";
import { codeSpan } from "../report/escape.ts";
import { type PlanMark, readMark } from "../report/markdown/mark.ts";
import type { Comment, Forge } from "./forge.ts";
import { pageOf, readSticky, type Sticky, sticky, withStatus } from "./sticky.ts";

/** Labels that say what a reviewer has to look at. Ebb gives and takes these and no others. */
export const labels = {
  deletes: "plan:deletes",
  stopped: "plan:stopped",
  empty: "plan:no-changes",
} as const;

/** Writes the comment of the request, the one it wrote before where there is one, and the labels. */
export async function tellPlan(forge: Forge, request: number, markdown: string, signal: AbortSignal): Promise<void> {
  const mark = readMark(markdown);
  if (!mark)
    throw new ConfigError("USAGE", "the file is no plan's markdown", {
      next: "Make it with `ebb plan --markdown FILE`.",
    });
  const [before] = await ours(forge, request, mark.name, signal);
  await forge.putComment(request, before?.id ?? null, sticky(markdown, forge.job), signal);
  await forge.label(request, labelsOf(mark), signal);
}

/** Marks what was said of plans for earlier commits, because for this one none could be made. */
export async function tellNoPlan(forge: Forge, request: number, signal: AbortSignal): Promise<number> {
  const old = (await ours(forge, request, undefined, signal)).filter(({ at }) => at.job?.id !== forge.job.id);
  const { head, url } = forge.job;
  const status = `**Out of date**: for commit ${codeSpan(head.slice(0, 12))} no plan could be made; ${pageOf("its job", url)} says why.`;
  for (const { id, body } of old) await forge.putComment(request, id, withStatus(body, status), signal);
  await forge.label(request, { add: [], remove: Object.values(labels) }, signal);
  return old.length;
}

/** A plan that was reviewed, and is now to be applied. */
export interface Reviewed {
  readonly request: number;
  readonly mark: PlanMark;
  /** The job that made it. */
  readonly job: string;
}

/**
 * The plan that was reviewed in the request by which this job's commit was merged.
 *
 * @param name of the plan's comment, where a request has several
 * @throws ConflictError REVIEW_MISSING when there is none, or it was made for another commit than the one that was merged
 */
export async function reviewedPlan(forge: Forge, name: string | undefined, signal: AbortSignal): Promise<Reviewed> {
  const request = await forge.merged(signal);
  if (!request) throw missing(`commit ${forge.job.head.slice(0, 12)} was not merged by a request`);
  const all = await ours(forge, request.number, name, signal);
  const [found, other] = all;
  const where = `request ${request.number}`;
  if (!found) throw missing(`${where} has no comment that tells of a plan`);
  if (other)
    throw missing(
      `${where} tells of several plans: ${all.map(({ at }) => at.mark.name).join(", ")}`,
      "Add --name NAME.",
    );
  const { mark, job } = found.at;
  if (!job) throw missing(`the plan of ${where} was made by no job`);
  const made = await forge.jobOf(job.id, signal);
  if (!made) throw missing(`the job that made the plan of ${where} is gone`);
  // Both what the comment says and what the forge itself knows of the job must be of the commit that was merged.
  if (job.head !== request.head || made.head !== request.head)
    throw missing(
      `the plan of ${where} is of commit ${made.head.slice(0, 12)}, and ${request.head.slice(0, 12)} was merged`,
    );
  return { request: request.number, mark, job: job.id };
}

export type Outcome = "applied" | "failed";

/** Says in the comment of the request that was merged what became of its plan. False where there is no such comment. */
export async function tellOutcome(
  forge: Forge,
  outcome: Outcome,
  name: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const request = await forge.merged(signal);
  if (!request) return false;
  const all = await ours(forge, request.number, name, signal);
  const words = {
    applied: `**Applied** by ${pageOf("this job", forge.job.url)}.`,
    failed: `**Not applied, or not whole**: ${pageOf("the job", forge.job.url)} says why, and can be run again.`,
  } as const;
  for (const { id, body } of all) await forge.putComment(request.number, id, withStatus(body, words[outcome]), signal);
  return all.length > 0;
}

/** Plans' comments on a request: those of one name, or all. */
async function ours(
  forge: Forge,
  request: number,
  name: string | undefined,
  signal: AbortSignal,
): Promise<readonly (Comment & { readonly at: Sticky })[]> {
  const all = await forge.comments(request, signal);
  return all.flatMap((comment) => {
    const at = readSticky(comment.body);
    return at && (name === undefined || at.mark.name === name) ? [{ ...comment, at }] : [];
  });
}

function labelsOf({ verdict, deletes }: PlanMark): {
  readonly add: readonly string[];
  readonly remove: readonly string[];
} {
  const wanted: readonly string[] = [
    ...(deletes > 0 ? [labels.deletes] : []),
    ...(verdict === "stopped" || verdict === "incomplete" ? [labels.stopped] : []),
    ...(verdict === "empty" ? [labels.empty] : []),
  ];
  return { add: wanted, remove: Object.values(labels).filter((label) => !wanted.includes(label)) };
}

function missing(why: string, next?: string): ConflictError {
  return new ConflictError("REVIEW_MISSING", why, next === undefined ? {} : { next });
}

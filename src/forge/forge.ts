/** Where code is reviewed, and where Ebb then tells what a plan would change: GitHub and GitLab, behind one interface. @module */
import type { World } from "../engine/world.ts";

/** A pull request; GitLab calls it a merge request. */
export interface Request {
  /** As people count them: `#12`, `!12`. */
  readonly number: number;
  /** Commit that is, or was, proposed. */
  readonly head: string;
}

export interface Comment {
  readonly id: number;
  readonly body: string;
}

/** A job that made a plan. */
export interface PlanJob {
  /** Name of the job or of its run, as the forge finds it again. */
  readonly id: string;
  /** Its page. */
  readonly url: string;
  /** Commit it ran for. */
  readonly head: string;
}

export interface Forge {
  readonly name: "GitHub" | "GitLab";
  /** The request this job was started for; null where it was started for something else. */
  readonly request: Request | null;
  /** This job. */
  readonly job: PlanJob;
  /** File to which the job's own summary is appended, where the forge has such a thing. */
  readonly summaryFile: string | null;
  /** The request this job's commit was merged by; null for a commit that came without one. */
  merged(signal: AbortSignal): Promise<Request | null>;
  /** Comments on a request by whoever this job writes as, oldest first. */
  comments(request: number, signal: AbortSignal): Promise<readonly Comment[]>;
  /** Writes a new comment, or with `id` another text into one. */
  putComment(request: number, id: number | null, body: string, signal: AbortSignal): Promise<void>;
  /** Adds and removes labels; one that is there already, or is not, is no error. */
  label(request: number, change: LabelChange, signal: AbortSignal): Promise<void>;
  /** A job that ended, as the forge has it; null where there is none. */
  jobOf(id: string, signal: AbortSignal): Promise<PlanJob | null>;
  /** Writes the plan that a job left to a file. */
  download(id: string, file: string, signal: AbortSignal): Promise<void>;
}

export interface LabelChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** What a forge needs of the world, and the environment of its job. */
export type ForgeWorld = Pick<World, "env" | "disk" | "dispatcher" | "now" | "after" | "sleep">;

/** Name of the plan file that a job leaves, and of the artifact it is in. */
export const PLAN_FILE = "plan.ebb";
export const PLAN_ARTIFACT = "ebb-plan";

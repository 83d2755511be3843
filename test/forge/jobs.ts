/** The environment of a job, and what a plan's markdown looks like to `ebb ci`. @module */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeGitHub, jobPermissions, repository } from "./github.ts";
import { type FakeGitLab, project } from "./gitlab.ts";

export type Env = Readonly<Record<string, string>>;

/** A token as each forge makes them; it must never be printed. */
export const token = "ghs_canary0123456789abcdefghijklmnopqrst";

export const commits = {
  proposed: "a".repeat(40),
  earlier: "b".repeat(40),
  merged: "c".repeat(40),
  pushed: "d".repeat(40),
} as const;

/** What `ebb plan --markdown` begins with, and a line more. */
export function markdownOf(name: string, { digest = "1".repeat(64), verdict = "ready", deletes = 0 } = {}): string {
  return `<!-- ebb:plan ${name} digest=${digest} verdict=${verdict} deletes=${deletes} -->\n\n## Plan of ${name}\n`;
}

/** The same as the job `job` wrote it for a commit. */
export function commentOf(name: string, job: number, head: string, digest?: string): string {
  const [mark, ...rest] = markdownOf(name, digest === undefined ? {} : { digest }).split("\n");
  return [mark, `<!-- ebb:job ${job} head=${head} -->`, ...rest].join("\n");
}

export function grantGitHub(forge: FakeGitHub, permissions: readonly string[] = jobPermissions): void {
  forge.tokens.set(token, { login: "github-actions[bot]", permissions });
}

/** A job for request 7, or with `request: null` one for what was pushed to main. */
export function githubJob(forge: FakeGitHub, directory: string, given: GitHubJob = {}): Env {
  const { run = 501, request = 7, head = commits.proposed, sha = commits.merged } = given;
  const event = join(directory, `event-${run}-${request}.json`);
  const pull = { pull_request: { number: request, head: { sha: head, repo: { full_name: repository } } } };
  writeFileSync(event, JSON.stringify(request === null ? { ref: "refs/heads/main" } : pull));
  return {
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_API_URL: forge.api.url,
    GITHUB_GRAPHQL_URL: `${forge.api.url}/graphql`,
    GITHUB_SERVER_URL: "https://github.com",
    GITHUB_REPOSITORY: repository,
    GITHUB_RUN_ID: String(run),
    GITHUB_SHA: sha,
    GITHUB_REF_NAME: request === null ? "main" : `${request}/merge`,
    GITHUB_EVENT_PATH: event,
    GITHUB_TOKEN: token,
  };
}

interface GitHubJob {
  readonly run?: number;
  readonly request?: number | null;
  readonly head?: string;
  readonly sha?: string;
}

export function grantGitLab(forge: FakeGitLab, scopes: readonly string[] = ["api"]): void {
  forge.tokens.set(token, { username: "project_42_bot", scopes });
}

/** A job for merge request 7, or with `request: null` one for what was pushed to main. */
export function gitlabJob(forge: FakeGitLab, given: GitLabJob = {}): Env {
  const { job = 501, request = 7, sha = request === null ? commits.merged : commits.proposed, source = "" } = given;
  const of = { CI_MERGE_REQUEST_IID: String(request), CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: source };
  return {
    CI: "true",
    GITLAB_CI: "true",
    CI_API_V4_URL: `${forge.api.url}/api/v4`,
    CI_PROJECT_ID: project,
    CI_JOB_ID: String(job),
    CI_JOB_URL: `https://gitlab.com/acme/crm/-/jobs/${job}`,
    CI_COMMIT_SHA: sha,
    EBB_GITLAB_TOKEN: token,
    ...(request === null ? { CI_COMMIT_BRANCH: "main" } : of),
  };
}

interface GitLabJob {
  readonly job?: number;
  readonly request?: number | null;
  readonly sha?: string;
  /** Head of the source branch, in a pipeline of a merged result. */
  readonly source?: string;
}

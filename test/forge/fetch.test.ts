import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Ended, ebb, scratch } from "../cli/run.ts";
import { FakeGitHub, repository } from "./github.ts";
import { FakeGitLab } from "./gitlab.ts";
import { commentOf, commits, type Env, githubJob, gitlabJob, grantGitHub, grantGitLab, token } from "./jobs.ts";

const folder = scratch();
const cwd = folder.directory;
const out = join(cwd, "plan.ebb");
const digest = "4".repeat(64);
const plan = Buffer.from("the sealed plan, and enough of it that half of it is not the whole".repeat(200));
const github = new FakeGitHub();
const gitlab = new FakeGitLab();

async function fetchPlan(env: Env, ...more: readonly string[]): Promise<Ended> {
  const ended = await ebb(["ci", "fetch", "--out", "plan.ebb", ...more], { cwd, env });
  expect(ended.out + ended.err).not.toContain(token);
  return ended;
}

beforeAll(async () => {
  await Promise.all([github.listen(), gitlab.listen()]);
});
afterAll(async () => {
  await Promise.all([github.close(), gitlab.close()]);
  folder.clear();
});

/** Request 7 was planned by run, or job, 501, reviewed, and merged. */
beforeEach(async () => {
  for (const list of [github.pulls, github.comments, github.runs, github.artifacts]) list.length = 0;
  for (const list of [gitlab.requests, gitlab.notes, gitlab.jobs]) list.length = 0;
  gitlab.artifacts.clear();
  grantGitHub(github);
  grantGitLab(gitlab);
  github.pulls.push({ number: 7, head: commits.proposed, base: "main", merged: commits.merged });
  github.runs.push({ id: 501, head: commits.proposed, event: "pull_request", repository });
  github.comment(7, commentOf("crm", 501, commits.proposed, digest));
  await github.upload(501, "ebb-plan", { "other.txt": Buffer.from("x"), "plan.ebb": plan });
  gitlab.requests.push({ iid: 7, head: commits.proposed, target: "main", merged: commits.merged, labels: [] });
  gitlab.jobs.push({ id: 501, ref: "refs/merge-requests/7/head", commit: commits.proposed });
  gitlab.note(7, commentOf("crm", 501, commits.proposed, digest), "project_42_bot");
  gitlab.artifacts.set(501, { "plan.ebb": plan });
  rmSync(out, { force: true });
  for (const { calls } of [github.api, github.storage, gitlab.api]) calls.length = 0;
});

const pushed = (sha: string = commits.merged) => githubJob(github, cwd, { run: 600, request: null, sha });
const pushedToGitLab = (sha: string = commits.merged) => gitlabJob(gitlab, { job: 600, request: null, sha });

describe("ebb ci fetch", { timeout: 120_000 }, () => {
  it("writes the plan that was reviewed on GitHub, and prints its digest alone", async () => {
    expect(await fetchPlan(pushed())).toEqual({
      code: 0,
      out: `${digest}\n`,
      err: "plan.ebb is the plan that was reviewed in request 7.\n",
    });
    expect(readFileSync(out)).toEqual(plan);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    // Where the bytes are, nobody is told the token.
    expect(github.storage.calls.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      [expect.stringMatching(/^\/blob\/\d+$/), undefined],
    ]);
    expect(JSON.stringify(github.storage.calls.map(({ headers }) => headers))).not.toContain(token);
    expect(github.api.taken().filter((call) => !call.startsWith("GET "))).toEqual(["POST /graphql"]);
    const json = await fetchPlan(pushed(), "--json", "--name", "crm");
    expect(JSON.parse(json.out)).toEqual({ request: 7, digest, verdict: "ready", file: "plan.ebb" });
  });

  it("writes the plan that was reviewed on GitLab, of a merged result and of a merge train as well", async () => {
    expect(await fetchPlan(pushedToGitLab())).toMatchObject({ code: 0, out: `${digest}\n` });
    expect(readFileSync(out)).toEqual(plan);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(gitlab.api.taken().every((call) => call.startsWith("GET "))).toBe(true);
    gitlab.parents.set(commits.pushed, [commits.earlier, commits.proposed]);
    for (const kind of ["merge", "train"]) {
      gitlab.jobs.splice(0, 1, { id: 501, ref: `refs/merge-requests/7/${kind}`, commit: commits.pushed });
      expect(await fetchPlan(pushedToGitLab())).toMatchObject({ code: 0, out: `${digest}\n` });
    }
  });

  it("asks again for what failed in passing, and never keeps half a plan", async () => {
    github.api.failOnce(/\/pulls$/, { status: 502, bytes: Buffer.from("<html>") });
    github.storage.failOnce(/blob/, { status: 503 });
    github.storage.failOnce(/blob/, { status: 200, bytes: plan, cut: true });
    expect((await fetchPlan(pushed())).code).toBe(0);
    expect(readFileSync(out)).toEqual(plan);
    expect(github.storage.taken()).toHaveLength(3);
    rmSync(out);
    for (let i = 0; i < 4; i++) gitlab.api.failOnce(/artifacts/, { status: 200, bytes: plan, cut: true });
    const broken = await fetchPlan(pushedToGitLab());
    expect(broken).toMatchObject({ code: 1, out: "" });
    expect(broken.err).toMatch(/^Error NETWORK: GitLab: the reviewed plan did not come whole\n/);
    expect(readdirSync(cwd).filter((name) => !name.startsWith("event-"))).toEqual([]);
  });

  it("takes the comment whose plan is named, where a request has several", async () => {
    github.comment(7, commentOf("billing", 501, commits.proposed, "5".repeat(64)));
    const { code, err } = await fetchPlan(pushed());
    expect(code).toBe(4);
    expect(err).toMatch(
      /^Error REVIEW_MISSING: request 7 tells of several plans: crm, billing\n {2}Next: Add --name NAME\./,
    );
    expect((await fetchPlan(pushed(), "--name", "billing")).out).toBe(`${"5".repeat(64)}\n`);
  });

  it("says which permission is missing", async () => {
    grantGitHub(github, ["contents:read", "pull-requests:read", "pull-requests:write"]);
    const { code, err } = await fetchPlan(pushed());
    expect(code).toBe(1);
    expect(err).toMatch(/^Error FORGE_REFUSED: GitHub refuses this job \(403\)\n {2}Next: .*actions: read/);
  });
});

interface Refusal {
  /** What is as it should not be. */
  readonly when: string;
  readonly says: string;
  change(): unknown;
  readonly sha?: string;
}

const change = <T extends object>(one: T | undefined, to: Partial<T>) => Object.assign(one ?? {}, to);

const onGitHub: readonly Refusal[] = [
  {
    when: "the commit came without a request",
    says: "commit dddddddddddd was not merged by a request",
    sha: commits.pushed,
    change: () => undefined,
  },
  {
    when: "the request was merged into another branch",
    says: "was not merged by a request",
    change: () => change(github.pulls[0], { base: "develop" }),
  },
  {
    when: "the request is still open",
    says: "was not merged by a request",
    sha: commits.proposed,
    change: () => change(github.pulls[0], { merged: null }),
  },
  {
    when: "there is no comment",
    says: "request 7 has no comment that tells of a plan",
    change: () => github.comments.splice(0),
  },
  {
    when: "a person imitates the comment",
    says: "request 7 has no comment that tells of a plan",
    change: () => github.comments.splice(0, 1, { ...first(), user: { login: "mallory", type: "User" } }),
  },
  {
    when: "another bot repeats what a person wrote",
    says: "request 7 has no comment that tells of a plan",
    change: () => github.comments.splice(0, 1, { ...first(), user: { login: "parrot[bot]", type: "Bot" } }),
  },
  {
    when: "the plan was made by no job",
    says: "the plan of request 7 was made by no job",
    change: () => change(github.comments[0], { body: first().body.replace(/<!-- ebb:job.*\n/, "") }),
  },
  {
    when: "the plan is of an earlier commit",
    says: "the plan of request 7 is of commit bbbbbbbbbbbb, and aaaaaaaaaaaa was merged",
    change: () => {
      github.comments.splice(0);
      github.comment(7, commentOf("crm", 501, commits.earlier, digest));
      change(github.runs[0], { head: commits.earlier });
    },
  },
  {
    when: "the comment claims the commit, and the run is of another",
    says: "the plan of request 7 is of commit bbbbbbbbbbbb",
    change: () => change(github.runs[0], { head: commits.earlier }),
  },
  {
    when: "the run was for a fork",
    says: "the job that made the plan of request 7 is gone",
    change: () => change(github.runs[0], { repository: "mallory/crm" }),
  },
  {
    when: "the run was started by something else",
    says: "the job that made the plan of request 7 is gone",
    change: () => change(github.runs[0], { event: "workflow_dispatch" }),
  },
  {
    when: "the run was deleted",
    says: "the job that made the plan of request 7 is gone",
    change: () => github.runs.splice(0),
  },
  {
    when: "the artifact expired",
    says: "run 501 has no artifact ebb-plan any more",
    change: () => change(github.artifacts[0], { expired: true }),
  },
  {
    when: "the artifact expires as it is fetched",
    says: "GitHub does not keep the reviewed plan any more",
    change: () => github.api.failOnce(/\/zip$/, { status: 410 }),
  },
  {
    when: "the artifact holds no plan",
    says: "the artifact of the review holds no plan.ebb",
    change: () => github.upload(501, "ebb-plan", { "plan.md": plan }),
  },
  {
    when: "the artifact is cut off",
    says: "the artifact of the review holds no plan.ebb",
    change: () => change(github.artifacts[0], { zip: zip().subarray(0, -30) }),
  },
  {
    when: "the artifact's bytes were altered",
    says: "the artifact of the review holds no plan.ebb",
    change: () => {
      const bytes = Buffer.from(zip());
      bytes.fill(0xff, 90, 140);
      change(github.artifacts[0], { zip: bytes });
    },
  },
];

const onGitLab: readonly Refusal[] = [
  {
    when: "the commit came without a request",
    says: "commit dddddddddddd was not merged by a request",
    sha: commits.pushed,
    change: () => undefined,
  },
  {
    when: "the request was merged into another branch",
    says: "was not merged by a request",
    change: () => change(gitlab.requests[0], { target: "develop" }),
  },
  {
    when: "a person imitates the note",
    says: "request 7 has no comment that tells of a plan",
    change: () => change(gitlab.notes[0], { username: "mallory" }),
  },
  {
    when: "the plan is of an earlier commit",
    says: "the plan of request 7 is of commit bbbbbbbbbbbb, and aaaaaaaaaaaa was merged",
    change: () => change(gitlab.jobs[0], { commit: commits.earlier }),
  },
  {
    when: "the merged result is of an earlier commit",
    says: "the plan of request 7 is of commit bbbbbbbbbbbb",
    change: () => {
      gitlab.parents.set(commits.pushed, [commits.proposed, commits.earlier]);
      change(gitlab.jobs[0], { ref: "refs/merge-requests/7/merge", commit: commits.pushed });
    },
  },
  {
    when: "the job was started for a branch",
    says: "the job that made the plan of request 7 is gone",
    change: () => change(gitlab.jobs[0], { ref: "feature" }),
  },
  {
    when: "the artifact is gone",
    says: "GitLab does not keep the reviewed plan any more",
    change: () => gitlab.artifacts.clear(),
  },
];

const first = () => github.comments[0] ?? github.comment(7, "");
const zip = () => github.artifacts[0]?.zip ?? Buffer.alloc(0);

describe.each([
  ["GitHub", onGitHub, pushed],
  ["GitLab", onGitLab, pushedToGitLab],
] as const)("ebb ci fetch refuses, on %s", { timeout: 60_000 }, (_, refusals, job) => {
  it.each(refusals.map((one) => [one.when, one] as const))("when %s", async (_, { says, sha, change }) => {
    await change();
    const { code, out: printed, err } = await fetchPlan(job(sha));
    expect(err).toContain(`Error REVIEW_MISSING: `);
    expect(err).toContain(says);
    expect({ code, printed }).toEqual({ code: 4, printed: "" });
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(cwd).filter((name) => !name.startsWith("event-"))).toEqual([]);
  });
});

import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Ended, ebb, project, scratch } from "../cli/run.ts";
import { FakeGitHub } from "./github.ts";
import { FakeGitLab } from "./gitlab.ts";
import {
  commentOf,
  commits,
  type Env,
  githubJob,
  gitlabJob,
  grantGitHub,
  grantGitLab,
  markdownOf,
  token,
} from "./jobs.ts";

const folder = scratch();
const cwd = folder.directory;
const file = (name: string) => join(cwd, name);
const github = new FakeGitHub();
const gitlab = new FakeGitLab();

async function ci(args: readonly string[], env: Env): Promise<Ended> {
  const ended = await ebb(["ci", ...args], { cwd, env });
  expect(ended.out + ended.err).not.toContain(token);
  return ended;
}

beforeAll(async () => {
  await Promise.all([github.listen(), gitlab.listen()]);
  writeFileSync(file("plan.md"), markdownOf("crm"));
  writeFileSync(file("deletes.md"), markdownOf("crm", { digest: "2".repeat(64), deletes: 3, verdict: "stopped" }));
  writeFileSync(file("empty.md"), markdownOf("crm", { digest: "3".repeat(64), verdict: "empty" }));
});
afterAll(async () => {
  await Promise.all([github.close(), gitlab.close()]);
  folder.clear();
});

beforeEach(() => {
  for (const list of [github.pulls, github.comments, github.runs, gitlab.requests, gitlab.notes, gitlab.jobs])
    list.length = 0;
  github.labels.clear();
  grantGitHub(github);
  grantGitLab(gitlab);
  github.pulls.push({ number: 7, head: commits.proposed, base: "main", merged: null });
  gitlab.requests.push({ iid: 7, head: commits.proposed, target: "main", merged: null, labels: ["bug"] });
  github.api.taken();
  gitlab.api.taken();
});

describe("ebb ci comment on GitHub", { timeout: 120_000 }, () => {
  it("writes one comment, and writes it anew for the next commit; labels come and go", async () => {
    github.labels.set(7, ["bug", "plan:no-changes"]);
    const summary = file("summary.md");
    writeFileSync(summary, "before\n");
    const first = await ci(["comment", "plan.md"], { ...githubJob(github, cwd), GITHUB_STEP_SUMMARY: summary });
    expect(first).toEqual({ code: 0, out: "", err: "The plan is told in the comment of request 7.\n" });
    expect(readFileSync(summary, "utf8")).toBe(`before\n${markdownOf("crm")}`);
    expect(github.comments.map(({ issue, body }) => ({ issue, body }))).toEqual([
      {
        issue: 7,
        body: `<!-- ebb:plan crm digest=${"1".repeat(64)} verdict=ready deletes=0 -->
<!-- ebb:job 501 head=${commits.proposed} -->

## Plan of crm

Planned for commit \`${"a".repeat(12)}\` by [this job](https://github.com/acme/crm/actions/runs/501), which keeps the plan as its artifact.
`,
      },
    ]);
    expect(github.labels.get(7)).toEqual(["bug"]);

    const next = githubJob(github, cwd, { run: 502, head: commits.earlier });
    const second = await ci(["comment", "deletes.md", "--json"], next);
    expect(second).toMatchObject({ code: 0, out: '{"request":7}\n' });
    expect(github.comments).toHaveLength(1);
    expect(github.comments[0]?.body).toContain(`<!-- ebb:job 502 head=${commits.earlier} -->`);
    expect(github.labels.get(7)).toEqual(["bug", "plan:deletes", "plan:stopped"]);

    expect((await ci(["comment", "empty.md"], next)).code).toBe(0);
    expect(github.labels.get(7)).toEqual(["bug", "plan:no-changes"]);
    expect(github.comments).toHaveLength(1);
  });

  it("finds its comment among 250, and leaves those of others and of other plans alone", async () => {
    for (let i = 0; i < 240; i++) github.comment(7, `talk ${i}`, "ada");
    const foreign = [
      github.comment(7, commentOf("crm", 9, commits.proposed), "mallory"),
      github.comment(7, commentOf("crm", 9, commits.proposed), "dependabot[bot]"),
      github.comment(7, commentOf("billing", 9, commits.proposed)),
      github.comment(7, `Look: ${commentOf("crm", 9, commits.proposed)}`),
    ];
    const before = structuredClone(foreign);
    const own = github.comment(7, commentOf("crm", 9, commits.earlier));
    expect((await ci(["comment", "plan.md"], githubJob(github, cwd))).code).toBe(0);
    expect(foreign).toEqual(before);
    expect(own.body).toContain("<!-- ebb:job 501 ");
    expect(github.comments).toHaveLength(245);
    expect(github.api.taken().filter((call) => call === "GET /repos/acme/crm/issues/7/comments")).toHaveLength(3);
  });

  it("marks the comment out of date where no plan could be made, once", async () => {
    const own = github.comment(7, commentOf("crm", 400, commits.earlier));
    github.labels.set(7, ["bug", "plan:deletes"]);
    for (const run of [501, 502]) {
      const { code, err } = await ci(["comment", "gone.md"], githubJob(github, cwd, { run }));
      expect({ code, err }).toEqual({ code: 0, err: "There is no gone.md: 1 comments are marked out of date.\n" });
    }
    const lines = own.body.split("\n");
    expect(lines.filter((line) => line.includes("Out of date"))).toEqual([
      `<!-- ebb:status -->**Out of date**: for commit \`${"a".repeat(12)}\` no plan could be made; [its job](https://github.com/acme/crm/actions/runs/502) says why.`,
    ]);
    expect(lines[1]).toBe(`<!-- ebb:job 400 head=${commits.earlier} -->`);
    expect(github.labels.get(7)).toEqual(["bug"]);
    expect((await ci(["comment", "plan.md"], githubJob(github, cwd))).code).toBe(0);
    expect(own.body).not.toContain("Out of date");
  });

  it("says which permission is missing, and writes nothing", async () => {
    grantGitHub(github, ["contents:read", "actions:read", "pull-requests:read"]);
    const { code, out, err } = await ci(["comment", "plan.md"], githubJob(github, cwd));
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^Error FORGE_REFUSED: GitHub refuses this job \(403\)\n {2}Next: .*pull-requests: write\.\n/);
    expect(github.comments).toEqual([]);
    expect(github.labels.size).toBe(0);
    github.tokens.clear();
    expect((await ci(["comment", "plan.md"], githubJob(github, cwd))).err).toContain(
      "Error FORGE_REFUSED: GitHub refuses this job (401)",
    );
  });

  it("is refused outside of CI, without a token, without a request, and for a file that is no plan's", async () => {
    const { GITHUB_TOKEN: _, ...tokenless } = githubJob(github, cwd);
    writeFileSync(file("notes.md"), "# Notes\n");
    const pushed = githubJob(github, cwd, { request: null });
    const cases: readonly [args: readonly string[], env: Env, says: string][] = [
      [["comment", "plan.md"], {}, "FORGE_UNKNOWN: this is no job of GitHub Actions or GitLab CI"],
      [["fetch", "--out", "p.ebb"], {}, "FORGE_UNKNOWN"],
      [["comment", "plan.md"], tokenless, "SECRET_MISSING: GITHUB_TOKEN is not set"],
      [["comment", "plan.md"], pushed, "FORGE_UNKNOWN: this job of GitHub was not started for a request"],
      [["comment", "notes.md"], githubJob(github, cwd), "USAGE: the file is no plan's markdown"],
      [["comment", "."], githubJob(github, cwd), "FILE_MISSING: . cannot be read"],
    ];
    for (const [args, env, says] of cases) {
      const { code, out, err } = await ci(args, env);
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toContain(`Error ${says}`);
    }
    expect(github.api.taken()).toEqual([]);
  });

  it("reads again what failed in passing, and waits when too many calls were made", async () => {
    const html = { status: 502, headers: { "content-type": "text/html" }, bytes: Buffer.from("<h1>Bad Gateway</h1>") };
    github.api.failOnce(/^GET .*\/comments$/, html);
    const limited = { message: "You have exceeded a secondary rate limit." };
    github.api.failOnce(/^GET .*\/labels$/, { status: 403, headers: { "retry-after": "1" }, json: limited });
    github.api.failOnce(/graphql$/, { status: 500 });
    expect((await ci(["comment", "plan.md"], githubJob(github, cwd))).code).toBe(0);
    expect(github.comments).toHaveLength(1);
    // A write is not sent again: nobody knows whether it was done.
    github.api.failOnce(/^PATCH /, html);
    const { code, err } = await ci(["comment", "plan.md"], githubJob(github, cwd));
    expect(code).toBe(1);
    expect(err).toContain("Error UNAVAILABLE: GitHub: answered 502 at PATCH");
    expect(github.comments).toHaveLength(1);
  });
});

describe("ebb ci comment on GitLab", { timeout: 120_000 }, () => {
  it("writes one note, and writes it anew; labels come and go", async () => {
    for (let i = 0; i < 120; i++) gitlab.note(7, `talk ${i}`, "ada");
    gitlab.note(7, commentOf("crm", 9, commits.proposed), "mallory");
    gitlab.note(7, commentOf("crm", 9, commits.proposed), "project_42_bot", true);
    const others = structuredClone(gitlab.notes);
    expect(await ci(["comment", "deletes.md"], gitlabJob(gitlab))).toMatchObject({ code: 0, out: "" });
    expect(gitlab.requests[0]?.labels).toEqual(["bug", "plan:deletes", "plan:stopped"]);
    // A pipeline of a merged result: what is told is the commit that was proposed, not the pipeline's own.
    const merged = gitlabJob(gitlab, { job: 502, sha: commits.pushed, source: commits.proposed });
    expect((await ci(["comment", "plan.md"], merged)).code).toBe(0);
    expect(gitlab.requests[0]?.labels).toEqual(["bug"]);
    expect(gitlab.notes.slice(0, -1)).toEqual(others);
    expect(gitlab.notes.at(-1)?.body).toContain(`<!-- ebb:job 502 head=${commits.proposed} -->`);
    expect(gitlab.notes.at(-1)?.body).toContain("by [this job](https://gitlab.com/acme/crm/-/jobs/502),");
    expect((await ci(["comment", "gone.md"], gitlabJob(gitlab, { job: 503 }))).code).toBe(0);
    expect(gitlab.notes.at(-1)?.body).toContain("**Out of date**");
    expect(gitlab.notes).toHaveLength(others.length + 1);
  });

  it("says which token is needed", async () => {
    const { EBB_GITLAB_TOKEN: _, ...tokenless } = gitlabJob(gitlab);
    const none = await ci(["comment", "plan.md"], tokenless);
    expect(none).toMatchObject({ code: 1, out: "" });
    expect(none.err).toMatch(/^Error SECRET_MISSING: EBB_GITLAB_TOKEN is not set\n {2}Next: .*scope api.*Developer/);
    grantGitLab(gitlab, ["read_api"]);
    const weak = await ci(["comment", "plan.md"], gitlabJob(gitlab));
    expect(weak).toMatchObject({ code: 1, out: "" });
    expect(weak.err).toMatch(/^Error FORGE_REFUSED: GitLab refuses this job \(403\)\n {2}Next: .*scope api/);
    expect(gitlab.notes).toEqual([]);
    expect(gitlab.requests[0]?.labels).toEqual(["bug"]);
  });

  it("tells of no address that is none", async () => {
    const hostile = "https://x.example/) ![](https://evil.example/pixel) <img src=x>\n<!-- ebb:status -->@acme/all";
    const env = { ...gitlabJob(gitlab), CI_JOB_URL: hostile };
    expect((await ci(["comment", "plan.md"], env)).code).toBe(0);
    expect((await ci(["comment", "gone.md"], { ...env, CI_JOB_ID: "502" })).code).toBe(0);
    expect(gitlab.notes[0]?.body).toContain("Out of date");
    expect(gitlab.notes[0]?.body).not.toMatch(/evil|img|@acme/);
  });
});

describe("ebb ci outcome", { timeout: 120_000 }, () => {
  it("says in the comment what became of the plan, the last word only", async () => {
    Object.assign(github.pulls[0] ?? {}, { merged: commits.merged });
    const own = github.comment(7, commentOf("crm", 400, commits.proposed));
    const other = github.comment(7, commentOf("crm", 400, commits.proposed), "mallory");
    const before = other.body;
    const env = githubJob(github, cwd, { run: 600, request: null });
    expect((await ci(["outcome", "--is", "failed"], env)).code).toBe(0);
    expect(own.body).toContain(
      "**Not applied, or not whole**: [the job](https://github.com/acme/crm/actions/runs/600)",
    );
    expect(await ci(["outcome", "--is", "applied", "--json"], env)).toMatchObject({ code: 0, out: '{"told":true}\n' });
    expect(own.body.split("\n").filter((line) => line.startsWith("<!-- ebb:status"))).toEqual([
      "<!-- ebb:status -->**Applied** by [this job](https://github.com/acme/crm/actions/runs/600).",
    ]);
    expect(other.body).toBe(before);
    const pushed = githubJob(github, cwd, { request: null, sha: commits.pushed });
    expect((await ci(["outcome", "--is", "applied", "--json"], pushed)).out).toBe('{"told":false}\n');

    Object.assign(gitlab.requests[0] ?? {}, { merged: commits.merged });
    const note = gitlab.note(7, commentOf("crm", 400, commits.proposed), "project_42_bot");
    expect((await ci(["outcome", "--is", "applied"], gitlabJob(gitlab, { job: 600, request: null }))).code).toBe(0);
    expect(note.body).toContain("**Applied** by [this job](https://gitlab.com/acme/crm/-/jobs/600).");
  });
});

describe("ebb plan --markdown", { timeout: 120_000 }, () => {
  it("is what `ebb show` makes of the saved plan, and nobody else reads it", async () => {
    const directory = file("project");
    await project(directory);
    const run = (...args: string[]) => ebb(args, { cwd: directory });
    expect((await run("plan", "--out", "plan.ebb", "--markdown", "plan.md")).code).toBe(0);
    const markdown = readFileSync(join(directory, "plan.md"), "utf8");
    expect(statSync(join(directory, "plan.md")).mode & 0o777).toBe(0o600);
    const shown = await run("show", "plan.ebb", "--format", "markdown");
    expect(markdown.trimEnd()).toBe(shown.out.trimEnd());
    const { digest } = JSON.parse((await run("show", "plan.ebb", "--json")).out);
    expect(markdown).toMatch(new RegExp(`^<!-- ebb:plan \\S+ digest=${digest} verdict=ready deletes=0 -->\\n`));
    const refused = await run("plan", "--markdown", "nowhere/plan.md");
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toContain("Error STATE_UNWRITABLE");
    expect(existsSync(join(directory, "nowhere"))).toBe(false);
  });
});

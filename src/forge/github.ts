/** GitHub Actions and the REST API. Environment: docs.github.com/actions/reference, "Variables". @module */
import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError, ConflictError } from "../core/errors.ts";
import { isObject } from "../core/is-object.ts";
import { forgeClient } from "./client.ts";
import { type Comment, type Forge, type ForgeWorld, PLAN_ARTIFACT, PLAN_FILE, type Request } from "./forge.ts";
import { extract } from "./zip.ts";

const RIGHTS = "Give the job `permissions:` with contents: read, actions: read and pull-requests: write.";

interface Pull {
  readonly number: number;
  readonly merged_at: string | null;
  readonly merge_commit_sha: string | null;
  readonly base: { readonly ref: string };
  readonly head: { readonly sha: string };
}

interface IssueComment {
  readonly id: number;
  readonly body?: string;
  readonly user: { readonly login: string } | null;
}

interface WorkflowRun {
  readonly id: number;
  readonly html_url: string;
  readonly head_sha: string;
  readonly event: string;
  readonly head_repository: { readonly full_name: string } | null;
}

export async function openGitHub(world: ForgeWorld): Promise<Forge> {
  const { env } = world;
  const repository = env.GITHUB_REPOSITORY ?? "";
  const token = env.GITHUB_TOKEN ?? "";
  if (token === "")
    throw new ConfigError("SECRET_MISSING", "GITHUB_TOKEN is not set", {
      next: "Give the step an `env:` with GITHUB_TOKEN: github.token, as an expression.",
    });
  const api = forgeClient(world, {
    name: "GitHub",
    baseUrl: env.GITHUB_API_URL ?? "https://api.github.com",
    headers: {
      authorization: `Bearer ${token}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
      "user-agent": "ebb",
    },
    rights: RIGHTS,
  });
  const repo = `/repos/${repository}`;
  const run = env.GITHUB_RUN_ID ?? "";
  /** Who this job writes as. REST refuses `GET /user` to the token of a job, github-actions[bot]; GraphQL tells any token. */
  const viewer = async (signal: AbortSignal): Promise<string> => {
    const path = env.GITHUB_GRAPHQL_URL ?? "https://api.github.com/graphql";
    const json = { query: "{ viewer { login } }" };
    const answer = await api.call({ method: "POST", path, json, repeatable: true }, signal);
    return answer.json<{ readonly data: { readonly viewer: { readonly login: string } } }>().data.viewer.login;
  };
  const event = await eventOf(world);
  const head = event?.head ?? env.GITHUB_SHA ?? "";
  return {
    name: "GitHub",
    request: event,
    job: { id: run, url: `${env.GITHUB_SERVER_URL ?? "https://github.com"}/${repository}/actions/runs/${run}`, head },
    summaryFile: env.GITHUB_STEP_SUMMARY ?? null,
    async merged(signal) {
      const sha = env.GITHUB_SHA ?? "";
      const pulls = (await api.find<readonly Pull[]>(`${repo}/commits/${sha}/pulls`, signal)) ?? [];
      // One that was merged into another branch was reviewed by that branch's rules.
      const merged = pulls.filter(({ merged_at, base }) => merged_at !== null && base.ref === env.GITHUB_REF_NAME);
      // A commit that came with a rebase is in the list of its request, but is not the one it ended with.
      const one = merged.find(({ merge_commit_sha }) => merge_commit_sha === sha) ?? merged[0];
      return one ? { number: one.number, head: one.head.sha } : null;
    },
    async comments(request, signal) {
      const all = await api.all<IssueComment>(`${repo}/issues/${request}/comments`, signal);
      const own = await viewer(signal);
      // GraphQL may leave out what REST adds to the name of an app.
      return all
        .filter(({ user }) => user?.login === own || user?.login === `${own}[bot]`)
        .map(({ id, body = "" }): Comment => ({ id, body }));
    },
    async putComment(request, id, body, signal) {
      const address = id === null ? `${repo}/issues/${request}/comments` : `${repo}/issues/comments/${id}`;
      await api.call({ method: id === null ? "POST" : "PATCH", path: address, json: { body } }, signal);
    },
    async label(request, { add, remove }, signal) {
      const path = `${repo}/issues/${request}/labels`;
      const there = new Set((await api.all<{ readonly name: string }>(path, signal)).map(({ name }) => name));
      for (const name of remove.filter((one) => there.has(one)))
        await api.call({ method: "DELETE", path: `${path}/${encodeURIComponent(name)}` }, signal);
      const missing = add.filter((name) => !there.has(name));
      if (missing.length > 0) await api.call({ method: "POST", path, json: { labels: missing } }, signal);
    },
    async jobOf(id, signal) {
      const found = await api.find<WorkflowRun>(`${repo}/actions/runs/${encodeURIComponent(id)}`, signal);
      // A run for a fork holds what the fork likes.
      if (found?.event !== "pull_request" || found.head_repository?.full_name !== repository) return null;
      return { id: String(found.id), url: found.html_url, head: found.head_sha };
    },
    async download(id, file, signal) {
      const path = `${repo}/actions/runs/${encodeURIComponent(id)}/artifacts?name=${PLAN_ARTIFACT}`;
      const listed = await api.find<{ readonly artifacts: readonly { id: number; expired: boolean }[] }>(path, signal);
      const artifact = listed?.artifacts.find(({ expired }) => !expired);
      if (!artifact) throw new ConflictError("REVIEW_MISSING", `run ${id} has no artifact ${PLAN_ARTIFACT} any more`);
      const aside = await mkdtemp(join(dirname(file), ".ebb-fetch-"));
      try {
        const archive = join(aside, "artifact.zip");
        await api.save(`${repo}/actions/artifacts/${artifact.id}/zip`, archive, signal);
        await extract(archive, PLAN_FILE, file);
      } finally {
        await rm(aside, { recursive: true, force: true });
      }
    },
  };
}

/** The pull request that a `pull_request` event tells of. */
async function eventOf({ env, disk }: ForgeWorld): Promise<Request | null> {
  const path = env.GITHUB_EVENT_PATH;
  const text = path === undefined ? null : await disk.read(path);
  const event: unknown = text === null || text === undefined ? null : JSON.parse(text);
  const pull = isObject(event) ? event.pull_request : undefined;
  if (!isObject(pull) || typeof pull.number !== "number" || !isObject(pull.head)) return null;
  return { number: pull.number, head: String(pull.head.sha) };
}

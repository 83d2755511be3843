/** GitLab CI and the REST API. Environment: docs.gitlab.com/ci/variables/predefined_variables. @module */
import { ConfigError } from "../core/errors.ts";
import { forgeClient } from "./client.ts";
import { type Comment, type Forge, type ForgeWorld, PLAN_FILE } from "./forge.ts";

const RIGHTS = "Set EBB_GITLAB_TOKEN to a project access token with the scope api and the role Developer.";

interface MergeRequest {
  readonly iid: number;
  readonly state: string;
  readonly sha: string;
  readonly target_branch: string;
}

interface Note {
  readonly id: number;
  readonly body: string;
  readonly system: boolean;
  readonly author: { readonly username: string };
}

interface Job {
  readonly id: number;
  readonly web_url: string;
  readonly ref: string;
  readonly commit: { readonly id: string };
}

export function openGitLab(world: ForgeWorld): Forge {
  const { env } = world;
  const token = env.EBB_GITLAB_TOKEN ?? "";
  // The token of a job may not write notes.
  if (token === "") throw new ConfigError("SECRET_MISSING", "EBB_GITLAB_TOKEN is not set", { next: RIGHTS });
  const api = forgeClient(world, {
    name: "GitLab",
    baseUrl: env.CI_API_V4_URL ?? "https://gitlab.com/api/v4",
    headers: { "private-token": token, "user-agent": "ebb" },
    rights: RIGHTS,
  });
  const project = `/projects/${env.CI_PROJECT_ID ?? ""}`;
  const iid = Number(env.CI_MERGE_REQUEST_IID ?? "");
  // In a pipeline of a merged result the commit is one that only the pipeline has.
  const source = env.CI_MERGE_REQUEST_SOURCE_BRANCH_SHA ?? "";
  const head = source === "" ? (env.CI_COMMIT_SHA ?? "") : source;
  return {
    name: "GitLab",
    request: iid > 0 ? { number: iid, head } : null,
    job: { id: env.CI_JOB_ID ?? "", url: env.CI_JOB_URL ?? "", head },
    summaryFile: null,
    async merged(signal) {
      const path = `${project}/repository/commits/${env.CI_COMMIT_SHA ?? ""}/merge_requests`;
      const found = (await api.find<readonly MergeRequest[]>(path, signal)) ?? [];
      // One that was merged into another branch was reviewed by that branch's rules.
      const one = found.find((it) => it.state === "merged" && it.target_branch === env.CI_COMMIT_BRANCH);
      return one ? { number: one.iid, head: one.sha } : null;
    },
    async comments(request, signal) {
      const own = await api.find<{ readonly username: string }>("/user", signal);
      const notes = await api.all<Note>(`${project}/merge_requests/${request}/notes`, signal);
      return notes
        .filter(({ system, author }) => !system && author.username === own?.username)
        .map(({ id, body }): Comment => ({ id, body }))
        .toSorted((a, b) => a.id - b.id);
    },
    async putComment(request, id, body, signal) {
      const path = `${project}/merge_requests/${request}/notes${id === null ? "" : `/${id}`}`;
      await api.call({ method: id === null ? "POST" : "PUT", path, json: { body } }, signal);
    },
    async label(request, { add, remove }, signal) {
      const json = { add_labels: add.join(","), remove_labels: remove.join(",") };
      await api.call({ method: "PUT", path: `${project}/merge_requests/${request}`, json }, signal);
    },
    async jobOf(id, signal) {
      const found = await api.find<Job>(`${project}/jobs/${encodeURIComponent(id)}`, signal);
      const [, kind] = /^refs\/merge-requests\/\d+\/(head|merge|train)$/.exec(found?.ref ?? "") ?? [];
      // The job of a branch or a tag was started by no request.
      if (!found || kind === undefined) return null;
      const own = found.commit.id;
      // A merged result, or one in a merge train, is a commit of the pipeline's own; what was proposed is its second parent.
      const merge =
        kind !== "head"
          ? await api.find<{ readonly parent_ids: readonly string[] }>(`${project}/repository/commits/${own}`, signal)
          : null;
      return { id: String(found.id), url: found.web_url, head: merge?.parent_ids[1] ?? own };
    },
    download: (id, file, signal) =>
      api.save(`${project}/jobs/${encodeURIComponent(id)}/artifacts/${PLAN_FILE}`, file, signal),
  };
}

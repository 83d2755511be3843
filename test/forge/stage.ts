/** One story for both forges: what happens to a request, whoever keeps it. @module */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { app } from "../../providers/salesforce/sandbox/oauth.ts";
import { FakeGitHub, repository } from "./github.ts";
import { FakeGitLab, project } from "./gitlab.ts";
import { type Event, GitHubRuns } from "./run-github.ts";
import { GitLabRuns, type Trigger } from "./run-gitlab.ts";
import type { Runner } from "./runner.ts";

/** How a job ended; null where it did not run. */
export type End = { readonly ok: boolean; readonly code: number; readonly log: string } | null;

export interface Stage {
  /** Jobs of a request's pipeline. A fork's request is another's. */
  propose(request: number, fork?: boolean): Promise<{ readonly validate: End; readonly plan: End }>;
  /** The job of what was pushed to main: the merge of a request, or a commit that came without one. */
  apply(request: number | null): Promise<End>;
  drift(): Promise<End>;
  /** What stands on the request. */
  comments(request: number): readonly string[];
  labels(request: number): readonly string[];
  /** The plan that the request's job left. */
  artifact(request: number): Buffer | null;
  /** All that a job left in the open besides its log. */
  summaries(): readonly string[];
  close(): Promise<void>;
}

export interface Keys {
  readonly identity: string;
  readonly recipient: string;
}

const hex = (of: number) => of.toString(16).padStart(40, "0");
const headOf = (request: number) => hex(0xa000 + request);
const mergeOf = (request: number | null) => hex(request === null ? 0xdead : 0xc000 + request);

export async function githubStage(runner: Runner, { identity, recipient }: Keys): Promise<Stage> {
  const forge = new FakeGitHub();
  await forge.listen();
  const read = { READ_SF_CLIENT_ID: app.clientId, READ_SF_CLIENT_SECRET: app.clientSecret };
  const write = { SF_CLIENT_ID: app.clientId, SF_CLIENT_SECRET: app.clientSecret, EBB_PLAN_IDENTITY: identity };
  const settings = { vars: { EBB_PLAN_RECIPIENTS: recipient }, secrets: read, environments: { production: write } };
  const runs = new GitHubRuns(runner, forge, settings);
  const summaries: string[] = [];
  const start = async (event: Event, run: number) => {
    const ends = await runs.start(event, run);
    summaries.push(...Object.values(ends).map(({ summary }) => summary));
    return (name: string): End => {
      const end = ends[name];
      if (!end || end.status === "skipped") return null;
      return { ok: end.status === "success", code: end.codes.find((code) => code !== 0) ?? 0, log: end.log };
    };
  };
  return {
    async propose(number, fork = false) {
      const head = headOf(number);
      forge.pulls.push({ number, head, base: "main", merged: null });
      const pull = { number, head, repository: fork ? "mallory/crm" : repository };
      const of = await start({ name: "pull_request", sha: hex(number), branch: `${number}/merge`, pull }, 500 + number);
      return { validate: of("validate"), plan: of("plan") };
    },
    async apply(request) {
      const pull = forge.pulls.find(({ number }) => number === request);
      if (pull) pull.merged = mergeOf(request);
      const of = await start({ name: "push", sha: mergeOf(request), branch: "main" }, 600 + (request ?? 0));
      return of("apply");
    },
    drift: async () => (await start({ name: "schedule", sha: mergeOf(7), branch: "main" }, 700))("drift"),
    comments: (request) => forge.comments.filter(({ issue }) => issue === request).map(({ body }) => body),
    labels: (request) => forge.labels.get(request) ?? [],
    artifact: (request) => {
      const found = forge.artifacts.find(({ run }) => run === 500 + request);
      return found ? Buffer.from(found.zip) : null;
    },
    summaries: () => summaries,
    close: () => forge.close(),
  };
}

export async function gitlabStage(runner: Runner, { identity, recipient }: Keys): Promise<Stage> {
  const forge = new FakeGitLab();
  await forge.listen();
  const token = "glpat-canary-of-the-project";
  forge.tokens.set(token, { username: "project_42_bot", scopes: ["api"] });
  const open = (value: string) => ({ value, protected: false });
  const guarded = (value: string) => ({ value, protected: true });
  const runs = new GitLabRuns(runner, forge, {
    EBB_PLAN_RECIPIENTS: open(recipient),
    EBB_GITLAB_TOKEN: open(token),
    READ_SF_CLIENT_ID: open(app.clientId),
    READ_SF_CLIENT_SECRET: open(app.clientSecret),
    EBB_PLAN_IDENTITY: guarded(identity),
    SF_CLIENT_ID: guarded(app.clientId),
    SF_CLIENT_SECRET: guarded(app.clientSecret),
  });
  let first = 500;
  const planned = new Map<number, number>();
  const start = async (trigger: Trigger) => {
    first += 10;
    const ends = await runs.start(trigger, first);
    return (name: string): End => {
      const end = ends[name];
      return end ? { ok: end.status === "success", code: end.code, log: end.log } : null;
    };
  };
  return {
    async propose(iid, fork = false) {
      const head = headOf(iid);
      forge.requests.push({ iid, head, target: "main", merged: null, labels: [] });
      const from = { iid, project: fork ? "43" : project };
      const of = await start({ source: "merge_request_event", sha: head, request: from });
      planned.set(iid, first + 1);
      return { validate: of("validate"), plan: of("plan") };
    },
    async apply(iid) {
      const request = forge.requests.find((one) => one.iid === iid);
      if (request) request.merged = mergeOf(iid);
      return (await start({ source: "push", sha: mergeOf(iid) }))("apply");
    },
    drift: async () => (await start({ source: "schedule", sha: mergeOf(7) }))("drift"),
    comments: (request) => forge.notes.filter(({ iid }) => iid === request).map(({ body }) => body),
    labels: (request) => forge.requests.find(({ iid }) => iid === request)?.labels ?? [],
    artifact: (request) => {
      const bytes = forge.artifacts.get(planned.get(request) ?? 0)?.["plan.ebb"];
      return bytes ? Buffer.from(bytes) : null;
    },
    summaries: () => [],
    close: () => forge.close(),
  };
}

/** Points the project that `ebb init` made at a warehouse and a CRM outside of it, as real ones are, and lets it delete. */
export function moveOut(directory: string, warehouse: string, crm: string): void {
  const file = join(directory, "main.ts");
  const text = readFileSync(file, "utf8");
  const moved = text
    .replace("data/customers.csv')", `${warehouse}')`)
    .replace('baseUrl: "sandbox:.ebb/sandbox/crm"', `baseUrl: ${JSON.stringify(crm)}`)
    .replace('mode: "upsert",', 'mode: "mirror",\n  guards: { maxDeletePercent: 100 },');
  if (/'data|"sandbox:|upsert/.test(moved)) throw new TypeError("main.ts reads otherwise now");
  writeFileSync(file, moved);
}

/** What Ebb uses of GitHub's REST API, version 2022-11-28, on this machine. Shapes: docs.github.com/rest. @module */
import { ZipFile } from "yazl";
import { type Answer, type Call, FakeServer, pageOf } from "./server.ts";

export interface Pull {
  readonly number: number;
  readonly head: string;
  /** Branch it is to be merged into. */
  readonly base: string;
  /** Commit of that branch, once it is merged. */
  merged: string | null;
}

export interface Comment {
  readonly id: number;
  readonly issue: number;
  body: string;
  readonly user: { readonly login: string; readonly type: "User" | "Bot" };
}

export interface Run {
  readonly id: number;
  readonly head: string;
  readonly event: string;
  readonly repository: string;
}

export interface Artifact {
  readonly id: number;
  readonly run: number;
  readonly name: string;
  readonly zip: Uint8Array;
  expired: boolean;
}

/** Who a token belongs to, and what it may. */
export interface Grant {
  readonly login: string;
  readonly permissions: readonly string[];
}

/** What the workflow asks for. */
export const jobPermissions = ["contents:read", "actions:read", "pull-requests:read", "pull-requests:write"];
export const repository = "acme/crm";

const refused: Answer = { status: 403, json: { message: "Resource not accessible by integration", status: "403" } };
const missing: Answer = { status: 404, json: { message: "Not Found", status: "404" } };

export class FakeGitHub {
  readonly api = new FakeServer((call) => this.answer(call));
  /** Where the bytes of artifacts are: another server, with addresses that need no token. */
  readonly storage = new FakeServer((call) => this.stored(call));
  readonly tokens = new Map<string, Grant>();
  readonly pulls: Pull[] = [];
  readonly comments: Comment[] = [];
  readonly labels = new Map<number, string[]>();
  readonly runs: Run[] = [];
  readonly artifacts: Artifact[] = [];
  private nextId = 1000;

  async listen(): Promise<void> {
    await Promise.all([this.api.listen(), this.storage.listen()]);
  }

  async close(): Promise<void> {
    await Promise.all([this.api.close(), this.storage.close()]);
  }

  comment(issue: number, body: string, login = "github-actions[bot]"): Comment {
    const type = login.endsWith("[bot]") ? "Bot" : "User";
    const comment: Comment = { id: this.nextId++, issue, body, user: { login, type } };
    this.comments.push(comment);
    return comment;
  }

  /** As actions/upload-artifact does with `overwrite`. */
  async upload(run: number, name: string, files: Readonly<Record<string, Uint8Array>>): Promise<Artifact> {
    const before = this.artifacts.findIndex((one) => one.run === run && one.name === name);
    if (before >= 0) this.artifacts.splice(before, 1);
    const artifact: Artifact = { id: this.nextId++, run, name, zip: await zipOf(files), expired: false };
    this.artifacts.push(artifact);
    return artifact;
  }

  private answer(call: Call): Answer {
    const grant = this.tokens.get(/^Bearer (.+)$/.exec(call.headers.authorization ?? "")?.[1] ?? "");
    if (!grant) return { status: 401, json: { message: "Bad credentials", status: "401" } };
    const may = (permission: string) => grant.permissions.includes(permission);
    if (call.path === "/graphql") return { status: 200, json: { data: { viewer: { login: grant.login } } } };
    if (call.path === "/user")
      return grant.login.endsWith("[bot]") ? refused : { status: 200, json: { login: grant.login } };
    const [, below] = new RegExp(`^/repos/${repository}(/.*)$`).exec(call.path) ?? [];
    if (below === undefined) return missing;
    const actions = /^\/actions\/(?:runs|artifacts)\/(\d+)(\/artifacts|\/zip)?$/.exec(below);
    if (actions) return may("actions:read") ? this.actions(call, below, Number(actions[1])) : refused;
    if (!may(call.method === "GET" ? "pull-requests:read" : "pull-requests:write")) return refused;
    const [, sha] = /^\/commits\/([0-9a-f]+)\/pulls$/.exec(below) ?? [];
    if (sha !== undefined) return { status: 200, json: this.pulls.filter((one) => has(one, sha)).map(shown) };
    return this.issues(call, below, grant);
  }

  private issues({ method, path, query, json }: Call, below: string, { login }: Grant): Answer {
    const [, one, list, label] =
      /^\/issues\/(?:comments\/(\d+)|(\d+)\/(?:comments|labels(?:\/(.+))?))$/.exec(below) ?? [];
    const given = json as { readonly body?: string; readonly labels?: readonly string[] } | null;
    if (one !== undefined) {
      const comment = this.comments.find(({ id }) => id === Number(one));
      if (!comment || method !== "PATCH") return missing;
      comment.body = given?.body ?? "";
      return { status: 200, json: comment };
    }
    const issue = Number(list);
    if (!this.pulls.some(({ number }) => number === issue)) return missing;
    if (path.endsWith("/comments")) {
      if (method === "POST") return { status: 201, json: this.comment(issue, given?.body ?? "", login) };
      const all = this.comments.filter((comment) => comment.issue === issue);
      return { status: 200, json: pageOf(all, query, 30) };
    }
    const labels = this.labels.get(issue) ?? [];
    const gone = label === undefined ? undefined : decodeURIComponent(label);
    if (method === "DELETE" && !labels.includes(gone ?? "")) return missing;
    const now = [...new Set([...labels, ...(given?.labels ?? [])])].filter((name) => name !== gone);
    this.labels.set(issue, now);
    return {
      status: 200,
      json: pageOf(
        now.map((name) => ({ name, color: "ededed" })),
        query,
        30,
      ),
    };
  }

  private actions({ query }: Call, below: string, id: number): Answer {
    if (below.endsWith("/zip")) {
      const artifact = this.artifacts.find((one) => one.id === id);
      if (!artifact) return missing;
      if (artifact.expired) return { status: 410, json: { message: "Artifact has expired", status: "410" } };
      return { status: 302, headers: { location: `${this.storage.url}/blob/${id}?sig=signed` } };
    }
    const run = this.runs.find((one) => one.id === id);
    if (!run) return missing;
    if (below.endsWith("/artifacts")) {
      const all = this.artifacts.filter((one) => one.run === id && one.name === query.get("name"));
      const artifacts = all.map(({ id, name, expired }) => ({ id, name, expired }));
      return { status: 200, json: { total_count: artifacts.length, artifacts } };
    }
    const { head, event } = run;
    const html_url = `https://github.com/${repository}/actions/runs/${id}`;
    return {
      status: 200,
      json: { id, html_url, head_sha: head, event, head_repository: { full_name: run.repository } },
    };
  }

  private stored({ path, query }: Call): Answer {
    const found = this.artifacts.find(({ id }) => path === `/blob/${id}`);
    return found && query.get("sig") === "signed" ? { status: 200, bytes: found.zip } : { status: 403 };
  }
}

/** A commit belongs to a request as what was proposed and as what was merged. */
function has({ head, merged }: Pull, sha: string): boolean {
  return head === sha || merged === sha;
}

function shown({ number, head, base, merged }: Pull) {
  const merged_at = merged === null ? null : "2026-11-20T08:14:00Z";
  return { number, head: { sha: head }, base: { ref: base }, merged_at, merge_commit_sha: merged };
}

export function zipOf(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const zip = new ZipFile();
  for (const [name, bytes] of Object.entries(files)) zip.addBuffer(Buffer.from(bytes), name);
  zip.end();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    zip.outputStream.on("data", (chunk: Buffer) => chunks.push(chunk));
    zip.outputStream.on("error", reject);
    zip.outputStream.on("end", () => resolve(Buffer.concat(chunks)));
  });
}

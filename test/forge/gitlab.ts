/** What Ebb uses of GitLab's REST API v4, on this machine. Shapes: docs.gitlab.com/api. @module */
import { type Answer, type Call, FakeServer, pageOf } from "./server.ts";

export interface MergeRequest {
  readonly iid: number;
  readonly head: string;
  readonly target: string;
  /** Commit of the target branch, once it is merged. */
  merged: string | null;
  labels: readonly string[];
}

export interface Note {
  readonly id: number;
  readonly iid: number;
  body: string;
  readonly username: string;
  /** GitLab's own, such as "added 1 commit". */
  readonly system: boolean;
}

export interface Job {
  readonly id: number;
  readonly ref: string;
  readonly commit: string;
}

export interface Grant {
  readonly username: string;
  readonly scopes: readonly string[];
}

export const project = "42";

const missing: Answer = { status: 404, json: { message: "404 Not found" } };
const scope: Answer = {
  status: 403,
  json: { error: "insufficient_scope", error_description: "The request requires higher privileges.", scope: "api" },
};

export class FakeGitLab {
  readonly api = new FakeServer((call) => this.answer(call));
  readonly tokens = new Map<string, Grant>();
  readonly requests: MergeRequest[] = [];
  readonly notes: Note[] = [];
  readonly jobs: Job[] = [];
  /** Commit to its parents, where that matters. */
  readonly parents = new Map<string, readonly string[]>();
  /** Job to the files it left. */
  readonly artifacts = new Map<number, Readonly<Record<string, Uint8Array>>>();
  private nextId = 1;

  listen(): Promise<void> {
    return this.api.listen();
  }

  close(): Promise<void> {
    return this.api.close();
  }

  note(iid: number, body: string, username: string, system = false): Note {
    const note: Note = { id: this.nextId++, iid, body, username, system };
    this.notes.push(note);
    return note;
  }

  private answer(call: Call): Answer {
    const grant = this.tokens.get(String(call.headers["private-token"] ?? ""));
    if (!grant) return { status: 401, json: { message: "401 Unauthorized" } };
    if (call.method !== "GET" && !grant.scopes.includes("api")) return scope;
    if (call.path === "/api/v4/user") return { status: 200, json: { username: grant.username } };
    const [, below] = new RegExp(`^/api/v4/projects/${project}(/.*)$`).exec(call.path) ?? [];
    if (below === undefined) return { status: 404, json: { message: "404 Project Not Found" } };
    const [, sha, list] = /^\/repository\/commits\/([0-9a-f]+)(\/merge_requests)?$/.exec(below) ?? [];
    if (sha !== undefined) return list === undefined ? this.commit(sha) : this.requestsOf(sha);
    const [, job, file] = /^\/jobs\/(\d+)(?:\/artifacts\/(.+))?$/.exec(below) ?? [];
    if (job !== undefined) return file === undefined ? this.job(Number(job)) : this.artifact(Number(job), file);
    return this.request(call, below, grant);
  }

  private commit(id: string): Answer {
    return { status: 200, json: { id, parent_ids: this.parents.get(id) ?? [] } };
  }

  private requestsOf(sha: string): Answer {
    const found = this.requests.filter(({ head, merged }) => head === sha || merged === sha);
    return { status: 200, json: found.map(shown) };
  }

  private job(id: number): Answer {
    const found = this.jobs.find((job) => job.id === id);
    if (!found) return missing;
    const web_url = `https://gitlab.com/acme/crm/-/jobs/${id}`;
    return { status: 200, json: { id, web_url, ref: found.ref, commit: { id: found.commit } } };
  }

  private artifact(id: number, file: string): Answer {
    const bytes = this.artifacts.get(id)?.[file];
    return bytes ? { status: 200, bytes } : missing;
  }

  private request({ method, query, json }: Call, below: string, { username }: Grant): Answer {
    const [, iid, notes, id] = /^\/merge_requests\/(\d+)(\/notes(?:\/(\d+))?)?$/.exec(below) ?? [];
    const request = this.requests.find((one) => one.iid === Number(iid));
    if (!request) return missing;
    const given = (json ?? {}) as {
      readonly body?: string;
      readonly add_labels?: string;
      readonly remove_labels?: string;
    };
    if (id !== undefined) {
      const note = this.notes.find((one) => one.id === Number(id));
      if (!note || method !== "PUT") return missing;
      note.body = given.body ?? "";
      return { status: 200, json: noteShown(note) };
    }
    if (notes !== undefined) {
      if (method === "POST")
        return { status: 201, json: noteShown(this.note(request.iid, given.body ?? "", username)) };
      // Newest first, as GitLab sorts them where nothing else is asked for.
      const all = this.notes.filter((one) => one.iid === request.iid).toReversed();
      return { status: 200, json: pageOf(all.map(noteShown), query, 20) };
    }
    const list = (names = "") => names.split(",").filter((name) => name !== "");
    const gone = list(given.remove_labels);
    request.labels = [...new Set([...request.labels, ...list(given.add_labels)])].filter(
      (name) => !gone.includes(name),
    );
    return { status: 200, json: shown(request) };
  }
}

function shown({ iid, head, target, merged, labels }: MergeRequest) {
  return { iid, sha: head, target_branch: target, state: merged === null ? "opened" : "merged", labels };
}

function noteShown({ id, body, username, system }: Note) {
  return { id, body, system, author: { username } };
}

/** Runs jobs of a .gitlab-ci.yml for real: before_script and script, then after_script. What it does not know, it refuses. @module */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { type FakeGitLab, project } from "./gitlab.ts";
import type { Runner } from "./runner.ts";

type Texts = Readonly<Record<string, string>>;

interface Cache {
  readonly key: string;
  readonly paths: readonly string[];
  readonly policy?: "pull" | "pull-push";
  readonly when?: "on_success" | "always";
  readonly unprotect?: boolean;
}

export interface Job {
  readonly extends?: string;
  readonly stage?: string;
  readonly rules?: readonly { readonly if: string }[];
  readonly variables?: Texts;
  readonly cache?: Cache;
  readonly script: readonly string[];
  readonly after_script?: readonly string[];
  readonly artifacts?: { readonly when?: string; readonly paths: readonly string[]; readonly expire_in?: string };
  readonly environment?: string;
  readonly resource_group?: string;
  readonly interruptible?: boolean;
}

export interface Pipeline {
  readonly stages: readonly string[];
  readonly before: readonly string[];
  readonly jobs: Readonly<Record<string, Job>>;
}

export interface Trigger {
  readonly source: "merge_request_event" | "push" | "schedule";
  readonly sha: string;
  /** A merge request, and the project it comes from. */
  readonly request?: { readonly iid: number; readonly project: string };
}

/** A CI/CD variable of the project. A protected one is there on protected branches alone. */
export interface Variable {
  readonly value: string;
  readonly protected: boolean;
}

export interface JobEnd {
  readonly status: "success" | "failed";
  readonly code: number;
  readonly log: string;
}

const jobKeys = [
  ..."extends stage rules variables cache script after_script artifacts".split(" "),
  ..."environment resource_group interruptible".split(" "),
];

/** The jobs of a file, each with what it extends merged in. */
export function pipelineOf(text: string): Pipeline {
  const { stages, default: usual, ...rest } = load(text) as Record<string, unknown>;
  const all = rest as Readonly<Record<string, Job>>;
  const jobs = Object.entries(all).filter(([name]) => !name.startsWith("."));
  const whole = jobs.map(([name, job]): [string, Job] => {
    const base = job.extends === undefined ? undefined : all[job.extends];
    const merged = { ...base, ...job };
    const strange = Object.keys(merged).find((key) => !jobKeys.includes(key));
    if (strange !== undefined) throw new SyntaxError(`${name} has ${strange}, which this runner does not know`);
    return [name, base?.cache ? { ...merged, cache: { ...base.cache, ...job.cache } } : merged];
  });
  const before = (usual as { readonly before_script: readonly string[] }).before_script;
  return { stages: stages as readonly string[], before, jobs: Object.fromEntries(whole) };
}

/** A rule: comparisons of a variable with a text or a variable, joined by `&&`. */
export function holds(rule: string, variables: Texts): boolean {
  return rule.split(" && ").every((part) => {
    const [, left = "", text, right] = /^\$(\w+) == (?:"([^"]*)"|\$(\w+))$/.exec(part) ?? [];
    if (left === "") throw new SyntaxError(`a rule that this runner does not know: ${part}`);
    return (variables[left] ?? null) === (right === undefined ? text : (variables[right] ?? null));
  });
}

export class GitLabRuns {
  private readonly runner: Runner;
  private readonly forge: FakeGitLab;
  private readonly variables: Readonly<Record<string, Variable>>;

  constructor(runner: Runner, forge: FakeGitLab, variables: Readonly<Record<string, Variable>>) {
    this.runner = runner;
    this.forge = forge;
    this.variables = variables;
  }

  /** The jobs of a pipeline, stage by stage; one that fails ends it. Jobs are numbered from `first`. */
  async start(trigger: Trigger, first: number): Promise<Readonly<Record<string, JobEnd>>> {
    const { stages, before, jobs } = pipelineOf(readFileSync(join(this.runner.project, ".gitlab-ci.yml"), "utf8"));
    const given = this.environment(trigger);
    const ends: Record<string, JobEnd> = {};
    let id = first;
    for (const stage of stages)
      for (const [name, job] of Object.entries(jobs)) {
        const wanted = job.stage === stage && job.rules?.some((rule) => holds(rule.if, given));
        if (!wanted || Object.values(ends).some(({ status }) => status === "failed")) continue;
        ends[name] = await this.job(job, before, given, trigger, id++);
      }
    return ends;
  }

  private async job(job: Job, before: readonly string[], given: Texts, trigger: Trigger, id: number): Promise<JobEnd> {
    const workspace = this.runner.checkout();
    const ref = trigger.request ? `refs/merge-requests/${trigger.request.iid}/head` : "main";
    this.forge.jobs.push({ id, ref, commit: trigger.sha });
    const own = { CI_JOB_ID: String(id), CI_JOB_URL: `https://gitlab.com/acme/crm/-/jobs/${id}` };
    const named = Object.entries(job.variables ?? {}).map(([name, text]) => [name, expanded(text, given)] as const);
    const env = { ...given, ...own, ...Object.fromEntries(named) };
    const { cache } = job;
    // Unless told otherwise, protected branches share no cache with others.
    const suffix = trigger.request || cache?.unprotect ? "non_protected" : "protected";
    const key = `${cache?.key}-${suffix}`;
    for (const path of cache?.paths ?? []) this.runner.restore(key, undefined, join(workspace, path));
    const ran = await this.runner.bash([...before, ...job.script].join("\n"), "-eo pipefail", workspace, env);
    const status = ran.code === 0 ? "success" : "failed";
    const after = job.after_script
      ? await this.runner.bash(job.after_script.join("\n"), "-eo pipefail", workspace, {
          ...env,
          CI_JOB_STATUS: status,
        })
      : { log: "" };
    if (cache?.policy === "pull-push" && (status === "success" || cache.when === "always"))
      for (const path of cache.paths) this.runner.save(key, join(workspace, path), { again: true });
    if (job.artifacts && (status === "success" || job.artifacts.when === "always")) {
      const there = job.artifacts.paths.filter((path) => existsSync(join(workspace, path)));
      this.forge.artifacts.set(
        id,
        Object.fromEntries(there.map((path) => [path, readFileSync(join(workspace, path))])),
      );
    }
    return { status, code: ran.code, log: ran.log + after.log };
  }

  private environment({ source, sha, request }: Trigger): Texts {
    const seen = Object.entries(this.variables).filter(([, one]) => request === undefined || !one.protected);
    return {
      ...Object.fromEntries(seen.map(([name, { value }]) => [name, value])),
      CI: "true",
      GITLAB_CI: "true",
      CI_API_V4_URL: `${this.forge.api.url}/api/v4`,
      CI_PROJECT_ID: project,
      CI_PIPELINE_SOURCE: source,
      CI_COMMIT_SHA: sha,
      CI_DEFAULT_BRANCH: "main",
      ...(request
        ? { CI_MERGE_REQUEST_IID: String(request.iid), CI_MERGE_REQUEST_SOURCE_PROJECT_ID: request.project }
        : { CI_COMMIT_BRANCH: "main" }),
    };
  }
}

function expanded(text: string, variables: Texts): string {
  return text.replace(/\$(\w+)/g, (_, name: string) => variables[name] ?? "");
}

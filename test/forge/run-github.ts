/** Runs jobs of a workflow file, step by step, for real. What it does not know, it refuses. @module */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { type Contexts, filled, holds, type Status } from "./expression.ts";
import { type FakeGitHub, repository } from "./github.ts";
import type { Runner } from "./runner.ts";

type Texts = Readonly<Record<string, string>>;

export interface Step {
  readonly if?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string | number | boolean>>;
  readonly env?: Texts;
}

export interface Job {
  readonly if?: string;
  readonly needs?: string;
  readonly environment?: string;
  readonly permissions?: Texts;
  readonly steps: readonly Step[];
}

export interface Workflow {
  readonly on: Readonly<Record<string, { readonly branches?: readonly string[] } | null>>;
  readonly permissions: Texts;
  readonly jobs: Readonly<Record<string, Job>>;
}

export interface Event {
  readonly name: "pull_request" | "push" | "schedule";
  readonly sha: string;
  readonly branch: string;
  readonly pull?: { readonly number: number; readonly head: string; readonly repository: string };
}

/** What a person has set in the repository's settings. */
export interface Settings {
  readonly vars: Texts;
  readonly secrets: Texts;
  /** Secrets of an environment. */
  readonly environments: Readonly<Record<string, Texts>>;
}

export interface JobEnd {
  readonly status: Status | "skipped";
  readonly log: string;
  /** Exit codes of the `run:` steps that ran. */
  readonly codes: readonly number[];
  readonly summary: string;
}

const known = ["if", "uses", "run", "with", "env"];
/** The inputs that are used, as each action's own action.yml names them. */
const inputs: Readonly<Record<string, readonly string[]>> = {
  "actions/checkout": ["persist-credentials"],
  "actions/setup-node": ["node-version", "package-manager-cache"],
  "actions/cache/restore": ["path", "key", "restore-keys"],
  "actions/cache/save": ["path", "key"],
  "actions/upload-artifact": ["name", "path", "overwrite", "if-no-files-found", "retention-days"],
};

export class GitHubRuns {
  private readonly runner: Runner;
  private readonly forge: FakeGitHub;
  private readonly settings: Settings;
  private attempts = 0;

  constructor(runner: Runner, forge: FakeGitHub, settings: Settings) {
    this.runner = runner;
    this.forge = forge;
    this.settings = settings;
  }

  /** The jobs of an event, in the order of the file. */
  async start(event: Event, run: number): Promise<Readonly<Record<string, JobEnd>>> {
    const text = readFileSync(join(this.runner.project, ".github/workflows/ebb.yml"), "utf8");
    const workflow = load(text) as Workflow;
    const wanted = workflow.on[event.name];
    if (wanted === undefined || (event.name === "push" && wanted?.branches?.includes(event.branch) === false))
      return {};
    const { pull } = event;
    if (!this.forge.runs.some(({ id }) => id === run))
      this.forge.runs.push({
        id: run,
        head: pull?.head ?? event.sha,
        event: event.name,
        repository: pull?.repository ?? repository,
      });
    this.attempts += 1;
    const ends: Record<string, JobEnd> = {};
    for (const [name, job] of Object.entries(workflow.jobs)) {
      const needed = job.needs === undefined ? "success" : ends[job.needs]?.status;
      ends[name] = needed === "success" ? await this.job(workflow, job, event, run) : skipped;
    }
    return ends;
  }

  private async job(workflow: Workflow, job: Job, event: Event, run: number): Promise<JobEnd> {
    const fork = event.pull !== undefined && event.pull.repository !== repository;
    const token = `ghs_canary_of_attempt_${this.attempts}`;
    const payload = event.pull && {
      pull_request: {
        number: event.pull.number,
        head: { sha: event.pull.head, repo: { full_name: event.pull.repository } },
      },
    };
    const github = {
      event_name: event.name,
      event: payload ?? {},
      repository,
      run_id: run,
      run_attempt: this.attempts,
      token,
    };
    if (!holds(job.if, { github }, "success")) return skipped;
    const granted = Object.entries(job.permissions ?? workflow.permissions).flatMap(([scope, level]) =>
      level === "write" && !fork ? [`${scope}:read`, `${scope}:write`] : [`${scope}:read`],
    );
    this.forge.tokens.set(token, { login: "github-actions[bot]", permissions: granted });
    const secrets = fork ? {} : { ...this.settings.secrets, ...this.settings.environments[job.environment ?? ""] };
    const contexts = { github, secrets, vars: fork ? {} : this.settings.vars };
    const workspace = this.runner.checkout();
    const files = { event: join(workspace, ".event.json"), summary: join(workspace, ".summary.md") };
    writeFileSync(files.event, JSON.stringify(payload ?? {}));
    const env = {
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_API_URL: this.forge.api.url,
      GITHUB_GRAPHQL_URL: `${this.forge.api.url}/graphql`,
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_REPOSITORY: repository,
      GITHUB_RUN_ID: String(run),
      GITHUB_SHA: event.sha,
      GITHUB_REF_NAME: event.branch,
      GITHUB_EVENT_PATH: files.event,
      GITHUB_STEP_SUMMARY: files.summary,
    };
    let status: Status = "success";
    let log = "";
    const codes: number[] = [];
    for (const step of job.steps) {
      const seen: Contexts = { ...contexts, job: { status } };
      if (!holds(step.if, seen, status)) continue;
      const strange = Object.keys(step).find((key) => !known.includes(key));
      if (strange !== undefined) throw new SyntaxError(`a step has ${strange}, which this runner does not know`);
      if (step.run === undefined) {
        log += await this.action(step, seen, workspace, run);
        continue;
      }
      const own = Object.entries(step.env ?? {}).map(([name, text]) => [name, filled(text, seen, status)] as const);
      const given = { ...env, ...Object.fromEntries(own) };
      // Without `shell:` GitHub runs `bash -e`.
      const ran = await this.runner.bash(filled(step.run, seen, status), "-e", workspace, given);
      log += `$ ${step.run.trimEnd()}\n${ran.log}`;
      codes.push(ran.code);
      if (ran.code !== 0) status = "failure";
    }
    this.forge.tokens.delete(token);
    return { status, log, codes, summary: existsSync(files.summary) ? readFileSync(files.summary, "utf8") : "" };
  }

  private async action(step: Step, contexts: Contexts, workspace: string, run: number): Promise<string> {
    const { uses = "" } = step;
    const input = (name: string) => filled(String(step.with?.[name] ?? ""), contexts);
    const path = join(workspace, input("path"));
    const name = uses.replace(/@v\d+$/, "");
    const strange = Object.keys(step.with ?? {}).find((one) => !inputs[name]?.includes(one));
    if (strange !== undefined) throw new SyntaxError(`${uses} has no input ${strange} that this runner knows`);
    switch (name) {
      case "actions/checkout":
      case "actions/setup-node":
        return "";
      case "actions/cache/restore":
        return `${uses}: ${this.runner.restore(input("key"), input("restore-keys"), path) ?? "nothing"}\n`;
      case "actions/cache/save":
        this.runner.save(input("key"), path);
        return `${uses}: ${input("key")}\n`;
      case "actions/upload-artifact": {
        if (!existsSync(path)) return `${uses}: nothing\n`;
        await this.forge.upload(run, input("name"), { [input("path")]: readFileSync(path) });
        return `${uses}: ${input("name")}\n`;
      }
      default:
        throw new SyntaxError(`${uses} is an action that this runner does not know`);
    }
  }
}

const skipped: JobEnd = { status: "skipped", log: "", codes: [], summary: "" };

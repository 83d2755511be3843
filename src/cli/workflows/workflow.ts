/** The files that make a project's repository plan, tell and apply by itself. @module */
import { githubWorkflow } from "./github.ts";
import { gitlabWorkflow } from "./gitlab.ts";

export const forges = ["github", "gitlab"] as const;
export type ForgeName = (typeof forges)[number];

export interface WorkflowOptions {
  /** Names of the environment variables that the connections take their secrets from. */
  readonly secrets: readonly string[];
}

const driftPolicy = `import { noDriftOverwrite } from "ebb/policies";

// Held against the plan of every morning: it fails where somebody else changed what Ebb writes.
export default [noDriftOverwrite({ level: "deny" })];
`;

export const workflowPaths: Readonly<Record<ForgeName, string>> = {
  github: ".github/workflows/ebb.yml",
  gitlab: ".gitlab-ci.yml",
};

/** Path to content. */
export function workflowFiles(forge: ForgeName, options: WorkflowOptions): Readonly<Record<string, string>> {
  const workflow = { github: githubWorkflow, gitlab: gitlabWorkflow }[forge];
  return { [workflowPaths[forge]]: workflow(options), "drift-policy.ts": driftPolicy };
}

/** What a person has to set once, in words. */
export function workflowSteps(forge: ForgeName, { secrets }: WorkflowOptions): readonly string[] {
  const named = (prefix: string) => secrets.map((name) => `${prefix}${name}`).join(", ");
  const reading = secrets.length === 0 ? [] : [`secrets that can only read: ${named("READ_")}`];
  const writing = secrets.length === 0 ? [] : [`and those that can write: ${named("")}`];
  if (forge === "github")
    return [
      "repository variable EBB_PLAN_RECIPIENTS: the public key that `ebb keygen` prints",
      ...reading.map((text) => `repository ${text}`),
      "environment production, with reviewers and the secret EBB_PLAN_IDENTITY: the secret key",
      ...writing.map((text) => `    ${text}`),
    ];
  return [
    "CI/CD variable EBB_PLAN_RECIPIENTS: the public key that `ebb keygen` prints",
    "masked EBB_GITLAB_TOKEN: a project access token with the scope api, role Developer",
    ...reading.map((text) => `masked ${text}`),
    "masked and protected EBB_PLAN_IDENTITY: the secret key",
    ...writing.map((text) => `    ${text}`),
  ];
}

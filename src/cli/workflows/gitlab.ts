/** The pipeline of GitLab CI. Keywords: docs.gitlab.com/ci/yaml. @module */
import type { WorkflowOptions } from "./workflow.ts";

export function gitlabWorkflow({ secrets }: WorkflowOptions): string {
  const read =
    secrets.length === 0 ? "" : `\n  variables:\n${secrets.map((name) => `    ${name}: $READ_${name}`).join("\n")}`;
  return `# Ebb: a plan on every merge request, exactly that plan on the merge, a look for drift with each schedule.
# What has to be set once is in the README of this project, or in Ebb's docs/ci.md.
stages: [validate, plan, apply, drift]

default:
  image: node:24
  before_script:
    - npm ci

.state:
  cache:
    key: ebb-state
    paths: [.ebb/]
    policy: pull
    # What a merge left on the protected branch is what the next merge request plans with.
    unprotect: true

# Needs no secret, so it also runs for forks.
validate:
  stage: validate
  interruptible: true
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  script:
    - npx ebb validate

plan:
  extends: .state
  stage: plan
  # A newer commit takes the place of a plan that is still being made; nothing is written by either.
  interruptible: true
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event" && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID
  # Credentials that can only read. The saved plan is encrypted: EBB_PLAN_RECIPIENTS.${read}
  script:
    - npx ebb plan --out plan.ebb --markdown plan.md
  # A plan that a guard or a policy stops is told as well.
  after_script:
    - npx ebb ci comment plan.md
  artifacts:
    when: always
    paths: [plan.ebb]
    expire_in: 2 weeks

apply:
  extends: .state
  stage: apply
  rules:
    - if: $CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  # Asks for an approval where the environment is protected; the variables that can write are protected ones.
  environment: production
  # One after the other, and none is interrupted.
  resource_group: ebb-apply
  interruptible: false
  cache:
    policy: pull-push
    when: always
  # The plan that was reviewed in the merge request, and no other: where the world has moved since, what is left of it.
  script:
    - digest=$(npx ebb ci fetch --out plan.ebb)
    - npx ebb apply plan.ebb --digest "$digest" --replan-within 7d
  after_script:
    - if [ "$CI_JOB_STATUS" = success ]; then npx ebb ci outcome --is applied; else npx ebb ci outcome --is failed; fi

# Fails where somebody has changed in a destination what Ebb writes.
drift:
  extends: .state
  stage: drift
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule"${read}
  script:
    - npx ebb plan --summary --policy drift-policy.ts
`;
}

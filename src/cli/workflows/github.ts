/** The workflow of GitHub Actions. Forks: docs.github.com/actions, "Events that trigger workflows", pull_request. @module */
import type { WorkflowOptions } from "./workflow.ts";

/** An expression of a workflow. */
const of = (expression: string) => `\${{ ${expression} }}`;

const setup = `      - uses: actions/checkout@v5
        with:
          persist-credentials: false
      - uses: actions/setup-node@v5
        with:
          node-version: 24
          package-manager-cache: false
      - run: npm ci`;

const restore = `      - uses: actions/cache/restore@v5
        with:
          path: .ebb
          key: ebb-state-\${{ github.run_id }}-\${{ github.run_attempt }}
          restore-keys: ebb-state-`;

export function githubWorkflow({ secrets }: WorkflowOptions): string {
  const env = (lines: readonly string[]) =>
    lines.length === 0 ? "" : `\n        env:\n${lines.map((line) => `          ${line}`).join("\n")}`;
  const read = secrets.map((name) => `${name}: ${of(`secrets.READ_${name}`)}`);
  const write = secrets.map((name) => `${name}: ${of(`secrets.${name}`)}`);
  return `# Ebb: a plan on every pull request, exactly that plan on the merge, a look for drift every morning.
# What has to be set once is in the README of this project, or in Ebb's docs/ci.md.
name: ebb
on:
  pull_request:
  push:
    branches: [main]
  schedule:
    - cron: "17 5 * * *"
  workflow_dispatch:

permissions:
  contents: read

jobs:
  # Needs no secret, so it also runs for forks.
  validate:
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    steps:
${setup}
      - run: npx ebb validate

  plan:
    if: github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name == github.repository
    needs: validate
    runs-on: ubuntu-latest
    permissions:
      contents: read
      actions: read
      pull-requests: write
    # A newer commit takes the place of a plan that is still being made; nothing is written by either.
    concurrency:
      group: ebb-plan-\${{ github.event.pull_request.number }}
      cancel-in-progress: true
    steps:
${setup}
${restore}
      # With credentials that can only read. The saved plan is encrypted for the key of the environment that applies.
      - run: npx ebb plan --out plan.ebb --markdown plan.md${env([`EBB_PLAN_RECIPIENTS: ${of("vars.EBB_PLAN_RECIPIENTS")}`, ...read])}
      # A plan that a guard or a policy stops is told as well.
      - if: success() || failure()
        run: npx ebb ci comment plan.md
        env:
          GITHUB_TOKEN: \${{ github.token }}
      - if: success() || failure()
        uses: actions/upload-artifact@v6
        with:
          name: ebb-plan
          path: plan.ebb
          overwrite: true
          if-no-files-found: ignore
          retention-days: 14

  apply:
    if: github.event_name == 'push'
    runs-on: ubuntu-latest
    # Holds the credentials that can write, and asks for an approval where it is set to.
    environment: production
    permissions:
      contents: read
      actions: read
      pull-requests: write
    # One after the other, and none is interrupted.
    concurrency:
      group: ebb-apply
      cancel-in-progress: false
    steps:
${setup}
${restore}
      # The plan that was reviewed in the pull request, and no other: where the world has moved since, what is left of it.
      - run: |
          digest=$(npx ebb ci fetch --out plan.ebb)
          npx ebb apply plan.ebb --digest "$digest" --replan-within 7d${env([
            `GITHUB_TOKEN: ${of("github.token")}`,
            `EBB_PLAN_IDENTITY: ${of("secrets.EBB_PLAN_IDENTITY")}`,
            ...write,
          ])}
      - if: always()
        run: npx ebb ci outcome --is "$OUTCOME"
        env:
          GITHUB_TOKEN: \${{ github.token }}
          OUTCOME: \${{ job.status == 'success' && 'applied' || 'failed' }}
      # Also after a failure: a run that stopped is finished by running this job again.
      - if: always()
        uses: actions/cache/save@v5
        with:
          path: .ebb
          key: ebb-state-\${{ github.run_id }}-\${{ github.run_attempt }}

  # Fails where somebody has changed in a destination what Ebb writes.
  drift:
    if: github.event_name == 'schedule' || github.event_name == 'workflow_dispatch'
    runs-on: ubuntu-latest
    steps:
${setup}
${restore}
      - run: npx ebb plan --summary --policy drift-policy.ts${env(read)}
`;
}

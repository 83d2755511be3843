/** How a reviewed plan is opened and executed, whoever asks for it. @module */
import { ConflictError } from "../core/errors.ts";
import { denials } from "../core/plan.ts";
import type { ApplySignals } from "../engine/apply.ts";
import type { OpenPlan } from "../engine/plan-file.ts";
import type { RunResult } from "../engine/run/runs.ts";
import type { Listener } from "../engine/world.ts";
import { judgedAgain } from "./judging.ts";
import { withProgress } from "./progress.ts";
import type { OpenProject } from "./project.ts";
import type { Shell } from "./shell.ts";

/** A saved plan, and what it has to be. */
export interface Reviewed {
  readonly file: string;
  /** The digest that was approved, or its first 12 characters or more. */
  readonly digest?: string | undefined;
  /** Absolute paths of files of policies. */
  readonly policies: readonly string[];
  /** Secret keys to open the file with. */
  readonly identities: readonly string[];
}

/** Unpacks a saved plan for as long as it is used, and refuses one that is not what was reviewed. */
export async function withReviewed<T>(
  shell: Shell,
  open: OpenProject,
  { file, digest, policies, identities }: Reviewed,
  use: (plan: OpenPlan) => Promise<T>,
): Promise<T> {
  const [{ requireDigest, unpackPlan }, { withScratch }] = await Promise.all([
    import("../engine/plan-file.ts"),
    import("../engine/staging/scratch.ts"),
  ]);
  return withScratch(async (directory) => {
    const plan = await unpackPlan(open.world, file, directory, identities);
    if (digest !== undefined) requireDigest(plan.manifest, digest);
    await checkPolicies(shell, open, plan, policies);
    return use(plan);
  });
}

/** What the plan's own policies denied, apply itself refuses. A run that has begun is finished, whatever is said now. */
async function checkPolicies(
  { note, signals }: Shell,
  { world, project }: OpenProject,
  plan: OpenPlan,
  files: readonly string[],
): Promise<void> {
  if (files.length === 0) return;
  const [{ openState }, { unfinishedRuns }, { policyText }] = await Promise.all([
    import("../engine/state/state.ts"),
    import("../engine/run/runs.ts"),
    import("../report/policies.ts"),
  ]);
  const [unfinished] = await unfinishedRuns(world, openState(world, project.state.directory));
  if (unfinished?.manifest.digest === plan.manifest.digest) return;
  const { summary } = await judgedAgain(plan, files, world.now(), signals.stop);
  const results = summary.policies ?? [];
  for (const one of results) if (one.level === "warn") note(`Warning ${policyText(one)}`);
  const denied = denials(results).map(policyText);
  if (denied.length > 0) throw new ConflictError("POLICY_DENIED", denied.join("\n  "));
}

/** Executes exactly a plan's changes. */
export async function execute(shell: Shell, { world, project }: OpenProject, plan: OpenPlan): Promise<RunResult> {
  const { apply } = await import("../engine/apply.ts");
  return gracefully(shell, (listen, signals) => apply(world, project, plan, listen, signals));
}

/** The first signal stops between batches; the second ends the process, which the journal is made for. */
export async function gracefully<T>(
  shell: Shell,
  work: (listen: Listener, signals: ApplySignals) => Promise<T>,
): Promise<T> {
  const { signals } = shell;
  const say = () =>
    shell.note(
      "\nStopping: batches in flight are finished first, and the run can be resumed.\nOnce more (Ctrl-C) stops at once.",
    );
  signals.stop.addEventListener("abort", say, { once: true });
  try {
    return await withProgress(shell, (listen) =>
      work(listen, { stop: signals.stop, abort: new AbortController().signal }),
    );
  } finally {
    signals.stop.removeEventListener("abort", say);
  }
}

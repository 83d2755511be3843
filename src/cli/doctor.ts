/** `ebb doctor`. @module */
import type { Command } from "commander";
import { EbbError } from "../core/errors.ts";
import type { Check } from "../engine/doctor.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import { loadProject } from "./project.ts";
import type { Shell } from "./shell.ts";

export function define(command: Command, run: Run): void {
  command
    .description("Checks Node, the project, secrets, connections, objects, fields and the state, and says what to fix.")
    .addHelpText("after", "\nExample:\n  ebb doctor")
    .action(() => run(doctorCommand));
}

async function doctorCommand(shell: Shell): Promise<number> {
  const { checksJson, renderCheck, renderVerdict } = await import("../report/doctor.ts");
  const checks: Check[] = [];
  for await (const check of allChecks(shell)) {
    checks.push(check);
    if (!shell.json) shell.print(renderCheck(check, shell.style));
  }
  shell.print(shell.json ? checksJson(checks) : renderVerdict(checks, shell.style));
  return checks.some(({ status }) => status === "fail") ? Exit.error : Exit.done;
}

async function* allChecks(shell: Shell): AsyncIterable<Check> {
  yield { about: "node", status: "ok", detail: process.versions.node };
  let open: Awaited<ReturnType<typeof loadProject>>;
  try {
    open = await loadProject(shell, { engine: true });
  } catch (error) {
    if (!(error instanceof EbbError)) throw error;
    yield { about: "project", status: "fail", detail: `${error.code}: ${error.message}`, next: error.next };
    return;
  }
  const { world, project } = open;
  yield { about: "project", status: "ok", detail: `${world.directory}, ${project.syncs.length} declared` };
  const { examine } = await import("../engine/doctor.ts");
  yield* examine(world, project, shell.signals.stop);
}

import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import { judging } from "../judging.ts";
import { SAMPLES } from "../options.ts";
import { withProgress } from "../progress.ts";
import { sealFor } from "../sealing.ts";
import type { Call, Calls } from "./calls.ts";

const input = z.strictObject({
  sync: z.array(z.string()).max(1_000).optional().describe("Names of the syncs to plan; all when left out."),
  refresh: z
    .enum(["full", "changed", "off"])
    .optional()
    .describe(
      "How much of the destination is read: full, only records the warehouse changed, or nothing but what Ebb recorded. Left out: as each sync declares it.",
    ),
  out: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe(
      "Save the plan in this new file, whose name ends in .ebb, inside the project; a name alone goes to .ebb/plans. Leave it out to look only.",
    ),
});

export function registerPlan(server: McpServer, calls: Calls): void {
  server.registerTool(
    "plan",
    {
      title: "Plan",
      description:
        "Reads the warehouse and the business tools and shows what an apply would create, update and delete, field by field. Use it to answer what a change to the project would do, or what is different now. It changes nothing in any system, but costs their API calls and may take minutes. With out, the plan is saved so that a person can review it and have exactly it applied. A guard or policy that stops the plan is a verdict, not an error.",
      inputSchema: input,
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
    },
    (given, extra) => calls.answerInTurn(extra, (call) => planned(call, given)),
  );
}

async function planned(call: Call, { sync, refresh, out }: z.output<typeof input>): Promise<CallToolResult> {
  const { shell, withhold } = call;
  const { world, project, policies } = await call.load({ engine: true });
  const [{ keepPlan, planToWrite }, { planResult }, { plan }, { withScratch }, { openState }, { unfinishedRuns }] =
    await Promise.all([
      import("./plan-files.ts"),
      import("./plan-result.ts"),
      import("../../engine/plan.ts"),
      import("../../engine/staging/scratch.ts"),
      import("../../engine/state/state.ts"),
      import("../../engine/run/runs.ts"),
    ]);
  const root = world.directory;
  const file = out === undefined ? null : await planToWrite(root, out);
  const seal = await sealFor({ ...(file === null ? {} : { out: file }), encryptTo: [] }, shell.env);
  const judged = await judging(policies);
  const [unfinished] = await unfinishedRuns(world, openState(world, project.state.directory));
  return withScratch(async (directory) => {
    const settings = { targets: sync ?? [], directory, ...judged, ...(refresh === undefined ? {} : { refresh }) };
    const made = await withProgress(shell, (listen) => plan(world, project, settings, listen, shell.signals.stop));
    if (file !== null) await keepPlan(made, root, file, seal);
    return planResult(shell, made, {
      detail: SAMPLES,
      file,
      unfinished: unfinished?.run,
      withhold,
      now: world.now(),
    });
  });
}

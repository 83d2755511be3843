import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import { lastRuns, resultNow } from "../runs.ts";
import type { Call, Calls } from "./calls.ts";
import { resultOf } from "./result.ts";

const input = z.strictObject({
  run: z
    .string()
    .regex(/^[0-9A-Za-z-]{1,64}$/)
    .optional()
    .describe("Name of one run, to see its outcomes and what was rejected."),
  limit: z.number().int().min(1).max(200).default(20).describe("Runs, or rejected records, to list."),
});

export function registerRuns(server: McpServer, calls: Calls): void {
  server.registerTool(
    "runs",
    {
      title: "List runs",
      description:
        "Lists what has been applied, newest first, with counts of what was applied, rejected or left; or tells of one run what each sync's changes became and which codes the destination rejected records with. Use it to find out whether and when something was applied. It reads what Ebb keeps on disk, and no system.",
      inputSchema: input,
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    (given, extra) => calls.answer(extra, (call) => ran(call, given)),
  );
}

async function ran(call: Call, { run: name, limit }: z.output<typeof input>): Promise<CallToolResult> {
  const { world, project } = await call.load({ engine: name !== undefined });
  const [{ openState }, { loadRun }, { runDetailJson, runsJson }] = await Promise.all([
    import("../../engine/state/state.ts"),
    import("../../engine/run/runs.ts"),
    import("../../report/runs.ts"),
  ]);
  const store = openState(world, project.state.directory);
  if (name === undefined) {
    const { lines, held } = await lastRuns(world, store, limit);
    return resultOf({ said: [], data: JSON.parse(runsJson(lines, held)) as object, records: true });
  }
  const { readRejected } = await import("../../engine/inspect.ts");
  const run = await loadRun(world, store, name);
  const result = tellable(await resultNow(run), call);
  const json = runDetailJson(result, await readRejected(run, limit), false);
  return resultOf({ said: [], data: JSON.parse(json) as object, records: true });
}

type Result = Awaited<ReturnType<typeof resultNow>>;

/** What stopped a run is told in a system's words. */
export function tellable(result: Result, { withhold }: Pick<Call, "withhold">): Result {
  const { problem, warnings, ...rest } = result;
  return {
    ...rest,
    ...(problem === undefined ? {} : { problem: withhold(problem) }),
    ...(warnings === undefined ? {} : { warnings: warnings.map(withhold) }),
  };
}

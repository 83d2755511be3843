import { join } from "node:path";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import { errorCodes } from "../../core/errors.ts";
import { findApp } from "../app.ts";
import { SAMPLES } from "../options.ts";
import { looseWorld } from "../project.ts";
import { identitiesFor } from "../sealing.ts";
import type { Call, Calls } from "./calls.ts";

const input = z.strictObject({
  file: z.string().min(1).max(1_000).describe("A saved plan, by its path from the project's folder."),
  detail: z.number().int().min(0).max(100).default(SAMPLES).describe("Records of each kind to show."),
});

export function registerShowPlan(server: McpServer, calls: Calls): void {
  server.registerTool(
    "show_plan",
    {
      title: "Show a saved plan",
      description:
        "Shows a plan that was saved before, by this server or by `ebb plan --out`. Use it to look at a plan again or in more detail; it reads the file and nothing else.",
      inputSchema: input,
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    (given, extra) => calls.answer(extra, (call) => shown(call, given)),
  );
}

async function shown({ shell }: Call, { file: given, detail }: z.output<typeof input>): Promise<CallToolResult> {
  const [{ planToRead }, { planResult }, { unpackPlan }, { withScratch }] = await Promise.all([
    import("./plan-files.ts"),
    import("./plan-result.ts"),
    import("../../engine/plan-file.ts"),
    import("../../engine/staging/scratch.ts"),
  ]);
  const { root } = await findApp(process.cwd());
  const file = await planToRead(root, given);
  const identities = await identitiesFor([], shell.env);
  const world = await looseWorld();
  return withScratch(async (directory) => {
    const plan = await unpackPlan(world, join(root, file), directory, identities);
    return planResult(shell, plan, { detail, file, withhold: meaning, now: world.now() });
  });
}

/** Without the project it is not known what in a vendor's words is an address; what their code means is. */
function meaning(text: string): string {
  const [, code = ""] = /^([A-Z_]+): /.exec(text) ?? [];
  const known = Object.entries(errorCodes).find(([name]) => name === code);
  return known ? `${code}: ${known[1].meaning}` : text;
}

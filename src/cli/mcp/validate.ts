import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import { judging } from "../judging.ts";
import type { Call, Calls } from "./calls.ts";
import { resultOf } from "./result.ts";

export function registerValidate(server: McpServer, calls: Calls): void {
  server.registerTool(
    "validate",
    {
      title: "Validate the project",
      description:
        "Checks every declared sync and loads the policies, without a network and without credentials. Use it after the project's code has been edited: an error names each problem, where it stands and what to do next.",
      inputSchema: z.strictObject({}),
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    (_, extra) => calls.answer(extra, validate),
  );
}

async function validate(call: Call): Promise<CallToolResult> {
  const { project, policies } = await call.load();
  // A broken policy is found before a plan needs it.
  await judging(policies);
  const data = { valid: true, syncs: project.syncs.map(({ name }) => name), policyFiles: policies.length };
  return resultOf({ said: ["No problem was found."], data, records: false });
}

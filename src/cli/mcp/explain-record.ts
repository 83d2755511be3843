import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import { withProgress } from "../progress.ts";
import type { Call, Calls } from "./calls.ts";
import { resultOf } from "./result.ts";

const input = z.strictObject({
  sync: z.string().describe("Name of the sync; list_syncs has them."),
  key: z.string().max(4_000).describe("The record's key; of several columns a JSON array of their values."),
});

export function registerExplainRecord(server: McpServer, calls: Calls): void {
  server.registerTool(
    "explain_record",
    {
      title: "Explain a record",
      description:
        "Tells everything about one record of one sync: its row in the source, how each field is made of it, what Ebb recorded and what is in the destination now, what a plan would do and why, and what the last runs did. Use it when somebody asks why a record is, or is not, as it should be. It plans that sync, so it costs API calls, and changes nothing. Values are masked unless their field is public.",
      inputSchema: input,
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
    },
    (given, extra) => calls.answerInTurn(extra, (call) => explained(call, given)),
  );
}

async function explained(call: Call, { sync, key }: z.output<typeof input>): Promise<CallToolResult> {
  const { shell } = call;
  const { world, project } = await call.load({ engine: true });
  const [{ explain }, { explainedJson }, { createReveal }] = await Promise.all([
    import("../../engine/explain/explain.ts"),
    import("../../report/explain.ts"),
    import("../../report/reveal.ts"),
  ]);
  const found = await withProgress(shell, (listen) =>
    explain(world, project, { key, sync }, listen, shell.signals.stop),
  );
  const reveal = createReveal([found.sync], { all: false, salt: world.randomName() });
  return resultOf({ said: [], data: JSON.parse(explainedJson(found, reveal)) as object, records: true });
}

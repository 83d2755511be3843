import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import type { Call, Calls } from "./calls.ts";
import { resultOf } from "./result.ts";

export function registerListSyncs(server: McpServer, calls: Calls): void {
  server.registerTool(
    "list_syncs",
    {
      title: "List syncs",
      description:
        "Lists the syncs this project declares: from which connection to which connection and object, by which key, in which mode, with which fields and how private each is. Use it first, to learn the names other tools take. Reads the project only: no warehouse, no business tool. Connections are given by name; their addresses and options are never given.",
      inputSchema: z.strictObject({}),
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    (_, extra) => calls.answer(extra, listSyncs),
  );
}

async function listSyncs(call: Call): Promise<CallToolResult> {
  const { project } = await call.load();
  const syncs = project.syncs.map(({ name, mode, source, destination, key, fields, refresh, onDrift }) => ({
    name,
    mode,
    source: source.connection,
    destination: destination.connection,
    object: destination.object,
    key,
    matchOn: destination.matchOn,
    refresh,
    onDrift,
    fields: Object.entries(fields).map(([field, { privacy = "internal" }]) => ({ name: field, privacy })),
  }));
  return resultOf({ said: [], data: { syncs }, records: false });
}

import { join } from "node:path";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import { ConfigError } from "../../core/errors.ts";
import type { RunStatus } from "../../engine/run/runs.ts";
import { execute, withReviewed } from "../applying.ts";
import { identitiesFor } from "../sealing.ts";
import type { Call, Calls } from "./calls.ts";
import { resultOf } from "./result.ts";
import { tellable } from "./runs.ts";

const input = z.strictObject({
  file: z.string().min(1).max(1_000).describe("The saved plan, by its path from the project's folder."),
  digest: z.string().max(200).describe("The plan's whole digest, 64 characters, which a person has approved."),
});

const words: Readonly<Record<RunStatus, string>> = {
  applied: "Everything is applied.",
  partial: "Applied, but not all of it: some records were rejected, or had moved and were left.",
  stopped: "Stopped before the end. Applying the same plan again goes on where it stopped.",
  running: "Running.",
};

/** @param approved whole digests that a person gave where the server was started: nothing a model says adds to them */
export function registerApply(server: McpServer, calls: Calls, approved: readonly string[]): void {
  server.registerTool(
    "apply",
    {
      title: "Apply an approved plan",
      description:
        "Executes exactly a saved plan: writes to the business tools. It works only for a plan whose whole digest a person approved when the server was started; any other is refused, and there is no way to approve one from here. Use it only when the user asks for this plan to be applied.",
      inputSchema: input,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
    },
    (given, extra) => calls.answerInTurn(extra, (call) => applied(call, approved, given)),
  );
}

async function applied(
  call: Call,
  approved: readonly string[],
  { file, digest }: z.output<typeof input>,
): Promise<CallToolResult> {
  if (!approved.includes(digest.toLowerCase()))
    throw new ConfigError("APPROVAL_NEEDED", "no person has approved a plan of this digest for this server", {
      next: "A person reviews the plan (`ebb show FILE`), and starts the server with `ebb mcp --enable-apply --approve DIGEST`, DIGEST being all 64 characters. Or that person applies it: `ebb apply FILE`.",
    });
  const { shell } = call;
  const identities = await identitiesFor([], shell.env);
  const open = await call.load({ engine: true });
  const [{ planToRead }, { runJson }] = await Promise.all([import("./plan-files.ts"), import("../../report/json.ts")]);
  const root = open.world.directory;
  const path = join(root, await planToRead(root, file));
  return withReviewed(shell, open, { file: path, digest, policies: [], identities }, async (plan) => {
    const result = tellable(await execute(shell, open, plan), call);
    return resultOf({ said: [words[result.status]], data: JSON.parse(runJson(result)) as object, records: true });
  });
}

/** An MCP client, and the bare protocol, against the compiled command line. @module */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { quiet, root } from "../cli/run.ts";

const program = join(root, "bin/ebb.js");

export interface Served {
  readonly client: Client;
  /** Calls a tool; what it answers is also kept in `seen`. */
  call(name: string, args?: Record<string, unknown>): Promise<CallToolResult>;
  /** Everything that was answered or written to stderr, as text. */
  seen(): string;
  close(): Promise<void>;
}

export async function serve(
  cwd: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Served> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, "mcp", ...args],
    cwd,
    env,
    stderr: "pipe",
  });
  const seen: string[] = [];
  transport.stderr?.on("data", (chunk) => seen.push(String(chunk)));
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  return {
    client,
    async call(name, args = {}) {
      const result = (await client.callTool({ name, arguments: args })) as CallToolResult;
      seen.push(JSON.stringify(result), textOf(result));
      return result;
    },
    seen: () => seen.join("\n"),
    close: () => client.close(),
  };
}

export function textOf({ content }: CallToolResult): string {
  return content.map((one) => (one.type === "text" ? one.text : "")).join("\n");
}

/** The structured content, to be looked into. */
export function dataOf({ structuredContent }: CallToolResult): Readonly<Record<string, unknown>> {
  return structuredContent ?? {};
}

/** The error a result tells of. */
export function errorOf({ isError, structuredContent }: CallToolResult): unknown {
  return isError === true ? structuredContent?.error : undefined;
}

export interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: CallToolResult;
}

export interface Bare {
  readonly child: ChildProcess;
  send(message: object): void;
  /** Asks for a tool, with a progress token. */
  ask(id: number, name: string, args?: object): void;
  /** The first message from now on, or before, that is meant. Fails when the server ends without it. */
  message(meant: (message: Message) => boolean): Promise<Message>;
  /** All that stdout held. */
  out(): string;
  /** The exit code, once the server has ended. */
  readonly ended: Promise<number | null>;
}

/** The protocol line by line, to see every byte of stdout. */
export async function bare(cwd: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<Bare> {
  const child = spawn(process.execPath, [program, "mcp", ...args], { cwd, env: { ...quiet, ...env } });
  let out = "";
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  let rest = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
    rest += chunk;
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("{")) messages.push(JSON.parse(line) as Message);
    for (const look of waiting) look();
  });
  child.stderr.resume();
  const ended = once(child, "close").then(([code]) => code as number | null);
  const send = (message: object) => void child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const message: Bare["message"] = (meant) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = messages.find(meant);
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      void ended.then((code) => reject(new Error(`the server ended with ${code}: ${out}`)));
    });
  const clientInfo = { name: "test", version: "1" };
  send({ id: 0, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo } });
  await message(({ id }) => id === 0);
  send({ method: "notifications/initialized" });
  return {
    child,
    send,
    ask: (id, name, given = {}) =>
      send({ id, method: "tools/call", params: { name, arguments: given, _meta: { progressToken: id } } }),
    message,
    out: () => out,
    ended,
  };
}

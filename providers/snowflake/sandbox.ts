/** A local server that speaks Snowflake's wire protocol, over an embedded engine. Its faults are described in the README. @module */
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Sandbox, SandboxOptions } from "../../src/connector/index.ts";
import { Engine } from "./sandbox/sql/engine.ts";
import { type Answer, refusal } from "./sandbox/wire/answer.ts";
import { ChunkStore } from "./sandbox/wire/chunks.ts";
import { type Failure, Faults } from "./sandbox/wire/faults.ts";
import { account, known } from "./sandbox/wire/login.ts";
import { Queries } from "./sandbox/wire/queries.ts";
import { type Call, receive, routes } from "./sandbox/wire/routes.ts";
import { runScript } from "./sandbox/wire/script.ts";
import { Sessions } from "./sandbox/wire/sessions.ts";
import { SignIns } from "./sandbox/wire/sign-ins.ts";

/** Starts the server on 127.0.0.1. A `seed.sql` in the folder is run when the folder holds no database yet. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { directory } = options;
  const faults = new Faults(options.faults ?? {});
  const seed = directory === undefined ? undefined : join(directory, "seed.sql");
  const fresh = directory !== undefined && !existsSync(join(directory, "DEMO.duckdb"));
  const engine = await Engine.open(directory);
  const chunks = new ChunkStore();
  let url = "";
  const signIns = new SignIns(() => url);
  const sessions = new Sessions(engine, faults, signIns);
  const queries = new Queries(faults, chunks, () => url);
  const seeding = await sessions.administrator();
  if (fresh && seed !== undefined && existsSync(seed)) await runScript(seeding, readFileSync(seed, "utf8"));
  const dispatch = routes({ faults, sessions, signIns, queries, chunks, seeding });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call: Call = await receive(request);
    const failure = call.path.startsWith("/__sandbox/") ? undefined : faults.strike(`${call.method} ${request.url}`);
    if (failure?.delayMs) await new Promise((done) => setTimeout(done, failure.delayMs).unref());
    if (failure?.reset === "before") return void request.socket.destroy();
    if (failure && (failure.status !== undefined || failure.body !== undefined)) return sendFailure(response, failure);
    const result = await dispatch(call);
    if (failure?.reset === "after") return void request.socket.destroy();
    send(response, result);
  };
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    answer(request, response).catch((error: unknown) =>
      send(response, refusal("300002", error instanceof Error ? error.message : String(error))),
    );
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(options.port, "127.0.0.1", listening);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    credentials: { account, user: known.user, token: known.token },
    async close() {
      await new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      });
      await sessions.close();
      await seeding.sql.close();
      engine.close();
    },
  };
}

function send(response: ServerResponse, { status, json, location, gzip, missing }: Answer): void {
  if (response.destroyed) return;
  if (gzip) {
    const length = missing === undefined ? gzip.length : gzip.length + Math.ceil(missing);
    response.writeHead(status, {
      "content-encoding": "gzip",
      "content-type": "binary/octet-stream",
      "content-length": length,
    });
    // A connection that ends before the announced length: the client is to notice.
    if (missing === undefined) response.end(gzip);
    else response.write(gzip, () => response.destroy());
    return;
  }
  response.writeHead(status, { "content-type": "application/json", ...(location === undefined ? {} : { location }) });
  response.end(json === undefined ? "" : JSON.stringify(json));
}

function sendFailure(response: ServerResponse, { status = 200, body = "" }: Failure): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type = typeof body !== "string" ? "application/json" : text.startsWith("<") ? "text/html" : "text/plain";
  response.writeHead(status, { "content-type": type });
  response.end(text);
}

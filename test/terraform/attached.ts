/** Real Terraform, attached to a provider inside this process: nothing is installed, and only Terraform is started. @module */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { providerAddress } from "../../src/core/provider-address.ts";
import { serveGrpc } from "../../src/terraform/grpc.ts";
import { createService, type Service } from "../../src/terraform/service.ts";
import type { Ended } from "../cli/run.ts";
import { clear as clearFolders, execute, folder } from "./terraform.ts";

export interface Attached {
  readonly directory: string;
  /** Runs Terraform in the folder. */
  terraform(...args: readonly string[]): Promise<Ended>;
  /** The same, with variables of the environment, or with something done meanwhile. */
  run(args: readonly string[], env?: NodeJS.ProcessEnv, meanwhile?: (child: ChildProcess) => void): Promise<Ended>;
}

const closers: (() => void)[] = [];

/** Ends all providers and removes all folders. */
export function clear(): void {
  for (const close of closers.splice(0)) close();
  clearFolders();
}

/** A new folder with these files, initialised. */
export async function attached(files: Readonly<Record<string, string>>): Promise<Attached> {
  const made = await attach(folder(files));
  const init = await made.terraform("init", "-no-color");
  if (init.code !== 0) throw new TypeError(init.err);
  return made;
}

/** Lets Terraform in a folder find a provider inside this process. */
export async function attach(directory: string): Promise<Attached> {
  const provider = {
    Protocol: "grpc",
    ProtocolVersion: 6,
    Pid: process.pid,
    Test: true,
    Addr: { Network: "unix", String: await serve(directory) },
  };
  const attaching = { TF_REATTACH_PROVIDERS: JSON.stringify({ [providerAddress]: provider }) };
  const run: Attached["run"] = (args, env = {}, meanwhile = () => undefined) =>
    execute("terraform", args, directory, { ...attaching, ...env }, meanwhile);
  return { directory, run, terraform: (...args) => run(args) };
}

/**
 * Serves the provider on a socket, whose path is the answer. Each connection is of a Terraform that would have started a
 * process of its own, and so gets a provider of its own.
 */
export async function serve(directory: string): Promise<string> {
  const place = mkdtempSync(join(tmpdir(), "ebb-attached-"));
  const path = join(place, "provider.sock");
  const server = createServer({ settings: { initialWindowSize: 16 * 1024 * 1024 } });
  const services = new WeakMap<object, Service>();
  serveGrpc(
    server,
    (name, message, connection) => {
      const service = services.get(connection ?? server) ?? createService(directory);
      services.set(connection ?? server, service);
      return service.answer(name, message);
    },
    () => undefined,
  );
  await new Promise<void>((resolve) => server.listen(path, resolve));
  closers.push(() => {
    server.close();
    rmSync(place, { recursive: true, force: true });
  });
  return path;
}

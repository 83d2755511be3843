/** A real PostgreSQL server in a temporary folder, for tests. @module */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestServer {
  readonly port: number;
  /** Connection string of the superuser, over TCP with a password. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Folder of the newest installed server's programs; undefined when there is none. */
export function serverPrograms(root = "/usr/lib/postgresql"): string | undefined {
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(root, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
}

/** Starts a server on a free loopback port. It refuses to run as root, so root becomes `postgres` for it. */
export async function startServer(bin: string, password = "test-password"): Promise<TestServer> {
  const root = process.getuid?.() === 0;
  const directory = await mkdtemp(join(tmpdir(), "ebb-postgres-"));
  const passwordFile = join(directory, "password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (root) execute("chown", ["-R", "postgres", directory]);
  const asUser = (program: string, args: readonly string[]): [string, string[]] =>
    root
      ? ["setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", program, ...args]]
      : [program, [...args]];

  const data = join(directory, "data");
  const common = ["-D", data, "-U", "admin", "--auth=scram-sha-256", "--no-sync", "-E", "UTF8", "--locale=C"];
  execute(...asUser(join(bin, "initdb"), [...common, `--pwfile=${passwordFile}`]));
  const port = await freePort();
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${directory}`];
  const server = spawn(...asUser(join(bin, "postgres"), ["-D", data, ...settings.flatMap((s) => ["-c", s])]), {
    stdio: ["ignore", "ignore", "pipe"],
    cwd: directory,
  });
  const gone = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes("ready to accept connections")) resolve();
    });
    server.once("exit", () => reject(new Error(`the server ended at once: ${log}`)));
  });
  return {
    port,
    url: `postgres://admin:${password}@127.0.0.1:${port}/postgres`,
    async stop() {
      server.kill("SIGQUIT");
      await gone;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function execute(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, [...args], { encoding: "utf8", cwd: tmpdir() });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

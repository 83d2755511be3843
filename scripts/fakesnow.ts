/**
 * A second opinion on the Snowflake connector: fakesnow (Python), an emulator that others wrote, behind a small shim.
 * Run it to install fakesnow in a temporary folder and run the connector's tests against it; where there is no Python
 * it says so.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export interface Fakesnow {
  readonly url: string;
  close(): Promise<void>;
}

/** fakesnow, and the last major version of Snowflake's Python connector that it loads with. */
const packages = ["fakesnow[server]==0.12.1", "snowflake-connector-python<5"];

/** Why fakesnow cannot be started here; undefined when it can. */
export function missing(): string | undefined {
  const { status } = spawnSync("python3", ["-c", "import venv, sys; sys.exit(sys.version_info < (3, 10))"]);
  return status === 0 ? undefined : "there is no Python of at least 3.10 with venv on this machine";
}

/** Installs fakesnow and starts it on a free port. */
export async function startFakesnow(): Promise<Fakesnow> {
  const folder = await mkdtemp(join(tmpdir(), "ebb-fakesnow-"));
  const python = join(folder, "venv", "bin", "python");
  execute("python3", ["-m", "venv", join(folder, "venv")]);
  execute(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages]);
  const port = await freePort();
  const shim = fileURLToPath(new URL("fakesnow.shim.py", import.meta.url));
  const server = spawn(python, [shim, String(port)], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const gone = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 300; tries++) {
    const up = await fetch(url).then(
      () => true,
      () => false,
    );
    if (up || server.exitCode !== null) break;
    await wait(100);
  }
  return {
    url,
    async close() {
      server.kill();
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function execute(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new TypeError(`${program} ${args.join(" ")}: ${stderr}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === "object" && address ? address.port : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const reason = missing();
  if (reason) process.stdout.write(`fakesnow: skipped, because ${reason}\n`);
  else {
    const { status } = spawnSync("npx", ["vitest", "run", "providers/snowflake/fakesnow.test.ts"], {
      stdio: "inherit",
      env: { ...process.env, EBB_REQUIRE_FAKESNOW: "1" },
    });
    process.exitCode = status ?? 1;
  }
}

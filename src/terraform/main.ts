/**
 * The Terraform provider's process. The handshake comes first and loads as little as it can; what answers is loaded
 * while Terraform connects.
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createSecureServer, createServer, type Http2Server } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Certificate, createCertificate } from "./certificate.ts";
import { serveGrpc } from "./grpc.ts";
import { type Address, handshakeLine, isStartedByTerraform, speaksProtocol } from "./handshake.ts";

const hint = `This program is the Ebb provider for Terraform, which starts it by itself.
  Next: Run \`ebb terraform install\` and then \`terraform init\`.
`;

/** Runs until Terraform shuts the provider down, or is gone. */
export async function main(): Promise<void> {
  const { env } = process;
  if (!isStartedByTerraform(env)) return leave(hint);
  if (!speaksProtocol(env)) return leave("Ebb needs Terraform 1.1 or newer.\n");
  const certificate = env.PLUGIN_CLIENT_CERT ? createCertificate(Date.now()) : undefined;
  const server = createProvider(certificate, env.PLUGIN_CLIENT_CERT);
  const directory =
    process.platform === "win32" ? undefined : mkdtempSync(join(env.PLUGIN_UNIX_SOCKET_DIR ?? tmpdir(), "ebb-"));
  process.on("exit", () => directory && rmSync(directory, { recursive: true, force: true }));

  const service = () => import("./service.ts").then(({ createService }) => createService(process.cwd()));
  let loaded: ReturnType<typeof service> | undefined;
  const load = () => {
    loaded ??= service();
    return loaded;
  };
  serveGrpc(
    server,
    async (path, message) => (await load()).answer(path, message),
    (path) => {
      if (path === "/plugin.GRPCController/Shutdown") process.exit(0);
    },
  );
  // A Ctrl-C reaches this process too, but it is Terraform that tells when to stop.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => process.exit(143));
  exitWithTerraform(server);

  const address = await listen(server, directory);
  process.stdout.write(handshakeLine(address, certificate));
  // The line was the one thing Terraform reads there; a library that prints must not disturb it.
  process.stdout.write = process.stderr.write.bind(process.stderr);
  await load();
}

function leave(message: string): void {
  process.stderr.write(message);
  process.exitCode = 1;
}

function createProvider(own: Certificate | undefined, terraform: string | undefined): Http2Server {
  const settings = { initialWindowSize: 16 * 1024 * 1024 };
  if (!own || terraform === undefined) return createServer({ settings });
  return createSecureServer({
    settings,
    key: own.key,
    cert: own.pem,
    ca: terraform,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
  });
}

function listen(server: Http2Server, directory: string | undefined): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    if (directory !== undefined) {
      const path = join(directory, "provider.sock");
      server.listen(path, () => resolve({ network: "unix", path }));
    } else
      server.listen(0, "127.0.0.1", () => {
        const at = server.address();
        resolve({ network: "tcp", port: typeof at === "object" && at ? at.port : 0 });
      });
  });
}

/** Terraform that was killed tells nobody: its connection closes. */
function exitWithTerraform(server: Http2Server): void {
  let open = 0;
  server.on("session", (session) => {
    open += 1;
    session.on("close", () => {
      open -= 1;
      if (open === 0) process.exit(0);
    });
  });
}

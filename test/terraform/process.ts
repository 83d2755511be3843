/** Starts the provider as Terraform does, and speaks gRPC with it, without Terraform. @module */
import { type ChildProcess, spawn } from "node:child_process";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Certificate } from "../../src/terraform/certificate.ts";
import { root } from "../cli/run.ts";

export const cookie = {
  TF_PLUGIN_MAGIC_COOKIE: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
  PLUGIN_PROTOCOL_VERSIONS: "6,5",
};

export interface Started {
  readonly child: ChildProcess;
  /** The parts of the handshake's line. */
  readonly handshake: readonly string[];
  /** All that came on stdout so far. */
  out(): string;
  readonly ended: Promise<number | string | null>;
}

export async function start(env: NodeJS.ProcessEnv): Promise<Started> {
  const child = spawn(process.execPath, [join(root, "bin", "terraform-provider-ebb.js")], {
    env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let out = "";
  const ended = new Promise<number | string | null>((resolve) => child.on("close", (code, by) => resolve(code ?? by)));
  await new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk) => {
      out += chunk;
      if (out.includes("\n")) resolve();
    });
    child.on("close", () => resolve());
  });
  return { child, handshake: out.trimEnd().split("|"), out: () => out, ended };
}

/** A connection to a started provider; with a certificate, over TLS. */
export function open({ handshake }: Started, own?: Certificate): ClientHttp2Session {
  const path = handshake[3] ?? "";
  if (!own) return connect("http://localhost", { createConnection: () => connectSocket(path) });
  const der = handshake[5] ?? "";
  const ca = `-----BEGIN CERTIFICATE-----\n${der}${"=".repeat((4 - (der.length % 4)) % 4)}\n-----END CERTIFICATE-----\n`;
  const secure = (): TLSSocket =>
    connectTls({ path, ca, cert: own.pem, key: own.key, servername: "localhost", ALPNProtocols: ["h2"] });
  return connect("https://localhost", { createConnection: secure });
}

export interface Answered {
  readonly status: string;
  readonly message: Buffer;
}

/** One unary call. */
export function call(session: ClientHttp2Session, path: string, message = Buffer.alloc(0)): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    let status = "";
    const take = (headers: Readonly<Record<string, unknown>>) => {
      status = String(headers["grpc-status"] ?? status);
    };
    stream.on("response", take);
    stream.on("trailers", take);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => resolve({ status, message: Buffer.concat(chunks).subarray(5) }));
    session.on("error", reject);
    const header = Buffer.alloc(5);
    header.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([header, message]));
  });
}

/** What Terraform and a provider agree on before they speak: go-plugin's handshake. @module */
import type { Certificate } from "./certificate.ts";

/** The variable by which a program knows that Terraform has started it, and its value: fixed by Terraform. */
const cookie = {
  name: "TF_PLUGIN_MAGIC_COOKIE",
  value: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
} as const;

const CORE_PROTOCOL = 1;
const PLUGIN_PROTOCOL = 6;

export type Address =
  | { readonly network: "unix"; readonly path: string }
  | { readonly network: "tcp"; readonly port: number };

export function isStartedByTerraform(env: NodeJS.ProcessEnv): boolean {
  return env[cookie.name] === cookie.value;
}

/** True where Terraform speaks the provider's major version of the protocol. */
export function speaksProtocol(env: NodeJS.ProcessEnv): boolean {
  const versions = env.PLUGIN_PROTOCOL_VERSIONS;
  return versions === undefined || versions.split(",").includes(String(PLUGIN_PROTOCOL));
}

/** The one line on stdout: where to connect, and the certificate in base64 without padding. */
export function handshakeLine(address: Address, certificate: Certificate | undefined): string {
  const at = address.network === "unix" ? address.path : `127.0.0.1:${address.port}`;
  const der = certificate?.der.toString("base64").replace(/=+$/, "") ?? "";
  return `${[CORE_PROTOCOL, PLUGIN_PROTOCOL, address.network, at, "grpc", der].join("|")}\n`;
}

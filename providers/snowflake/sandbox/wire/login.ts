/** Who may log in, and how. @module */
import { createHash, createPublicKey, createVerify } from "node:crypto";
import type { FaultSettings } from "./faults.ts";

/** What signs in here. Never real secrets. */
export const account = "SANDBOX";
export const known = {
  user: "EBB",
  password: "ebb-sandbox-password",
  token: "ebb-sandbox-token",
  oauthToken: "ebb-sandbox-oauth-token",
  oidcToken: "ebb-sandbox-oidc-token",
} as const;

export type LoginData = Readonly<Record<string, unknown>>;
type Refusal = readonly [code: string, message: string];

/** Why a login is refused; undefined when it is not. */
export function loginProblem(data: LoginData, role: string | null, faults: FaultSettings): Refusal | undefined {
  const problem = credentialProblem(data, faults);
  if (problem) return problem;
  if (role !== null && faults.roles && !faults.roles.map((name) => name.toUpperCase()).includes(role.toUpperCase()))
    return [
      "390189",
      `Role '${role}' specified in the connect string is not granted to this user. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC.`,
    ];
  return undefined;
}

function credentialProblem(data: LoginData, faults: FaultSettings): Refusal | undefined {
  const token = String(data.TOKEN ?? "");
  const user = String(data.LOGIN_NAME ?? "").toUpperCase();
  switch (String(data.AUTHENTICATOR ?? "SNOWFLAKE").toUpperCase()) {
    case "SNOWFLAKE":
      if (user === known.user && data.PASSWORD === known.password) return undefined;
      return ["390100", "Incorrect username or password was specified."];
    case "PROGRAMMATIC_ACCESS_TOKEN":
      return token === known.token ? undefined : ["394400", "Programmatic access token is invalid."];
    case "OAUTH":
      return token === known.oauthToken ? undefined : ["390303", "Invalid OAuth access token."];
    case "WORKLOAD_IDENTITY":
      if (data.PROVIDER === "OIDC" && token === known.oidcToken) return undefined;
      return ["390318", "The workload identity attestation is invalid."];
    case "SNOWFLAKE_JWT":
      return user === known.user ? jwtProblem(token, faults.publicKey) : ["390144", "JWT token is invalid."];
    default:
      return ["390104", `Authenticator ${String(data.AUTHENTICATOR)} is not accepted.`];
  }
}

function jwtProblem(token: string, publicKey: string | undefined): Refusal | undefined {
  const invalid: Refusal = ["390144", "JWT token is invalid."];
  const [head = "", claimed = "", signature = "", ...more] = token.split(".");
  const claims = decode(claimed);
  if (publicKey === undefined || !claims || !signature || more.length > 0 || decode(head)?.alg !== "RS256")
    return invalid;
  const spki = createPublicKey(publicKey).export({ format: "der", type: "spki" });
  const fingerprint = `SHA256:${createHash("sha256").update(spki).digest("base64")}`;
  const subject = `${account}.${known.user}`;
  if (claims.iss !== `${subject}.${fingerprint}` || claims.sub !== subject) return invalid;
  // Seconds by the standard; this driver writes milliseconds, and the vendor takes both.
  const expires = Number(claims.exp) > 1e11 ? Number(claims.exp) : Number(claims.exp) * 1000;
  if (!(expires > Date.now())) return ["390144", "JWT token has expired."];
  const verifier = createVerify("RSA-SHA256").update(`${head}.${claimed}`);
  return verifier.verify(publicKey, signature, "base64url") ? undefined : invalid;
}

function decode(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

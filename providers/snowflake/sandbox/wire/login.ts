/** Who may log in, and how. @module */
import { createHash, createPublicKey } from "node:crypto";
import type { FaultSettings } from "./faults.ts";
import { expired, verifiedClaims } from "./jwt.ts";
import { authenticatorRefused, type SignIns } from "./sign-ins.ts";
import { workloadKnown } from "./workload.ts";

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
export function loginProblem(
  data: LoginData,
  role: string | null,
  faults: FaultSettings,
  signIns: SignIns,
): Refusal | undefined {
  const problem = credentialProblem(data, faults, signIns);
  if (problem) return problem;
  if (role !== null && faults.roles && !faults.roles.map((name) => name.toUpperCase()).includes(role.toUpperCase()))
    return [
      "390189",
      `Role '${role}' specified in the connect string is not granted to this user. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC.`,
    ];
  return undefined;
}

function credentialProblem(data: LoginData, faults: FaultSettings, signIns: SignIns): Refusal | undefined {
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
      if (workloadKnown(data.PROVIDER, token, known.oidcToken, faults)) return undefined;
      return ["390318", "The workload identity attestation is invalid."];
    case "EXTERNALBROWSER":
      if (!signIns.accepts(token, data.PROOF_KEY))
        return [
          "390133",
          "SAML response is invalid or matching user is not found. Contact your local system administrator.",
        ];
      if (user === "" || user === known.user) return undefined;
      return [
        "390191",
        "The user you were trying to authenticate as differs from the user currently logged in at the IDP.",
      ];
    case "SNOWFLAKE_JWT":
      return user === known.user ? jwtProblem(token, faults.publicKey) : ["390144", "JWT token is invalid."];
    default:
      return authenticatorRefused;
  }
}

function jwtProblem(token: string, publicKey: string | undefined): Refusal | undefined {
  const invalid: Refusal = ["390144", "JWT token is invalid."];
  const claims = publicKey === undefined ? undefined : verifiedClaims(token, publicKey);
  if (publicKey === undefined || !claims) return invalid;
  const spki = createPublicKey(publicKey).export({ format: "der", type: "spki" });
  const fingerprint = `SHA256:${createHash("sha256").update(spki).digest("base64")}`;
  const subject = `${account}.${known.user}`;
  if (claims.iss !== `${subject}.${fingerprint}` || claims.sub !== subject) return invalid;
  return expired(claims, Date.now()) ? ["390144", "JWT token has expired."] : undefined;
}

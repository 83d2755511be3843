/** The token endpoint: client credentials, and JWT bearer. @module */
import { createVerify, randomBytes } from "node:crypto";
import type { FaultSettings } from "./faults.ts";

export const organisation = "00D5g000004AbCdEAK";
const user = "0055g000001AbCdAAK";

/** What signs in here. */
export const app = { clientId: "ebb-sandbox-client", clientSecret: "ebb-sandbox-client-secret" } as const;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class Tokens {
  private readonly expiry = new Map<string, number>();

  /** @param url address of this server, named in the answer and allowed as an audience */
  grant(form: URLSearchParams, url: string, faults: FaultSettings): Answer {
    const type = form.get("grant_type") ?? "";
    const problem =
      type === "client_credentials"
        ? secretProblem(form)
        : type === "urn:ietf:params:oauth:grant-type:jwt-bearer"
          ? assertionProblem(form.get("assertion") ?? "", url, faults)
          : ["unsupported_grant_type", "grant type not supported"];
    if (problem) return { status: 400, body: { error: problem[0], error_description: problem[1] } };
    const token = `${organisation.slice(0, 15)}!${randomBytes(48).toString("base64url")}`;
    this.expiry.set(token, Date.now() + (faults.tokenLifetimeMs ?? 7_200_000));
    const body = {
      access_token: token,
      scope: "api",
      instance_url: url,
      id: `${url}/id/${organisation}/${user}`,
      token_type: "Bearer",
      issued_at: String(Date.now()),
    };
    return { status: 200, body };
  }

  accepts(authorization: string | undefined): boolean {
    const [, token = ""] = /^Bearer (.+)$/i.exec(authorization ?? "") ?? [];
    return (this.expiry.get(token) ?? 0) > Date.now();
  }

  /** Ends every session, as an administrator can. */
  revoke(): void {
    this.expiry.clear();
  }
}

type Problem = readonly [error: string, description: string] | undefined;

function secretProblem(form: URLSearchParams): Problem {
  if (form.get("client_id") !== app.clientId) return ["invalid_client_id", "client identifier invalid"];
  if (form.get("client_secret") !== app.clientSecret) return ["invalid_client", "invalid client credentials"];
  return undefined;
}

function assertionProblem(assertion: string, url: string, faults: FaultSettings): Problem {
  const [head = "", claimed = "", signature = "", ...more] = assertion.split(".");
  const header = decode(head);
  const claims = decode(claimed);
  if (!header || !claims || !signature || more.length > 0 || header.alg !== "RS256")
    return ["invalid_grant", "invalid assertion"];
  if (claims.iss !== app.clientId) return ["invalid_client_id", "client identifier invalid"];
  const audience = String(claims.aud);
  if (audience !== url && !/^https:\/\/[\w.-]+\.(salesforce|force)\.com$/.test(audience))
    return ["invalid_grant", "audience is invalid"];
  const left = Number(claims.exp) - Date.now() / 1000;
  if (!(left > 0)) return ["invalid_grant", "expired authorization code"];
  if (left > 300) return ["invalid_grant", "assertion is valid for too long"];
  if (typeof claims.sub !== "string" || !claims.sub.includes("@"))
    return ["invalid_grant", "user hasn't approved this consumer"];
  if (faults.jwtPublicKey) {
    const verifier = createVerify("RSA-SHA256").update(`${head}.${claimed}`);
    if (!verifier.verify(faults.jwtPublicKey, signature, "base64url")) return ["invalid_grant", "invalid assertion"];
  }
  return undefined;
}

function decode(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

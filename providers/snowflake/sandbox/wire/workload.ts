/** Workloads that log in by the identity their cloud gives them. @module */
import { awsVouches } from "./aws-attestation.ts";
import type { FaultSettings } from "./faults.ts";
import { expired, verifiedClaims } from "./jwt.ts";

/**
 * What the tokens of the clouds have to claim; the issuers and audiences are the real ones, by snowflake-sdk 3.3 and
 * Snowflake's page on workload identity federation. The subjects are the sandbox's own.
 */
export const identities = {
  AZURE: {
    iss: "https://login.microsoftonline.com/00000000-0000-0000-0000-0000000000eb/v2.0",
    aud: "api://fd3f753b-eed3-462c-b6a7-a4b5bb650aad",
    sub: "00000000-0000-0000-0000-00000000ebb0",
  },
  GCP: { iss: "https://accounts.google.com", aud: "snowflakecomputing.com", sub: "100000000000000000000" },
} as const;

/** True when the cloud named vouches for the workload. Tokens are signed with the setting `issuerKey`. */
export function workloadKnown(
  provider: unknown,
  token: string,
  oidcToken: string,
  { issuerKey }: FaultSettings,
): boolean {
  switch (provider) {
    case "OIDC":
      return token === oidcToken;
    case "AWS":
      return awsVouches(token, Date.now());
    case "AZURE":
    case "GCP": {
      const claims = issuerKey === undefined ? undefined : verifiedClaims(token, issuerKey);
      if (!claims || expired(claims, Date.now())) return false;
      return Object.entries(identities[provider]).every(([name, value]) => claims[name] === value);
    }
    default:
      return false;
  }
}

/** Signed tokens, as far as the logins here use them: RS256. @module */
import { createVerify } from "node:crypto";

export type Claims = Readonly<Record<string, unknown>>;

/** What a token claims; undefined where it is none, or where its signature is not of this key (PEM). */
export function verifiedClaims(token: string, publicKey: string): Claims | undefined {
  const [head = "", claimed = "", signature = "", ...more] = token.split(".");
  const claims = decoded(claimed);
  if (!claims || !signature || more.length > 0 || decoded(head)?.alg !== "RS256") return undefined;
  const verifier = createVerify("RSA-SHA256").update(`${head}.${claimed}`);
  return verifier.verify(publicKey, signature, "base64url") ? claims : undefined;
}

/** True when a token is of the past. */
export function expired({ exp }: Claims, now: number): boolean {
  // Seconds by the standard; this driver writes milliseconds into its own, and the vendor takes both.
  const moment = Number(exp) > 1e11 ? Number(exp) : Number(exp) * 1000;
  return !(moment > now);
}

function decoded(part: string): Claims | undefined {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString()) as Claims;
  } catch {
    return undefined;
  }
}

/**
 * What AWS would say of a workload's attestation: a signed request of `GetCallerIdentity` that the driver does not send
 * itself. Snowflake sends it to STS; here its signature is computed again. Shape: snowflake-sdk 3.3, `attestation_aws.js`;
 * signature: version 4 of AWS's signing process.
 * @module
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import * as z from "zod";

/** The workload's credentials. Never real secrets. */
export const awsKey = { id: "AKIAEBBSANDBOXEBBSAN", secret: "ebb-sandbox-aws-secret" } as const;
/** A token of temporary credentials, which has to come with the request where there is one. */
export const awsSessionToken = "ebb-sandbox-aws-session-token";

const query = "Action=GetCallerIdentity&Version=2011-06-15";
const audience = "snowflakecomputing.com";
/** STS takes a request for a quarter of an hour. */
const ageMs = 15 * 60_000;

const attestation = z.strictObject({
  url: z.string(),
  method: z.literal("POST"),
  headers: z.record(z.string(), z.string()),
});

/** True when STS would answer with the workload's identity. `token` is base64 of JSON. */
export function awsVouches(token: string, now: number): boolean {
  const request = attestation.safeParse(parsed(token));
  if (!request.success) return false;
  const { url } = request.data;
  const headers = new Map(Object.entries(request.data.headers).map(([name, value]) => [name.toLowerCase(), value]));
  const [, host = "", region = ""] = /^https:\/\/(sts\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?)\/\?(.*)$/.exec(url) ?? [];
  if (host === "" || !url.endsWith(`/?${query}`)) return false;
  const [, id, day = "", signedRegion, names = "", signature = ""] =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d{8})\/([a-z0-9-]+)\/sts\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      headers.get("authorization") ?? "",
    ) ?? [];
  const moment = headers.get("x-amz-date") ?? "";
  const signed = names.split(";");
  const security = headers.get("x-amz-security-token");
  const whole =
    id === awsKey.id &&
    signedRegion === region &&
    moment.startsWith(day) &&
    Math.abs(timeOf(moment) - now) <= ageMs &&
    headers.get("host") === host &&
    headers.get("x-snowflake-audience") === audience &&
    ["host", "x-amz-date", "x-snowflake-audience"].every((name) => signed.includes(name)) &&
    (security === undefined || (security === awsSessionToken && signed.includes("x-amz-security-token")));
  if (!whole) return false;
  return timingSafeEqual(awsSignature(signed, headers, region), Buffer.from(signature, "hex"));
}

/** The signature of the workload's key for the headers named, by lower case names. */
export function awsSignature(signed: readonly string[], headers: ReadonlyMap<string, string>, region: string): Buffer {
  const canonical = [
    "POST",
    "/",
    query,
    ...signed.map((name) => `${name}:${headers.get(name)?.trim() ?? ""}`),
    "",
    signed.join(";"),
    sha256(""),
  ].join("\n");
  const moment = headers.get("x-amz-date") ?? "";
  const scope = [moment.slice(0, 8), region, "sts", "aws4_request"];
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${awsKey.secret}`);
  return hmac(key, ["AWS4-HMAC-SHA256", moment, scope.join("/"), sha256(canonical)].join("\n"));
}

function parsed(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, "base64").toString());
  } catch {
    return undefined;
  }
}

/** Milliseconds of `20260131T080000Z`; not a number for anything else. */
function timeOf(moment: string): number {
  return Date.parse(moment.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Signs in, and keeps one token for all calls of a connection. @module */
import { createSign } from "node:crypto";
import {
  AuthError,
  ConfigError,
  type Context,
  type EbbError,
  type Http,
  type HttpResponse,
  TransientError,
} from "../../src/connector/index.ts";
import { classifyAnswer, limitSignals } from "./errors.ts";

export interface Credentials {
  readonly loginUrl: string;
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly username?: string | undefined;
  readonly privateKey?: string | undefined;
  readonly baseUrl?: string | undefined;
}

/** An HTTP client that is signed in. */
export interface Session extends Http {
  /** Identifier of the organisation the token is for. */
  organisation(signal: AbortSignal): Promise<string>;
}

interface Grant {
  readonly token: string;
  readonly organisation: string;
  readonly http: Http;
}

/** Nothing is sent before the first call needs a token. */
export function openSession(credentials: Credentials, context: Context): Session {
  const { connection } = context;
  const login = context.http({
    baseUrl: credentials.baseUrl ?? credentials.loginUrl,
    classify: (response) => loginRefused(response, connection),
  });
  let minting: Promise<Grant> | undefined;
  let live: Grant | undefined;

  const granted = (signal: AbortSignal): Promise<Grant> => {
    minting ??= mint(signal).catch((error: unknown) => {
      minting = undefined;
      throw error;
    });
    return minting;
  };

  async function mint(signal: AbortSignal): Promise<Grant> {
    const body = grantForm(credentials, context).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answer = await login.request(
      { method: "POST", path: "/services/oauth2/token", headers, body, repeatable: true },
      signal,
    );
    const reply = answer.json<{ access_token?: string; instance_url?: string; id?: string }>();
    const [, organisation] = /\/id\/(\w+)\//.exec(reply.id ?? "") ?? [];
    if (!reply.access_token || !reply.instance_url || !organisation)
      throw new TransientError("ANSWER_INVALID", `${connection}: the login answered no token`, { unsent: true });
    const grant: Grant = {
      token: reply.access_token,
      organisation,
      http: context.http({
        baseUrl: credentials.baseUrl ?? reply.instance_url,
        headers: async (aborted) => ({ authorization: `Bearer ${(await granted(aborted)).token}` }),
        // Of many calls refused at once, the first forgets the token and the others find the new one.
        renew: async (aborted) => {
          if (live === grant) live = minting = undefined;
          await granted(aborted);
          return true;
        },
        classify: (response) => classifyAnswer(response, connection),
        signals: (response) => limitSignals(response.headers["sforce-limit-info"]),
      }),
    };
    live = grant;
    return grant;
  }

  return {
    organisation: async (signal) => (await granted(signal)).organisation,
    request: async (request, signal) => (await granted(signal)).http.request(request, signal),
  };
}

function grantForm(credentials: Credentials, context: Context): URLSearchParams {
  const { clientId, clientSecret, username, privateKey } = credentials;
  if (clientSecret)
    return new URLSearchParams({
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: clientSecret,
    });
  if (username && privateKey)
    return new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: assertion(credentials.loginUrl, clientId, username, privateKey, context),
    });
  throw new ConfigError(
    "CONFIG_INVALID",
    `${context.connection}: give clientSecret, or username and privateKey, to sign in`,
    { at: context.connection },
  );
}

/** A signed statement (RFC 7523) that is good for three minutes, the most the vendor takes. */
function assertion(audience: string, clientId: string, username: string, privateKey: string, context: Context): string {
  const claims = { iss: clientId, sub: username, aud: audience, exp: Math.floor(context.now() / 1000) + 180 };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
  try {
    // Environment variables often carry a PEM with its line ends written as \n.
    const pem = privateKey.replaceAll("\\n", "\n");
    return `${unsigned}.${createSign("RSA-SHA256").update(unsigned).sign(pem, "base64url")}`;
  } catch {
    // The reason the library gives may quote the key.
    throw new AuthError("AUTH_REFUSED", `${context.connection}: privateKey is not a private key in PEM form`, {
      at: context.connection,
    });
  }
}

const advice: Readonly<Record<string, string>> = {
  invalid_client_id: "Check clientId: it is the consumer key of the app.",
  invalid_client: "Check clientSecret, and that the app allows the client credentials flow with a run-as user.",
  invalid_grant: "Pre-authorise the app for the user, upload the certificate to it, and use My Domain as loginUrl.",
  invalid_app_access: "Give the user a permission set that is assigned to the app.",
};

function loginRefused(response: HttpResponse, connection: string): EbbError | undefined {
  if (response.status !== 400 && response.status !== 401) return undefined;
  const [, reason = "no reason given"] = /"error"\s*:\s*"([a-z_]+)"/.exec(response.text) ?? [];
  const next = advice[reason];
  return new AuthError("AUTH_REFUSED", `${connection}: the login was refused (${reason})`, {
    at: connection,
    ...(next ? { next } : {}),
  });
}

/** The token of a private app, or OAuth with a refresh token that may rotate: one token for all calls of a connection. @module */
import {
  AuthError,
  ConfigError,
  type Context,
  createTurns,
  type EbbError,
  type Http,
  type HttpResponse,
  TransientError,
} from "../../src/connector/index.ts";
import { origin, tokenInfoPath, tokenPath } from "./addresses.ts";
import { classifyAnswer, limitSignals } from "./errors.ts";

export interface Credentials {
  readonly accessToken?: string | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly refreshToken?: string | undefined;
  readonly baseUrl?: string | undefined;
}

/** An HTTP client that is signed in. */
export interface Session extends Http {
  /** What the token may do; undefined where it cannot be told. */
  scopes(signal: AbortSignal): Promise<readonly string[] | undefined>;
}

/** Nothing is sent before the first call needs a token. */
export function openSession(credentials: Credentials, context: Context): Session {
  const { accessToken, clientId, clientSecret, refreshToken } = credentials;
  if (!accessToken) {
    if (clientId && clientSecret && refreshToken)
      return oauthSession({ clientId, clientSecret, refreshToken }, credentials.baseUrl ?? origin, context);
    const message = `${context.connection}: give accessToken, or clientId, clientSecret and refreshToken`;
    throw new ConfigError("CONFIG_INVALID", message, { at: context.connection });
  }
  const headers = async () => ({ authorization: `Bearer ${accessToken}` });
  const http = context.http({ ...shared(credentials.baseUrl ?? origin, context), headers });
  return {
    request: (request, signal) => http.request(request, signal),
    async scopes(signal) {
      const json = { tokenKey: accessToken };
      const answer = await http.request({ method: "POST", path: tokenInfoPath, json, repeatable: true }, signal);
      return answer.json<{ scopes?: readonly string[] }>().scopes;
    },
  };
}

const shared = (baseUrl: string, context: Context) => ({
  baseUrl,
  classify: (response: HttpResponse) => classifyAnswer(response, context.connection),
  signals: limitSignals,
});

interface App {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
}

interface Grant {
  readonly token: string;
  /** The moment from which another one is asked for, a little before it expires. */
  readonly renewAt: number;
  readonly scopes: readonly string[] | undefined;
  readonly http: Http;
}

interface TokenAnswer {
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly expires_in?: number;
  readonly scopes?: readonly string[];
}

/** One login of this process after the other: a refresh token that is rotated is good for one of them. */
const loginInTurn = createTurns();

function oauthSession(app: App, baseUrl: string, context: Context): Session {
  const { connection } = context;
  const kept = context.kept("refresh-token", app.clientSecret);
  const login = context.http({ baseUrl, classify: (response) => loginRefused(response, connection) });
  let minting: Promise<Grant> | undefined;
  let live: Grant | undefined;

  const granted = (signal: AbortSignal): Promise<Grant> => {
    if (live && context.now() >= live.renewAt) live = minting = undefined;
    minting ??= mint(signal).catch((error: unknown) => {
      minting = undefined;
      throw error;
    });
    return minting;
  };

  async function ask(refreshToken: string, signal: AbortSignal): Promise<TokenAnswer> {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: app.clientId,
      client_secret: app.clientSecret,
      refresh_token: refreshToken,
    });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const request = { method: "POST", path: tokenPath, headers, body: form.toString(), repeatable: true } as const;
    const answer = (await login.request(request, signal)).json<TokenAnswer>();
    // Kept before the access token is used: the old one may be good for nothing from now on.
    if (answer.refresh_token && answer.refresh_token !== refreshToken) await kept.set(answer.refresh_token);
    return answer;
  }

  async function refresh(signal: AbortSignal): Promise<TokenAnswer> {
    const rotated = await kept.get();
    if (rotated === undefined) return ask(app.refreshToken, signal);
    try {
      return await ask(rotated, signal);
    } catch (error) {
      // The app was installed anew, perhaps: what the project names now is newer than what was kept.
      if (!(error instanceof AuthError) || rotated === app.refreshToken) throw error;
      return ask(app.refreshToken, signal);
    }
  }

  async function mint(signal: AbortSignal): Promise<Grant> {
    const answer = await loginInTurn(() => refresh(signal));
    if (!answer.access_token)
      throw new TransientError("ANSWER_INVALID", `${connection}: the login answered no token`, { unsent: true });
    const lifetime = (answer.expires_in ?? 1_800) * 1_000;
    const grant: Grant = {
      token: answer.access_token,
      renewAt: context.now() + lifetime - Math.min(60_000, lifetime / 5),
      scopes: answer.scopes,
      http: context.http({
        ...shared(baseUrl, context),
        headers: async (aborted) => ({ authorization: `Bearer ${(await granted(aborted)).token}` }),
        // Of many calls refused at once, the first forgets the token and the others find the new one.
        renew: async (aborted) => {
          if (live === grant) live = minting = undefined;
          await granted(aborted);
          return true;
        },
      }),
    };
    live = grant;
    return grant;
  }

  return {
    request: async (request, signal) => (await granted(signal)).http.request(request, signal),
    scopes: async (signal) => (await granted(signal)).scopes,
  };
}

const advice: Readonly<Record<string, string>> = {
  BAD_REFRESH_TOKEN: "Install the app again and take the new refreshToken.",
  BAD_CLIENT_ID: "Check clientId: it is the one of the app the refresh token was made for.",
  BAD_CLIENT_SECRET: "Check clientSecret.",
  invalid_grant: "Install the app again and take the new refreshToken.",
  invalid_client: "Check clientId and clientSecret.",
};

function loginRefused(response: HttpResponse, connection: string): EbbError | undefined {
  if (response.status !== 400 && response.status !== 401) return undefined;
  // Older addresses name the reason in `status`, newer ones in `error` or `category`.
  const named = [...response.text.matchAll(/"(?:error|status|category)"\s*:\s*"([A-Za-z_]+)"/g)].map(
    ([, name]) => name,
  );
  const reason = named.find((name) => name !== undefined && name !== "error") ?? "no reason given";
  const next = advice[reason];
  return new AuthError("AUTH_REFUSED", `${connection}: the login was refused (${reason})`, {
    at: connection,
    ...(next ? { next } : {}),
  });
}

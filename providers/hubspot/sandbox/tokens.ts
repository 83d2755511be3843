/** Who may call: the token of a private app, and OAuth tokens that are refreshed. @module */
import { randomBytes } from "node:crypto";
import type { FaultSettings } from "./faults.ts";
import { Refusal } from "./refusal.ts";

export const portalId = 12_345_678;

/** What signs in here. */
export const app = {
  accessToken: "pat-eu1-ebb-sandbox-token",
  clientId: "ebb-sandbox-client",
  clientSecret: "ebb-sandbox-client-secret",
  refreshToken: "ebb-sandbox-refresh-token",
} as const;

const objects = ["contacts", "companies", "deals", "custom"];
const allScopes = [
  "oauth",
  "tickets",
  ...objects.flatMap((object) =>
    ["objects", "schemas"].flatMap((what) => [`crm.${what}.${object}.read`, `crm.${what}.${object}.write`]),
  ),
];

export class Tokens {
  private readonly faults: () => FaultSettings;
  private readonly expiry = new Map<string, number>();
  private refreshTokens = new Set<string>([app.refreshToken]);

  constructor(faults: () => FaultSettings) {
    this.faults = faults;
  }

  get scopes(): readonly string[] {
    const missing = this.faults().missingScopes ?? [];
    return allScopes.filter((scope) => !missing.includes(scope));
  }

  grant(form: URLSearchParams): object {
    const refuse = (status: string, message: string) => new Refusal(400, status, message);
    if (form.get("grant_type") !== "refresh_token") throw refuse("BAD_GRANT_TYPE", "unsupported grant type");
    if (form.get("client_id") !== app.clientId) throw refuse("BAD_CLIENT_ID", "missing or unknown client id");
    if (form.get("client_secret") !== app.clientSecret)
      throw refuse("BAD_CLIENT_SECRET", "missing or invalid client secret");
    const refresh = form.get("refresh_token") ?? "";
    if (!this.refreshTokens.has(refresh)) throw refuse("BAD_REFRESH_TOKEN", "missing or invalid refresh token");
    const next = this.faults().rotateRefreshTokens ? randomBytes(16).toString("hex") : refresh;
    this.refreshTokens.delete(refresh);
    this.refreshTokens.add(next);
    const token = randomBytes(24).toString("base64url");
    const lifetime = this.faults().tokenLifetimeMs ?? 1_800_000;
    this.expiry.set(token, Date.now() + lifetime);
    return {
      access_token: token,
      refresh_token: next,
      expires_in: Math.max(0, Math.round(lifetime / 1_000)),
      token_type: "bearer",
      token_use: "access_token",
      hub_id: portalId,
      user_id: 1,
      scopes: this.scopes,
    };
  }

  /** What a private app may ask of its own token. */
  info(tokenKey: unknown): object {
    if (tokenKey !== app.accessToken) throw new Refusal(404, "OBJECT_NOT_FOUND", "no such token");
    return { userId: 1, hubId: portalId, appId: 1, scopes: this.scopes };
  }

  /** @throws Refusal 401 */
  check(authorization: string): void {
    const [, token = ""] = /^Bearer (.+)$/i.exec(authorization) ?? [];
    if (token === app.accessToken) return;
    const expires = this.expiry.get(token);
    if (expires === undefined)
      throw new Refusal(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.");
    if (expires > Date.now()) return;
    throw new Refusal(
      401,
      "EXPIRED_AUTHENTICATION",
      "The OAuth token used to make this call expired 0 second(s) ago.",
      {
        context: { "expire time": [new Date(expires).toISOString()] },
      },
    );
  }

  /** @throws Refusal 403 naming the scope */
  need(scope: string | undefined): void {
    if (scope === undefined || this.scopes.includes(scope)) return;
    const message =
      "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.";
    const errors = [
      { message: "One or more of the following scopes are required.", context: { requiredGranularScopes: [scope] } },
    ];
    throw new Refusal(403, "MISSING_SCOPES", message, { errors });
  }

  /** Ends every OAuth token, as time does. */
  revoke(): void {
    for (const token of this.expiry.keys()) this.expiry.set(token, Date.now() - 1);
  }
}

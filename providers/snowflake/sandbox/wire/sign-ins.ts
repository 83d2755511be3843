/**
 * Sign-ins with a browser. The driver asks where to send the browser; the page there sends it on to the port the driver
 * listens on, with a token; the driver logs in with that token and the proof key it was given at the start. Shapes:
 * snowflake-sdk 3.3, `auth_web.js` and `sso_url_provider.js`.
 * @module
 */
import { randomBytes } from "node:crypto";
import { type Answer, refusal, success } from "./answer.ts";

interface SignIn {
  readonly port: number;
  readonly proofKey: string;
  /** Given to the browser once it has been at the page. */
  token?: string;
}

/** Snowflake's page on errors of federated authentication. */
export const authenticatorRefused = [
  "390139",
  "The specified authenticator is not accepted by your Snowflake account configuration.  Please contact your local system administrator to get the correct URL to use.",
] as const;

export class SignIns {
  private readonly url: () => string;
  private readonly pending = new Map<string, SignIn>();

  constructor(url: () => string) {
    this.url = url;
  }

  /** Where the browser is to go. */
  start(data: Readonly<Record<string, unknown>>): Answer {
    const port = Number(data.BROWSER_MODE_REDIRECT_PORT);
    const asked = data.AUTHENTICATOR === "EXTERNALBROWSER" && Number.isInteger(port) && port > 0 && port < 65_536;
    if (!asked) return refusal(...authenticatorRefused);
    const id = randomBytes(16).toString("hex");
    const proofKey = randomBytes(32).toString("base64");
    this.pending.set(id, { port, proofKey });
    return success({ ssoUrl: `${this.url()}/fed/login?request=${id}`, proofKey });
  }

  /** The page on which the user has signed in. */
  page(id: string): Answer {
    const signIn = this.pending.get(id);
    if (!signIn) return { status: 404, json: { message: "no such sign-in" } };
    // Characters that mean something in an address, as the vendor's have.
    signIn.token = `ver:1-hint:${randomBytes(48).toString("base64")}`;
    return { status: 302, location: `http://localhost:${signIn.port}/?token=${encodeURIComponent(signIn.token)}` };
  }

  /** True once, for the token of a sign-in with the proof key of the same. */
  accepts(token: string, proofKey: unknown): boolean {
    const found = [...this.pending].find(([, one]) => one.token !== undefined && one.token === token);
    if (!found || found[1].proofKey !== proofKey) return false;
    return this.pending.delete(found[0]);
  }
}

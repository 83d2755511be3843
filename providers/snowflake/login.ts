/** Ways to log in: which one the options give, and what the driver calls it. @module */
import type { ConnectionOptions } from "snowflake-sdk";
import { ConfigError, type Context } from "../../src/connector/index.ts";
import type { SnowflakeOptions } from "./index.ts";

/** In the order in which one is taken where a sandbox adds its own. */
const ways = ["token", "privateKey", "oauthToken", "password", "workloadIdentity", "externalBrowser"] as const;

/** Names of the ways to log in that are given. */
export function waysGiven(options: Readonly<Record<string, unknown>>): readonly string[] {
  return ways.filter((way) => options[way] !== undefined && options[way] !== false);
}

/** What the driver is told about the login. */
export function loginOptions(options: SnowflakeOptions, context: Context): ConnectionOptions {
  const { user, privateKey, passphrase, token, oauthToken, password, workloadIdentity, oidcToken, baseUrl } = options;
  const named = user === undefined ? {} : { username: user };
  switch (waysGiven(options)[0]) {
    case "token":
      return { ...named, authenticator: "PROGRAMMATIC_ACCESS_TOKEN", token: token ?? "" };
    case "privateKey":
      return {
        ...named,
        authenticator: "SNOWFLAKE_JWT",
        // Environment variables often hold a PEM in one line.
        privateKey: (privateKey ?? "").replaceAll("\\n", "\n"),
        ...(passphrase === undefined ? {} : { privateKeyPass: passphrase }),
      };
    case "oauthToken":
      return { ...named, authenticator: "OAUTH", token: oauthToken ?? "" };
    case "password":
      return { ...named, authenticator: "SNOWFLAKE", password: password ?? "" };
    case "workloadIdentity":
      return {
        ...named,
        authenticator: "WORKLOAD_IDENTITY",
        workloadIdentityProvider: workloadIdentity ?? "OIDC",
        ...(oidcToken === undefined ? {} : { token: oidcToken }),
      };
    default:
      if (!context.interactive)
        throw new ConfigError("CONFIG_INVALID", `${context.connection}: nobody is here to sign in with a browser`, {
          next: "Outside of a terminal use privateKey, token or workloadIdentity instead of externalBrowser.",
        });
      return { ...named, authenticator: "EXTERNALBROWSER", ...hostOf(baseUrl) };
  }
}

/** The driver asks for the sign-in page at the host alone, and of an access URL it would leave the port out. */
function hostOf(baseUrl: string | undefined): { readonly host?: string } {
  return baseUrl === undefined ? {} : { host: new URL(baseUrl).host };
}

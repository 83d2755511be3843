/** Snowflake as a source: any query, as text that loses nothing. @module */
import * as z from "zod";
import { defineSystem, httpOptions, secret } from "../../src/connector/index.ts";
import { waysGiven } from "./login.ts";

const connection = z
  .strictObject({
    account: z
      .string()
      .describe("Account identifier, `organisation-account`, e.g. `acme-eu`; or the older locator with its region."),
    user: z.string().optional().describe("Name of the user to log in as; not needed with a token."),
    role: z.string().optional().describe("Role to work with (default: the user's); one that only reads is enough."),
    warehouse: z.string().optional().describe("Warehouse that runs the queries (default: the user's)."),
    database: z.string().optional().describe("Database of tables that are named without one."),
    schema: z.string().optional().describe("Schema of tables that are named without one."),
    privateKey: secret("Private key (PEM) of the user's key pair: the way to log in from CI.").optional(),
    passphrase: secret("Passphrase of `privateKey`, where it is encrypted.").optional(),
    token: secret("Programmatic access token of the user.").optional(),
    oauthToken: secret("OAuth access token of an external authorization server.").optional(),
    password: secret("Password of the user, where the account still allows one.").optional(),
    workloadIdentity: z
      .enum(["AWS", "AZURE", "GCP", "OIDC"])
      .optional()
      .describe("Log in as the workload that Ebb runs in, by its cloud's identity or an OIDC token: no secret at all."),
    oidcToken: secret("ID token of the CI system, with `workloadIdentity` `OIDC`.").optional(),
    externalBrowser: z
      .boolean()
      .optional()
      .describe("Sign in with the browser (single sign-on); only where somebody sits at a terminal."),
    timeoutSeconds: z
      .number()
      .int()
      .min(1)
      .max(604_800)
      .optional()
      .describe("Longest a statement may run (default: what the user, the session or the warehouse has set)."),
    largeResultRows: z
      .number()
      .int()
      .min(0)
      .default(500_000)
      .describe("Results of more rows come as Parquet files by way of the user's stage, which is faster."),
    baseUrl: httpOptions.baseUrl.describe(
      "Access URL, instead of the one made from `account`: private links, tests. `sandbox:DIR` runs the system's sandbox with its records in DIR.",
    ),
  })
  .superRefine((options, check) => {
    const given = waysGiven(options);
    const problem =
      given.length !== 1
        ? `give exactly one of privateKey, token, oauthToken, password, workloadIdentity and externalBrowser${given.length > 1 ? ` (given: ${given.join(", ")})` : ""}`
        : (given[0] === "privateKey" || given[0] === "password") && options.user === undefined
          ? `${given[0]} needs user`
          : (options.oidcToken !== undefined) !== (options.workloadIdentity === "OIDC")
            ? "workloadIdentity OIDC and oidcToken belong together"
            : undefined;
    // The sandbox brings credentials of its own.
    const sandbox = options.baseUrl?.startsWith("sandbox:") && given.length === 0;
    if (problem && !sandbox) check.addIssue({ code: "custom", message: problem });
  });

/** Options of a Snowflake connection. */
export type SnowflakeOptions = z.output<typeof connection>;

export default defineSystem({
  name: "snowflake",
  title: "Snowflake",
  summary: "Queries and tables of a Snowflake account.",
  connection,
  source: {
    reads: ["sql", "table"],
    pushdown: true,
    open: async (options, context) => (await import("./source.ts")).openSource(options, context),
  },
  sandbox: () => import("./sandbox.ts"),
});

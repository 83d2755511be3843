/** Ways to log in that need more than a secret: a browser, and a cloud's own identity. All by the real driver. */
import { createSign, generateKeyPairSync } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getAwsAttestationToken } from "snowflake-sdk/dist/lib/authentication/auth_workload_identity/attestation_aws.js";
import globalConfig from "snowflake-sdk/dist/lib/global_config.js";
import { afterEach, beforeEach, describe, expect, it, test, vi } from "vitest";
import { EbbError } from "../../src/connector/index.ts";
import { testContext } from "../../test/context.ts";
import snowflake from "./index.ts";
import { awsKey, awsSessionToken, awsSignature } from "./sandbox/wire/aws-attestation.ts";
import { identities } from "./sandbox/wire/workload.ts";
import { startSandbox } from "./sandbox.ts";

const signal = AbortSignal.timeout(300_000);
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  vi.unstubAllEnvs();
});

async function folder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "ebb-test-"));
  closers.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A new sandbox, and who its driver is after a login with these options. */
async function account(faults: Readonly<Record<string, unknown>> = {}) {
  const sandbox = await startSandbox({ port: 0, faults });
  closers.push(() => sandbox.close());
  const whoAmI = async (options: Record<string, unknown>): Promise<unknown> => {
    const complete = { account: "SANDBOX", user: "EBB", largeResultRows: 500_000, baseUrl: sandbox.url, ...options };
    const context = testContext({ connection: "warehouse", interactive: true });
    const source = await snowflake.source?.open(complete as never, context);
    if (!source) throw new TypeError("no source");
    closers.push(async () => source.close?.());
    const extract = await source.extract({ sql: "SELECT CURRENT_USER() AS who" }, signal);
    if (extract.kind !== "text") throw new TypeError(`rows came as ${extract.kind}`);
    for await (const batch of extract.batches) return batch.who?.[0];
    return undefined;
  };
  /** The error of a login that is refused, which speaks of the connection and keeps secrets to itself. */
  const refused = async (options: Record<string, unknown>, ...secrets: readonly string[]): Promise<EbbError> => {
    const error = await whoAmI(options).then(
      (who) => expect.fail(`logged in as ${who}`),
      (reason: unknown) => reason,
    );
    if (!(error instanceof EbbError)) return expect.fail(`not an error with a code: ${error}`);
    expect(error.message).toContain("warehouse");
    for (const secret of secrets) expect(`${error.message} ${error.next}`).not.toContain(secret);
    return error;
  };
  /** A call of the protocol without the driver; the code of its refusal, or null. */
  const post = async (path: string, data: object) => {
    const answer = await fetch(`${sandbox.url}${path}`, { method: "POST", body: JSON.stringify({ data }) });
    return (await answer.json()) as { code: string | null; data: Record<string, string> | null };
  };
  const login = async (data: object) => (await post("/session/v1/login-request", data)).code;
  const logins = async () =>
    ((await (await fetch(`${sandbox.url}/__sandbox/stats`)).json()) as { logins: number }).logins;
  return { sandbox, whoAmI, refused, post, login, logins };
}

/** An address where a cloud tells its workloads who they are; what it is asked, and what it answers. */
async function metadata(answers: (request: IncomingMessage, url: URL) => object | string | undefined) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    // The AWS SDK doubles the first slash when it asks for the region.
    const url = new URL((request.url ?? "/").replace(/^\/+/, "/"), "http://metadata");
    asked.push(`${request.method} ${url.pathname}`);
    const answer = answers(request, url);
    response.setHeader("Metadata-Flavor", "Google");
    response.writeHead(answer === undefined ? 404 : 200, {
      "content-type": typeof answer === "object" ? "application/json" : "text/plain",
    });
    response.end(typeof answer === "object" ? JSON.stringify(answer) : answer);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** The key of a cloud that signs identity tokens, and a token of it. */
function issuer() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = (claims: object) => {
    // Short, so that no library keeps it for the next test.
    const body = `${part({ alg: "RS256", typ: "JWT" })}.${part({ exp: Math.floor(Date.now() / 1000) + 60, ...claims })}`;
    return `${body}.${createSign("RSA-SHA256").update(body).sign(privateKey, "base64url")}`;
  };
  return { issuerKey: publicKey.export({ type: "spki", format: "pem" }).toString(), token };
}

describe("with a browser", () => {
  // The driver asks for the sign-in page by https whatever the access URL says, and the sandbox speaks http.
  beforeEach(() => {
    const { HTTPS_PROTOCOL } = globalConfig.rest;
    globalConfig.rest.HTTPS_PROTOCOL = "http";
    closers.push(async () => {
      globalConfig.rest.HTTPS_PROTOCOL = HTTPS_PROTOCOL;
    });
  });

  /** Makes this program the desktop's browser, where that can be told by the environment. */
  async function browser(program: string): Promise<void> {
    const directory = await folder();
    // `open` is what starts the browser on macOS; on Linux it is $BROWSER.
    const path = join(directory, "open");
    await writeFile(path, `#!${process.execPath}\n${program}`);
    await chmod(path, 0o755);
    vi.stubEnv("BROWSER", path);
    vi.stubEnv("PATH", `${directory}:${process.env.PATH}`);
    vi.stubEnv("XDG_CURRENT_DESKTOP", "X-Generic");
    for (const name of ["DISPLAY", "WAYLAND_DISPLAY"]) vi.stubEnv(name, "");
  }
  const signsIn = "fetch(process.argv[2]);";
  /** Brings back another token than the page gave it. */
  const tampers = `fetch(process.argv[2], { redirect: "manual" }).then((page) => fetch(page.headers.get("location").replace(/.$/, (last) => (last === "x" ? "y" : "x"))));`;
  const gives = (query: string) =>
    `fetch(process.argv[2], { redirect: "manual" }).then((page) => fetch(new URL("/${query}", page.headers.get("location"))));`;
  const desktop = test.skipIf(process.platform === "win32");

  desktop("the driver opens the page, hears of the token and logs in with it", async () => {
    await browser(signsIn);
    const { whoAmI, logins } = await account();
    expect(await whoAmI({ externalBrowser: true })).toBe("EBB");
    expect(await whoAmI({ externalBrowser: true, user: undefined })).toBe("EBB");
    expect(await logins()).toBe(2);
  });

  desktop("a token that was tampered with, another user and a refusal are refused", async () => {
    const { refused, logins } = await account();
    await browser(tampers);
    const tampered = await refused({ externalBrowser: true }, "ver:1-hint");
    expect(tampered).toMatchObject({ code: "AUTH_REFUSED", effect: "auth" });
    expect(tampered.message).toContain("390133");
    await browser(signsIn);
    const other = await refused({ externalBrowser: true, user: "SOMEBODY" });
    expect(other).toMatchObject({ code: "AUTH_REFUSED" });
    expect(other.message).toContain("390191");
    await browser(gives("?error=access_denied"));
    const denied = await refused({ externalBrowser: true });
    expect(denied).toMatchObject({ code: "AUTH_REFUSED" });
    expect(denied.message).toContain("access_denied");
    expect(await logins()).toBe(0);
  });

  it("the sandbox takes a token once, with the proof key of its own sign-in", async () => {
    const { sandbox, post, login } = await account();
    const start = { AUTHENTICATOR: "EXTERNALBROWSER", BROWSER_MODE_REDIRECT_PORT: "4000" };
    const signIn = async () => {
      const { data } = await post("/session/authenticator-request", start);
      const page = await fetch(data?.ssoUrl ?? "", { redirect: "manual" });
      const location = new URL(page.headers.get("location") ?? "");
      expect([page.status, location.origin]).toEqual([302, "http://localhost:4000"]);
      return { TOKEN: location.searchParams.get("token"), PROOF_KEY: data?.proofKey };
    };
    const [one, other] = [await signIn(), await signIn()];
    const by = (data: object) => login({ AUTHENTICATOR: "EXTERNALBROWSER", LOGIN_NAME: "EBB", ...data });
    expect(await by({ ...one, PROOF_KEY: other.PROOF_KEY })).toBe("390133");
    expect(await by({ TOKEN: one.TOKEN })).toBe("390133");
    expect(await by({ PROOF_KEY: one.PROOF_KEY })).toBe("390133");
    expect(await by({ ...one, AUTHENTICATOR: "SOMETHING" })).toBe("390139");
    expect(await by(one)).toBeNull();
    expect(await by(one)).toBe("390133");
    for (const wrong of [{ AUTHENTICATOR: "SNOWFLAKE" }, { BROWSER_MODE_REDIRECT_PORT: "none" }])
      expect((await post("/session/authenticator-request", { ...start, ...wrong })).code).toBe("390139");
    expect((await fetch(`${sandbox.url}/fed/login?request=unknown`)).status).toBe(404);
  });
});

describe("as a workload", () => {
  beforeEach(async () => {
    const empty = await folder();
    // Of the machine the tests run on, nothing: no cloud's settings, and no files of its tools.
    const names = Object.keys(process.env).filter((name) =>
      /^(AWS|AZURE|IDENTITY|IMDS|MSI|GCE|GOOGLE|GCLOUD|CLOUDSDK|K_|FUNCTION_)/.test(name),
    );
    for (const name of names) vi.stubEnv(name, undefined);
    for (const name of ["HOME", "APPDATA"]) vi.stubEnv(name, empty);
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    vi.stubEnv("SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES", "127.0.0.1");
  });
  const env = (values: Readonly<Record<string, string | undefined>>) => {
    for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
  };

  describe("of AWS", () => {
    const byKey = { AWS_ACCESS_KEY_ID: awsKey.id, AWS_SECRET_ACCESS_KEY: awsKey.secret };
    const temporary = {
      AccessKeyId: awsKey.id,
      SecretAccessKey: awsKey.secret,
      Token: awsSessionToken,
      Expiration: "2099-01-01T00:00:00Z",
    };

    it("by credentials in the environment", async () => {
      const { whoAmI, refused } = await account();
      env({ ...byKey, AWS_REGION: "eu-central-1" });
      expect(await whoAmI({ workloadIdentity: "AWS", user: undefined })).toBe("EBB");
      env({ AWS_REGION: "cn-north-1" });
      expect(await whoAmI({ workloadIdentity: "AWS" })).toBe("EBB");
      env({ AWS_SESSION_TOKEN: awsSessionToken });
      expect(await whoAmI({ workloadIdentity: "AWS" })).toBe("EBB");
      for (const wrong of [
        { AWS_SECRET_ACCESS_KEY: "wrong-secret" },
        { AWS_SECRET_ACCESS_KEY: awsKey.secret, AWS_SESSION_TOKEN: "wrong-session" },
        { AWS_SESSION_TOKEN: undefined, AWS_ACCESS_KEY_ID: "AKIASOMEBODYELSE0000" },
      ]) {
        env(wrong);
        const error = await refused({ workloadIdentity: "AWS" }, "wrong-secret", "wrong-session", awsKey.secret);
        expect(error).toMatchObject({ code: "AUTH_REFUSED", effect: "auth" });
      }
    });

    it("by the credentials of a container's task (ECS, EKS)", async () => {
      const { whoAmI } = await account();
      const { address, asked } = await metadata((request) =>
        request.headers.authorization === "task-token" ? temporary : undefined,
      );
      env({
        AWS_REGION: "eu-central-1",
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://${address}/task`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: "task-token",
      });
      expect(await whoAmI({ workloadIdentity: "AWS" })).toBe("EBB");
      expect(asked).toEqual(["GET /task"]);
    });

    it("by the role of a machine (EC2), which also says the region", async () => {
      const { whoAmI } = await account();
      const role = "/latest/meta-data/iam/security-credentials/";
      const { address, asked } = await metadata(({ method, headers }, { pathname }) => {
        if (method === "PUT") return pathname === "/latest/api/token" ? "metadata-token" : undefined;
        if (headers["x-aws-ec2-metadata-token"] !== "metadata-token") return undefined;
        if (pathname === "/latest/meta-data/placement/region") return "eu-central-1";
        if (pathname === role) return "ebb-role";
        return pathname === `${role}ebb-role` ? { Code: "Success", ...temporary } : undefined;
      });
      env({ AWS_EC2_METADATA_DISABLED: undefined, AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${address}` });
      expect(await whoAmI({ workloadIdentity: "AWS" })).toBe("EBB");
      expect(asked).toEqual(expect.arrayContaining(["GET /latest/meta-data/placement/region", `GET ${role}ebb-role`]));
    });

    it("the sandbox takes only what STS would", async () => {
      const { login } = await account();
      env({ ...byKey, AWS_REGION: "eu-central-1" });
      const token = await getAwsAttestationToken();
      const by = (TOKEN: string, more = {}) =>
        login({ AUTHENTICATOR: "WORKLOAD_IDENTITY", PROVIDER: "AWS", TOKEN, ...more });
      const request = JSON.parse(Buffer.from(token, "base64").toString()) as {
        url: string;
        headers: Record<string, string>;
      };
      const changed = (change: object) => Buffer.from(JSON.stringify({ ...request, ...change })).toString("base64");
      /** The same with other headers, and signed for them by the right key. */
      const signed = (change: Readonly<Record<string, string>>) => {
        const headers: Record<string, string> = { ...request.headers, ...change };
        const names = Object.keys(headers).filter((name) => name !== "authorization");
        const signature = awsSignature(names.sort(), new Map(Object.entries(headers)), "eu-central-1").toString("hex");
        const day = headers["x-amz-date"]?.slice(0, 8);
        headers.authorization = `AWS4-HMAC-SHA256 Credential=${awsKey.id}/${day}/eu-central-1/sts/aws4_request, SignedHeaders=${names.join(";")}, Signature=${signature}`;
        return changed({ headers });
      };
      expect(await by(token)).toBeNull();
      expect(await by(changed({}))).toBeNull();
      expect(await by(signed({}))).toBeNull();
      expect(Object.keys(request.headers).sort()).toEqual([
        "authorization",
        "host",
        "x-amz-date",
        "x-snowflake-audience",
      ]);
      for (const wrong of [
        "",
        "no attestation",
        changed({ method: "GET" }),
        changed({ url: request.url.replace("amazonaws.com", "example.com") }),
        changed({ url: request.url.replace("GetCallerIdentity", "GetSessionToken") }),
        changed({ headers: { ...request.headers, "x-snowflake-audience": "example.com" } }),
        signed({ "x-snowflake-audience": "example.com" }),
        signed({ "x-amz-date": "20260131T080000Z" }),
        signed({ host: "sts.example.com" }),
        changed({ headers: { ...request.headers, authorization: request.headers.authorization?.replace(/.$/, "g") } }),
      ])
        expect(await by(wrong), wrong).toBe("390318");
      for (const PROVIDER of [undefined, "AZURE", "GCP", "OIDC", "aws"])
        expect(await by(token, { PROVIDER }), PROVIDER).toBe("390318");
    });
  });

  const ours = { AZURE: identities.AZURE, GCP: identities.GCP };
  const wrongs = (right: Readonly<Record<string, string>>) => [
    ...Object.keys(right).map((claim) => ({ ...right, [claim]: "something else" })),
    { ...right, exp: 1_000_000 },
  ];

  // The identity of a machine is in a file of its own: the library remembers where it first found one.
  describe("of Azure", () => {
    /** Seconds in which a token ends, so few that the library asks for a new one each time. */
    const soon = () => String(Math.floor(Date.now() / 1000) + 60);
    const resource = ours.AZURE.aud;

    it("by the managed identity of an app or a function", async () => {
      const { issuerKey, token } = issuer();
      const { whoAmI, refused } = await account({ issuerKey });
      let claims: object = ours.AZURE;
      const { address, asked } = await metadata(({ headers }, { searchParams }) =>
        headers["x-identity-header"] === "app-secret" && searchParams.get("resource") === resource
          ? { access_token: token(claims), expires_on: soon(), resource, token_type: "Bearer" }
          : undefined,
      );
      env({ IDENTITY_ENDPOINT: `http://${address}/msi/token`, IDENTITY_HEADER: "app-secret" });
      expect(await whoAmI({ workloadIdentity: "AZURE", user: undefined })).toBe("EBB");
      expect(asked).toEqual(["GET /msi/token"]);
      for (const wrong of wrongs(ours.AZURE)) {
        claims = wrong;
        const error = await refused({ workloadIdentity: "AZURE" }, "app-secret", "eyJ");
        expect(error, JSON.stringify(wrong)).toMatchObject({ code: "AUTH_REFUSED", effect: "auth" });
        expect(error.message).toContain("390318");
      }
    });
  });

  describe("of Google Cloud", () => {
    it("by the service account that the metadata server speaks for", async () => {
      const { issuerKey, token } = issuer();
      const { whoAmI, refused } = await account({ issuerKey });
      let claims: object = ours.GCP;
      const { address, asked } = await metadata(({ headers }, { pathname, searchParams }) => {
        if (headers["metadata-flavor"] !== "Google") return undefined;
        if (!pathname.endsWith("/identity")) return pathname.includes("/instance") ? "here" : undefined;
        return searchParams.get("audience") === ours.GCP.aud ? token(claims) : undefined;
      });
      env({ GCE_METADATA_HOST: address });
      expect(await whoAmI({ workloadIdentity: "GCP", user: undefined })).toBe("EBB");
      expect(asked).toContain("GET /computeMetadata/v1/instance/service-accounts/default/identity");
      // Otherwise the library looks for the project each time, also by starting gcloud.
      env({ GOOGLE_CLOUD_PROJECT: "ebb" });
      for (const wrong of wrongs(ours.GCP)) {
        claims = wrong;
        const error = await refused({ workloadIdentity: "GCP" }, "eyJ");
        expect(error, JSON.stringify(wrong)).toMatchObject({ code: "AUTH_REFUSED", effect: "auth" });
        expect(error.message).toContain("390318");
      }
    });
  });

  it("the sandbox takes a cloud's token only as that cloud's, and only with its signature", async () => {
    const { issuerKey, token } = issuer();
    const { login } = await account({ issuerKey });
    const by = (PROVIDER: string, TOKEN: string) => login({ AUTHENTICATOR: "WORKLOAD_IDENTITY", PROVIDER, TOKEN });
    for (const [provider, other] of [
      ["AZURE", "GCP"],
      ["GCP", "AZURE"],
    ] as const) {
      expect(await by(provider, token(ours[provider]))).toBeNull();
      expect(await by(other, token(ours[provider]))).toBe("390318");
      expect(await by(provider, issuer().token(ours[provider]))).toBe("390318");
      expect(await by(provider, "")).toBe("390318");
    }
  });

  test.each([
    ["AWS", { AWS_REGION: "eu-central-1" }],
    // Only one place to look, so that nothing is asked on the network.
    ["AZURE", { AZURE_TOKEN_CREDENTIALS: "WorkloadIdentityCredential" }],
    ["GCP", { METADATA_SERVER_DETECTION: "none" }],
  ])("says that there is no identity of %s", async (workloadIdentity, settings) => {
    env(settings);
    const { refused, logins } = await account();
    const error = await refused({ workloadIdentity });
    expect(error).toMatchObject({ code: "AUTH_REFUSED", effect: "auth" });
    expect(error.message).toMatch(/credentials|valid token/);
    expect(await logins()).toBe(0);
  });

  it("is refused by the driver where the host is not Snowflake's", async () => {
    vi.stubEnv("SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES", undefined);
    const { refused, logins } = await account();
    const error = await refused({ workloadIdentity: "OIDC", oidcToken: "ebb-sandbox-oidc-token" });
    expect(error).toMatchObject({ code: "AUTH_REFUSED", effect: "auth" });
    expect(error.message).toContain("recognized Snowflake host");
    expect(await logins()).toBe(0);
  });
});

/** A virtual machine of Azure: apart from `login.test.ts`, since the library remembers for the process where it found an identity. */
import { createSign, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it, vi } from "vitest";
import { testContext } from "../../test/context.ts";
import snowflake from "./index.ts";
import { identities } from "./sandbox/wire/workload.ts";
import { startSandbox } from "./sandbox.ts";

const signal = AbortSignal.timeout(60_000);
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  vi.unstubAllEnvs();
});

it("logs in by the managed identity of a machine, one of several where AZURE_CLIENT_ID names it", async () => {
  for (const name of Object.keys(process.env))
    if (/^(AZURE|IDENTITY|IMDS|MSI)_/.test(name)) vi.stubEnv(name, undefined);
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const soon = Math.floor(Date.now() / 1000) + 60;
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${part({ alg: "RS256" })}.${part({ ...identities.AZURE, exp: soon })}`;
  const token = `${body}.${createSign("RSA-SHA256").update(body).sign(privateKey, "base64url")}`;

  const clients: (string | null)[] = [];
  const server = createServer(({ url = "/", headers }, response) => {
    const { pathname, searchParams } = new URL(url, "http://metadata");
    const resource = searchParams.get("resource");
    const right = /^\/metadata\/identity\/oauth2\/token\/?$/.test(pathname) && headers.metadata === "true";
    // A refusal that the library does not try again.
    if (!right || resource !== identities.AZURE.aud) return void response.writeHead(400).end("{}");
    clients.push(searchParams.get("client_id"));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ access_token: token, expires_on: String(soon), resource, token_type: "Bearer" }));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  const issuerKey = publicKey.export({ type: "spki", format: "pem" }).toString();
  const sandbox = await startSandbox({ port: 0, faults: { issuerKey } });
  closers.push(() => sandbox.close());
  const whoAmI = async () => {
    const options = { account: "SANDBOX", workloadIdentity: "AZURE", largeResultRows: 1, baseUrl: sandbox.url };
    const source = await snowflake.source?.open(options as never, testContext());
    closers.push(async () => source?.close?.());
    const columns = await source?.describe({ sql: "SELECT CURRENT_USER() AS who" }, signal);
    return columns?.map(({ name }) => name);
  };
  vi.stubEnv("SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES", "127.0.0.1");
  vi.stubEnv("AZURE_POD_IDENTITY_AUTHORITY_HOST", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect(await whoAmI()).toEqual(["who"]);
  vi.stubEnv("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000001");
  expect(await whoAmI()).toEqual(["who"]);
  expect(clients).toEqual([null, "00000000-0000-0000-0000-000000000001"]);
});

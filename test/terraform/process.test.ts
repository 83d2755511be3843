import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { ClientHttp2Session } from "node:http2";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createCertificate } from "../../src/terraform/certificate.ts";
import { decode } from "../../src/terraform/protobuf.ts";
import { createService, SCHEMA } from "../../src/terraform/service.ts";
import { root } from "../cli/run.ts";
import { call, cookie, open, type Started, start } from "./process.ts";

const METADATA = "/tfplugin6.Provider/GetMetadata";
const running: Started[] = [];
const started = async (env: NodeJS.ProcessEnv) => {
  const one = await start(env);
  running.push(one);
  return one;
};
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill("SIGKILL");
});

describe("the provider's process", () => {
  it("tells a person who starts it what it is for", () => {
    const entry = join(root, "bin", "terraform-provider-ebb.js");
    const { status, stdout, stderr } = spawnSync(process.execPath, [entry], { encoding: "utf8", env: {} });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("ebb terraform install");
  });

  it("writes one line, serves, and ends when it is told to", async () => {
    const provider = await started(cookie);
    const [core, protocol, network, path = "", kind, der] = provider.handshake;
    expect({ core, protocol, network, kind, der }).toEqual({
      core: "1",
      protocol: "6",
      network: "unix",
      kind: "grpc",
      der: "",
    });
    const session = open(provider);
    const { status, message } = await call(session, METADATA);
    expect(status).toBe("0");
    expect(decode("GetMetadataResponse", message).resources).toEqual([{ typeName: "ebb_sync" }]);
    expect((await call(session, "/tfplugin6.Provider/OpenEphemeralResource")).status).toBe("12");
    expect((await call(session, "/tfplugin6.Provider/constructor")).status).toBe("12");
    expect(existsSync(path)).toBe(true);
    expect((await call(session, "/plugin.GRPCController/Shutdown")).status).toBe("0");
    expect(await provider.ended).toBe(0);
    expect(existsSync(join(path, ".."))).toBe(false);
    expect(provider.out().split("\n")).toHaveLength(2);
  });

  it("has its schema in a file, the one that its sources make", async () => {
    const file = join(root, "dist", "provider", "schema.bin");
    expect(readFileSync(file)).toEqual(Buffer.from((await createService(root).answer(SCHEMA, new Uint8Array())) ?? ""));
    const { status, message } = await call(open(await started(cookie)), SCHEMA);
    expect(status).toBe("0");
    expect(message).toEqual(readFileSync(file));
  });

  it("serves only the Terraform that started it", async () => {
    const terraform = createCertificate(Date.now());
    const provider = await started({ ...cookie, PLUGIN_CLIENT_CERT: terraform.pem });
    expect(provider.handshake[5]).toMatch(/^[A-Za-z0-9+/]{300,}$/);
    const right = open(provider, terraform);
    expect((await call(right, METADATA)).status).toBe("0");
    // TLS 1.3 tells a client that it is refused after it has spoken.
    const refused = (session: ClientHttp2Session) => call(session, METADATA).catch(() => ({ status: "" }));
    expect((await refused(open(provider, createCertificate(Date.now())))).status).toBe("");
    expect((await refused(open(provider))).status).toBe("");
    expect((await call(right, METADATA)).status).toBe("0");
  });

  it("outlives a Ctrl-C, and goes with a Terraform that was killed", async () => {
    const provider = await started(cookie);
    const session = open(provider);
    await call(session, METADATA);
    provider.child.kill("SIGINT");
    await wait(100);
    expect((await call(session, METADATA)).status).toBe("0");
    session.destroy();
    expect(await provider.ended).toBe(0);
    expect(existsSync(provider.handshake[3] ?? "")).toBe(false);
  });

  it("clears up when it is terminated", async () => {
    const provider = await started(cookie);
    provider.child.kill("SIGTERM");
    expect(await provider.ended).toBe(143);
    expect(existsSync(provider.handshake[3] ?? "")).toBe(false);
  });
});

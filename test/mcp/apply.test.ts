import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ebb, project, scratch, sql } from "../cli/run.ts";
import { dataOf, errorOf, type Served, serve, textOf } from "./client.ts";

let folder: ReturnType<typeof scratch>;
let cwd: string;
let digest: string;
let served: Served | undefined;
beforeEach(async () => {
  folder = scratch();
  cwd = join(folder.directory, "project");
  await project(cwd);
  digest = JSON.parse((await ebb(["plan", "--out", "p.ebb", "--json"], { cwd })).out).digest;
});
afterEach(async () => {
  await served?.close();
  folder.clear();
});

const loyal = async () =>
  (await sql(join(cwd, "crm.duckdb"), ["SELECT count(*) AS n FROM contact WHERE segment = 'Loyal'"]))[0]?.n;
const started = () => existsSync(join(cwd, ".ebb/runs"));

describe("apply", { timeout: 60_000 }, () => {
  it("refuses every plan that no person approved, and says what to do", async () => {
    served = await serve(cwd, ["--enable-apply"]);
    const refused = await served.call("apply", { file: "p.ebb", digest });
    expect(errorOf(refused)).toMatchObject({
      code: "APPROVAL_NEEDED",
      next: expect.stringContaining("ebb mcp --enable-apply --approve DIGEST"),
    });
    await served.close();
    served = await serve(cwd, ["--enable-apply", "--approve", "0".repeat(64), "--approve", digest]);
    for (const given of [digest.slice(0, 12), digest.slice(0, 63), "", `${digest}0`])
      expect(errorOf(await served.call("apply", { file: "p.ebb", digest: given }))).toMatchObject({
        code: "APPROVAL_NEEDED",
      });
    expect(started()).toBe(false);
    expect(await loyal()).toBe("0");
  });

  it("takes no beginning of a digest as an approval", async () => {
    for (const given of [digest.slice(0, 12), `${digest}0`, "yes"]) {
      const start = await ebb(["mcp", "--enable-apply", "--approve", given], { cwd });
      expect(start).toMatchObject({ code: 1, out: "", err: expect.stringContaining("Error USAGE") });
    }
    const without = await ebb(["mcp", "--approve", digest], { cwd });
    expect(without).toMatchObject({ code: 1, out: "", err: expect.stringContaining("--enable-apply") });
  });

  it("executes exactly the plan that was approved, once", async () => {
    served = await serve(cwd, ["--enable-apply", "--approve", digest.toUpperCase()]);
    const applied = await served.call("apply", { file: "p.ebb", digest });
    expect(dataOf(applied)).toMatchObject({ status: "applied", digest, syncs: { customers: { applied: 6 } } });
    expect(textOf(applied)).toMatch(/^Everything is applied\.\n/);
    expect(await loyal()).toBe("6");
    expect(dataOf(await served.call("runs"))).toMatchObject({ runs: [{ status: "applied", applied: 6 }] });
    expect(dataOf(await served.call("plan"))).toMatchObject({ verdict: "empty" });
    expect(errorOf(await served.call("apply", { file: "p.ebb", digest }))).toMatchObject({ code: "PLAN_STALE" });
  });

  it("refuses a file that has become another plan since it was approved", async () => {
    served = await serve(cwd, ["--enable-apply", "--approve", digest]);
    const bytes = readFileSync(join(cwd, "p.ebb"));
    const at = bytes.indexOf("PAR1") + 12;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(join(cwd, "altered.ebb"), bytes);
    expect(errorOf(await served.call("apply", { file: "altered.ebb", digest }))).toMatchObject({
      code: "PLAN_ALTERED",
    });
    await sql(join(cwd, "warehouse.duckdb"), ["UPDATE customer SET segment = 'Other'"]);
    await served.call("plan", { out: "other.ebb" });
    copyFileSync(join(cwd, ".ebb/plans/other.ebb"), join(cwd, "p.ebb"));
    expect(errorOf(await served.call("apply", { file: "p.ebb", digest }))).toMatchObject({ code: "PLAN_DIGEST" });
    expect(started()).toBe(false);
    expect(await loyal()).toBe("0");
  });
});

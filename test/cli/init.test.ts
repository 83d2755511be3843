import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ebb, root, scratch } from "./run.ts";

const folder = scratch();
afterAll(() => folder.clear());

describe("init", { timeout: 120_000 }, () => {
  it("makes a project that plans, applies, and is done", async () => {
    const made = await ebb(["init", "My CRM"], { cwd: folder.directory });
    expect(made.err).toBe("");
    expect(made.code).toBe(0);
    const cwd = join(folder.directory, "My CRM");
    const run = (...args: string[]) => ebb(args, { cwd });
    expect(await run("plan", "--out", "p.ebb")).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringContaining("+ create 3   ~ update 2"),
    });
    expect((await run("apply", "p.ebb")).code).toBe(0);
    expect((await run("plan", "--detailed-exitcode")).code).toBe(0);
    expect((await run("doctor")).code).toBe(0);
    expect(readFileSync(join(cwd, ".github/workflows/ebb.yml"), "utf8")).not.toContain("pull_request_target");
    execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", cwd], { cwd: root });
  });

  it("overwrites nothing", async () => {
    await ebb(["init", "once"], { cwd: folder.directory });
    const again = await ebb(["init", "once"], { cwd: folder.directory });
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining("Error PATH_EXISTS") });
  });
});

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { declare, ebb, project, scratch } from "../cli/run.ts";
import { dataOf, errorOf, type Served, serve, textOf } from "./client.ts";

let folder: ReturnType<typeof scratch>;
let cwd: string;
let served: Served;
beforeEach(async () => {
  folder = scratch();
  cwd = join(folder.directory, "project");
  await project(cwd);
  served = await serve(cwd);
});
afterEach(async () => {
  await served.close();
  folder.clear();
});

const ofOnePlan = { digest: "", created: "", expires: "" };

/** What two plans of the same records have alike. */
function comparable(plan: Readonly<Record<string, unknown>>) {
  const { untrusted: _, verdict: __, file: ___, ...rest } = plan;
  const syncs = (rest.syncs as { destination: object }[]).map((sync) => ({
    ...sync,
    destination: { ...sync.destination, account: "" },
  }));
  return { ...rest, ...ofOnePlan, syncs };
}

describe("plan", { timeout: 60_000 }, () => {
  it("says what ebb plan --json says, and the review beside it", async () => {
    const result = await served.call("plan");
    const printed = JSON.parse((await ebb(["plan", "--json"], { cwd })).out);
    expect(comparable(dataOf(result))).toEqual(comparable(printed));
    expect(dataOf(result)).toMatchObject({ verdict: "ready", syncs: [{ counts: { create: 3, update: 3 } }] });
    const text = textOf(result);
    expect(text).toContain("### Ebb plan: create 3, update 3, delete 0");
    expect(text).toContain("segment: Loyal");
    expect(text).not.toMatch(/cannot be applied|ebb apply/);
    // Looking leaves nothing behind.
    expect(existsSync(join(cwd, ".ebb"))).toBe(false);
  });

  it("plans the syncs that are named, as much as is asked for", async () => {
    const result = await served.call("plan", { sync: ["customers"], refresh: "off" });
    expect(dataOf(result)).toMatchObject({ syncs: [{ basis: { refresh: "off", read: "ledger" } }] });
  });

  it("saves where it is told to, once, and shows that again", async () => {
    const result = await served.call("plan", { out: "first.ebb" });
    expect(dataOf(result).file).toBe(".ebb/plans/first.ebb");
    const path = join(cwd, ".ebb/plans/first.ebb");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { digest } = dataOf(result);
    expect(JSON.parse((await ebb(["show", path, "--json"], { cwd })).out).digest).toBe(digest);
    for (const file of ["first.ebb", ".ebb/plans/first.ebb", path])
      expect(dataOf(await served.call("show_plan", { file }))).toMatchObject({ digest, file: ".ebb/plans/first.ebb" });
    const none = textOf(await served.call("show_plan", { file: "first.ebb", detail: 0 }));
    const two = textOf(await served.call("show_plan", { file: "first.ebb", detail: 2 }));
    expect(none).not.toContain("x0…@x….x…");
    expect(two).toContain("x0…@x….x…");
    const before = readFileSync(path);
    expect(errorOf(await served.call("plan", { out: "first.ebb" }))).toMatchObject({ code: "PATH_EXISTS" });
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(dataOf(await served.call("plan", { out: "reviews/second.ebb" })).file).toBe("reviews/second.ebb");
    expect(existsSync(join(cwd, "reviews/second.ebb"))).toBe(true);
  });

  it("neither writes nor reads outside the project", async () => {
    const outside = join(folder.directory, "outside");
    mkdirSync(outside);
    await ebb(["plan", "--out", join(outside, "there.ebb")], { cwd });
    symlinkSync(outside, join(cwd, "link"));
    symlinkSync(join(outside, "new.ebb"), join(cwd, "dangling.ebb"));
    symlinkSync(join(outside, "there.ebb"), join(cwd, "linked.ebb"));
    const before = readdirSync(outside);
    const paths = ["../outside/n.ebb", join(outside, "n.ebb"), "link/n.ebb", "a/../../outside/n.ebb", "link/new/n.ebb"];
    for (const out of [...paths, "..\\outside\\n.ebb", "n.txt", ".ebb", "n.ebb\n", "n.ebb/", "dangling.ebb/n.ebb"])
      expect(errorOf(await served.call("plan", { out })), out).toMatchObject({ code: "USAGE" });
    for (const out of ["./dangling.ebb", join(cwd, "dangling.ebb"), "./linked.ebb"])
      expect(errorOf(await served.call("plan", { out })), out).toMatchObject({ code: "PATH_EXISTS" });
    const reads = ["../outside/there.ebb", join(outside, "there.ebb"), "link/there.ebb", "linked.ebb"];
    for (const file of [...reads, "stack.json"])
      expect(errorOf(await served.call("show_plan", { file })), file).toMatchObject({ code: "USAGE" });
    expect(errorOf(await served.call("show_plan", { file: "none.ebb" }))).toMatchObject({ code: "FILE_MISSING" });
    expect(readdirSync(outside)).toEqual(before);
  });

  it("tells that a guard or a policy stops it, which is no error", async () => {
    declare(cwd, { guards: { max_changes: 1 } });
    const guarded = await served.call("plan");
    expect(guarded.isError).toBeUndefined();
    expect(dataOf(guarded)).toMatchObject({ verdict: "stopped", stopped: true });
    expect(textOf(guarded)).toContain("STOPPED: a guard or a policy");
    declare(cwd);
    const policy = `export default [{ code: "NO_CREATES", level: "deny", check: () => [{ message: "no creates today" }] }];`;
    writeFileSync(join(cwd, "policies.mjs"), policy);
    const app = JSON.parse(readFileSync(join(cwd, "cdktf.json"), "utf8"));
    writeFileSync(join(cwd, "cdktf.json"), JSON.stringify({ ...app, context: { ebb: { policies: "policies.mjs" } } }));
    const denied = await served.call("plan");
    expect(dataOf(denied)).toMatchObject({ verdict: "stopped", policies: [{ code: "NO_CREATES", level: "deny" }] });
  });

  it("refuses an altered plan, and one that is to be saved in the clear in CI", async () => {
    await served.call("plan", { out: "p.ebb" });
    const path = join(cwd, ".ebb/plans/p.ebb");
    const bytes = readFileSync(path);
    const at = bytes.indexOf("PAR1") + 12;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect(errorOf(await served.call("show_plan", { file: "p.ebb" }))).toMatchObject({ code: "PLAN_ALTERED" });
    const ci = await serve(cwd, [], { CI: "true" });
    expect(errorOf(await ci.call("plan", { out: "ci.ebb" }))).toMatchObject({ code: "PLAN_UNENCRYPTED" });
    await ci.close();
    expect(existsSync(join(cwd, ".ebb/plans/ci.ebb"))).toBe(false);
  });

  it("tells how far it is, when asked", async () => {
    const told: Progress[] = [];
    await served.client.callTool({ name: "plan", arguments: {} }, undefined, { onprogress: (one) => told.push(one) });
    expect(told.map(({ message }) => message)).toEqual(
      expect.arrayContaining(["customers: reading source", "customers: comparing"]),
    );
    expect(told.map(({ progress }) => progress)).toEqual(told.map((_, i) => i + 1));
  });
});

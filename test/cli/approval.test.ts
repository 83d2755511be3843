import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { declare, ebb, project, scratch, sql } from "./run.ts";

let folder: ReturnType<typeof scratch>;
let cwd: string;
let digest: string;

const run = (...args: string[]) => ebb(args, { cwd });
const warehouse = (statement: string) => sql(join(cwd, "warehouse.duckdb"), [statement]);
const crm = (statement: string) => sql(join(cwd, "crm.duckdb"), [statement]);
const segments = async () => (await crm("SELECT count(*) AS n FROM contact WHERE segment = 'Loyal'"))[0]?.n;

/** Three creates and three updates, reviewed as `p.ebb`. */
beforeEach(async () => {
  folder = scratch();
  cwd = join(folder.directory, "project");
  await project(cwd);
  digest = JSON.parse((await run("plan", "--out", "p.ebb", "--json")).out).digest;
});
afterEach(() => folder.clear());

describe("a digest", { timeout: 120_000 }, () => {
  it("names the one plan that may be applied, whole or by its first twelve characters", async () => {
    await warehouse("UPDATE customer SET segment = 'Other' WHERE email = 'user1@example.com'");
    expect((await run("plan", "--out", "other.ebb")).code).toBe(0);
    for (const given of [digest, digest.slice(0, 12)]) {
      const other = await run("apply", "other.ebb", "--digest", given);
      expect(other).toMatchObject({ code: 4, out: "" });
      expect(other.err).toMatch(
        /^Error PLAN_DIGEST: the plan's digest is [0-9a-f]{12}…, not [0-9a-f]{12}…\n {2}Next: /,
      );
    }
    const nearly = digest.slice(0, 12) + (digest[12] === "0" ? "1" : "0");
    expect((await run("apply", "p.ebb", "--digest", nearly)).code).toBe(4);
    expect((await run("runs")).out).toContain("No run yet.");
    expect((await run("apply", "p.ebb", "--digest", digest.slice(0, 12).toUpperCase())).code).toBe(0);
    expect((await run("plan", "--detailed-exitcode")).code).toBe(2);
  });

  it("is refused when it is none, and where it names nothing", async () => {
    for (const given of [digest.slice(0, 11), "7f3a…c1", `${digest}0`]) {
      const { code, err } = await run("apply", "p.ebb", "--digest", given);
      expect(code).toBe(1);
      expect(err).toMatch(/^Error USAGE: .*first 12 characters/);
    }
    const alone = await run("apply", "--replan-within", "2d");
    expect(alone).toMatchObject({ code: 1, err: expect.stringContaining("Error USAGE: --replan-within") });
    expect((await run("apply", "p.ebb", "--replan-within", "soon")).err).toContain("Error USAGE");
    expect(await segments()).toBe("0");
  });

  it("names the run that is to be finished as well", async () => {
    const { run: name } = JSON.parse((await run("apply", "p.ebb", "--json")).out);
    // As it is when the process is killed before the last thing it does.
    for (const path of [`runs/${name}/result.json`, "state.json"]) rmSync(join(cwd, ".ebb", path));
    const other = await run("apply", "--digest", "0123456789ab");
    expect(other).toMatchObject({ code: 4, out: "", err: expect.stringContaining("Error PLAN_DIGEST") });
    const finished = await run("apply", "--digest", digest.slice(0, 12));
    expect(finished).toMatchObject({ code: 0, err: expect.stringContaining(`Resuming run ${name}`) });
    const nothing = await run("apply", "--digest", digest);
    expect(nothing).toMatchObject({ code: 1, err: expect.stringContaining("Error USAGE: --digest: there is no plan") });
  });
});

describe("planning again within a reviewed plan", { timeout: 120_000 }, () => {
  it("applies what is left of it, and says how much that is", async () => {
    const expired = JSON.parse((await run("plan", "--out", "old.ebb", "--expires", "0s", "--json")).out);
    expect((await run("apply", "old.ebb")).err).toContain("Error PLAN_EXPIRED");
    await crm("UPDATE contact SET segment = 'Loyal' WHERE email = 'user3@example.com'");
    const again = await run("apply", "old.ebb", "--digest", expired.digest, "--replan-within", "2d");
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining("Everything is applied.") });
    expect(again.err).toContain(
      `Planned again within plan ${expired.digest.slice(0, 12)}: 5 of 6 reviewed changes remain; 1 is done already, or no longer needed.\n`,
    );
    expect(await segments()).toBe("6");
    // Stale by now, and nothing is left of it.
    expect((await run("apply", "p.ebb")).err).toContain("Error PLAN_STALE");
    const rest = await run("apply", "p.ebb", "--replan-within", "2d", "--json");
    expect(rest.err).toContain("0 of 6 reviewed changes remain; 6 are done already");
    expect(JSON.parse(rest.out)).toMatchObject({ status: "applied" });
  });

  it("is refused when there is more, and names it masked", async () => {
    await warehouse("INSERT INTO customer VALUES ('user7@example.com', 'Name 7', 'Loyal')");
    await warehouse("UPDATE customer SET segment = 'At Risk' WHERE email = 'user3@example.com'");
    const { code, out, err } = await run("apply", "p.ebb", "--replan-within", "2d");
    expect({ code, out }).toEqual({ code: 4, out: "" });
    expect(err).toContain(
      "Error PLAN_MOVED: planned again, 2 of 7 changes are not in the reviewed plan (1 of records it does not change, 1 that it makes otherwise)\n",
    );
    expect(err).toMatch(/ {2}customers {2}x0…@x….x…•••[0-9a-f]{4} {2}the reviewed plan does not change it\n/);
    expect(err).toMatch(/ {2}customers {2}x0…@x….x…•••[0-9a-f]{4} {2}reviewed otherwise\n/);
    expect(err).not.toContain("@example.com");
    expect((await run("runs")).out).toContain("No run yet.");
    expect(await segments()).toBe("0");
  });

  it("finishes a run that has begun, whatever a policy says by then", async () => {
    const { run: name } = JSON.parse((await run("apply", "p.ebb", "--json")).out);
    for (const path of [`runs/${name}/result.json`, "state.json"]) rmSync(join(cwd, ".ebb", path));
    writeFileSync(join(cwd, "freeze.mjs"), "throw new Error('no deployments on Fridays');");
    const again = ["apply", "p.ebb", "--replan-within", "2d", "--policy", "freeze.mjs"];
    expect(await run(...again)).toMatchObject({ code: 0, err: expect.stringContaining(`Resuming run ${name}`) });
    await warehouse("UPDATE customer SET segment = 'Other' WHERE email = 'user1@example.com'");
    expect(await run(...again)).toMatchObject({ code: 1, err: expect.stringContaining("Error POLICY_BROKEN") });
  });

  it("is refused for a plan that is too old, of another configuration, or another plan", async () => {
    const old = await run("apply", "p.ebb", "--replan-within", "0s");
    expect(old).toMatchObject({ code: 4, err: expect.stringContaining("Error PLAN_EXPIRED: the plan was made at ") });
    const other = await run("apply", "p.ebb", "--replan-within", "2d", "--digest", "0123456789ab");
    expect(other).toMatchObject({ code: 4, err: expect.stringContaining("Error PLAN_DIGEST") });
    declare(cwd, { mode: "create" });
    const moved = await run("apply", "p.ebb", "--replan-within", "2d");
    expect(moved).toMatchObject({ code: 4, err: expect.stringContaining("Error PLAN_FOREIGN") });
    expect((await run("runs")).out).toContain("No run yet.");
  });
});

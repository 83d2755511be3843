import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commands } from "../../src/cli/command.ts";
import { widthOf } from "../../src/report/layout.ts";
import { declare, ebb, project, scratch } from "./run.ts";

const folder = scratch();
const cwd = join(folder.directory, "project");
beforeAll(() => project(cwd));
afterAll(() => folder.clear());

describe("usage", { timeout: 60_000 }, () => {
  it("explains every command, with an example, within 80 columns", async () => {
    const pages = await Promise.all(commands.map(({ name }) => ebb([name, "--help"], { cwd })));
    for (const { code, out, err } of pages) {
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toMatch(/Example:\n {2}ebb /);
      for (const line of out.split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(80);
    }
    const help = await ebb(["help", "plan"], { cwd });
    expect(help.out).toContain("--detailed-exitcode");
    expect((await ebb(["--help"], { cwd })).out).toContain("doctor");
  });

  it("knows what was meant", async () => {
    const unknown = await ebb(["plna"], { cwd });
    expect(unknown).toMatchObject({ code: 1, out: "" });
    expect(unknown.err).toMatch(/Error USAGE: .*plna.*\n.*Did you mean plan/);
    expect((await ebb(["plan", "--refersh", "off"], { cwd })).err).toContain("--refresh");
    expect((await ebb(["plan", "--refresh", "some"], { cwd })).err).toContain("full, changed, off");
    expect((await ebb(["plan", "--detail", "x"], { cwd })).code).toBe(1);
    expect((await ebb(["plan", "--target", "customer"], { cwd })).err).toContain('did you mean "customers"?');
    expect((await ebb(["systems", "salesforc"], { cwd })).err).toContain('did you mean "salesforce"?');
  });

  it("tells machines of errors in JSON, and people on stderr", async () => {
    const { code, out, err } = await ebb(["plan", "--json"], { cwd: folder.directory });
    expect(code).toBe(1);
    const events = err
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).toEqual(["version", "error", "end"]);
    expect(events[1].error.code).toBe("PROJECT_NOT_FOUND");
    expect(JSON.parse(out).error).toMatchObject({
      code: "PROJECT_NOT_FOUND",
      next: expect.stringContaining("ebb init"),
    });
    expect(JSON.parse((await ebb(["plna", "--json"], { cwd })).out).error.code).toBe("USAGE");
    expect((await ebb(["plan"], { cwd: folder.directory })).err).toMatch(/^Error PROJECT_NOT_FOUND: .+\n {2}Next: /);
  });

  it("shows an app's last words, without what they could do to a terminal", async () => {
    const failing = join(folder.directory, "failing");
    mkdirSync(failing);
    const app = `"${process.execPath}" -e "console.error('\\u001b[2Jno such table'); process.exit(3)"`;
    writeFileSync(join(failing, "cdktf.json"), JSON.stringify({ app }));
    const failed = await ebb(["validate"], { cwd: failing });
    expect(failed).toMatchObject({ code: 1, out: "" });
    expect(failed.err).toMatch(/Error APP_FAILED: .*ended with 3:\n.*no such table/);
    expect(failed.err).not.toContain("\u001b");
    writeFileSync(join(failing, "cdktf.json"), JSON.stringify({ app: "true" }));
    expect((await ebb(["validate"], { cwd: failing })).err).toContain("app.synth()");
  });

  it("validates without opening anything", async () => {
    const other = join(folder.directory, "invalid");
    declare(other, { mode: "merge" });
    const invalid = await ebb(["validate"], { cwd: other });
    expect(invalid).toMatchObject({ code: 1, out: "" });
    expect(invalid.err).toContain("Error CONFIG_INVALID");
    declare(other, {});
    const valid = await ebb(["validate"], { cwd: other });
    expect(valid).toMatchObject({ code: 0, out: expect.stringContaining("no problem found") });
  });

  it("colours only when asked, and NO_COLOR has the last word", async () => {
    const forced = await ebb(["validate"], { cwd, env: { FORCE_COLOR: "1" } });
    expect(forced.out).toContain("\u001b[");
    for (const [args, env] of [
      [["validate"], {}],
      [["validate"], { FORCE_COLOR: "1", NO_COLOR: "1" }],
      [["validate", "--no-color"], { FORCE_COLOR: "1" }],
    ] as const)
      expect((await ebb(args, { cwd, env })).out).not.toContain("\u001b");
  });

  it("tells what each system can do", async () => {
    expect((await ebb(["systems"], { cwd })).out).toContain("salesforce");
    const json = JSON.parse((await ebb(["systems", "duckdb", "--json"], { cwd })).out);
    expect(json.systems[0]).toMatchObject({ name: "duckdb", roles: ["source", "destination"] });
  });

  it("runs a sandbox until it is told to stop", async () => {
    const { code, out } = await ebb(["sandbox", "salesforce"], {
      cwd,
      meanwhile: (child) =>
        child.stderr?.on("data", (chunk) => String(chunk).includes("Running") && child.kill("SIGINT")),
    });
    expect(code).toBe(0);
    expect(out).toMatch(/export SALESFORCE_CLIENT_SECRET=/);
    expect((await ebb(["sandbox", "duckdb"], { cwd })).err).toContain("SYSTEM_UNKNOWN");
  });

  it("looks at everything in doctor, and fails when something does", async () => {
    const well = await ebb(["doctor"], { cwd });
    expect(well).toMatchObject({ code: 0, out: expect.stringContaining("Ready.") });
    const other = join(folder.directory, "unwell");
    await project(other, { object: "contcat" });
    const unwell = await ebb(["doctor", "--json"], { cwd: other });
    expect(unwell.code).toBe(1);
    const { ok, checks } = JSON.parse(unwell.out);
    expect(ok).toBe(false);
    expect(checks.find((check: { status: string }) => check.status === "fail")).toMatchObject({
      about: "sync customers",
      detail: expect.stringContaining("OBJECT_UNKNOWN"),
    });
  });
});

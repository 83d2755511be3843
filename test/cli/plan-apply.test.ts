import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { declare, ebb, project, scratch, sql } from "./run.ts";

const inLogs = { EBB_SHOW_VALUES_IN_LOGS: "1" };

let folder: ReturnType<typeof scratch>;
let cwd: string;
beforeEach(async () => {
  folder = scratch();
  cwd = join(folder.directory, "project");
  await project(cwd);
});
afterEach(() => folder.clear());

describe("plan and apply", { timeout: 60_000 }, () => {
  it("plans, saves, applies, and then has nothing to do", async () => {
    const planned = await ebb(["plan", "--out", "p.ebb", "--detailed-exitcode"], { cwd });
    expect(planned.code).toBe(2);
    expect(planned.out).toContain("+ create 3   ~ update 3");
    expect(planned.out).toMatch(/ebb apply p\.ebb/);
    const applied = await ebb(["apply", "p.ebb"], { cwd });
    expect(applied).toMatchObject({ code: 0, out: expect.stringContaining("Everything is applied.") });
    const again = await ebb(["plan", "--detailed-exitcode"], { cwd });
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining("Nothing to change.") });
    const twice = await ebb(["apply", "p.ebb"], { cwd });
    expect(twice.code).toBe(4);
  });

  it("masks values off a terminal, except those of public fields", async () => {
    const { out } = await ebb(["plan"], { cwd });
    expect(out).not.toMatch(/user\d@example\.com|Name \d/);
    expect(out).toContain("New -> Loyal");
    const tokens = out.match(/•••[0-9a-f]{4}/g) ?? [];
    expect(tokens.length).toBeGreaterThan(6);
    const shown = await ebb(["plan", "--show-values"], { cwd, env: inLogs });
    expect(shown.out).toContain("user3@example.com");
    expect(shown.out).toContain("␛[2J␊::error::");
    expect(shown.out).not.toContain("\u001b");
    expect(shown.out).not.toMatch(/^\s*::/m);
  });

  it("shows no values in a log because somebody asked, and says what else can be done", async () => {
    await ebb(["plan", "--out", "p.ebb"], { cwd });
    for (const args of [
      ["plan", "--show-values"],
      ["show", "p.ebb", "--show-values"],
      ["show", "p.ebb", "--format", "json", "--show-values"],
      ["state", "show", "customers", "--show-values"],
    ]) {
      const { code, out, err } = await ebb(args, { cwd });
      expect(code).toBe(1);
      expect(out + err).not.toMatch(/@example\.com/);
      expect(err).toMatch(/Error USAGE: --show-values .*\n {2}Next: .*terminal.*EBB_SHOW_VALUES_IN_LOGS=1/);
    }
  });

  it("tells as much as is asked for", async () => {
    await ebb(["plan", "--out", "p.ebb"], { cwd });
    const { out } = await ebb(["show", "p.ebb", "--summary"], { cwd });
    expect(out).toContain("+ create 3   ~ update 3");
    expect(out).not.toContain("•••");
    expect(out.split("\n").length).toBeLessThan(12);
    const two = await ebb(["show", "p.ebb", "--detail", "2"], { cwd });
    expect(two.out).toMatch(/creates \(2 of 3\)(\n {4}\+ .*(\n {8}.*)*){2}\n\n/);
    const wrong = await Promise.all(
      [
        ["--detail", "-1"],
        ["--detail", "many"],
        ["--detail", "1000001"],
        ["--summary", "--detail", "2"],
      ].map((level) => ebb(["show", "p.ebb", ...level], { cwd })),
    );
    for (const one of wrong)
      expect(one).toMatchObject({ code: 1, out: "", err: expect.stringContaining("Error USAGE") });
  });

  it("is ASCII where a terminal knows no more", async () => {
    for (const env of [{ EBB_ASCII: "1" }, { TERM: "dumb" }, { LC_ALL: "C" }] as const)
      expect((await ebb(["plan"], { cwd, env })).out).toMatch(/^[\n -~]*$/);
    const { out } = await ebb(["plan"], { cwd, env: { TERM: "xterm", LC_ALL: "C.UTF-8" } });
    expect(out).toMatch(/•••/);
  });

  it("says how the sync's own SQL differs from the last run's", async () => {
    await ebb(["plan", "--out", "p.ebb"], { cwd });
    expect((await ebb(["apply", "p.ebb"], { cwd })).code).toBe(0);
    expect((await ebb(["plan"], { cwd })).out).not.toContain("query");
    const text = readFileSync(join(cwd, "stack.json"), "utf8");
    writeFileSync(
      join(cwd, "stack.json"),
      text.replace("select * from customer", "select * from customer where name <> 'x'"),
    );
    const { out } = await ebb(["plan"], { cwd });
    expect(out).toMatch(/query {5}changed since the last run:\n +select \* from customer[ {+]+where name <> 'x'/);
  });

  it("prints JSON and nothing else with --json", async () => {
    const { out, code, err } = await ebb(["plan", "--json", "--out", "p.ebb"], { cwd });
    expect(code).toBe(0);
    const events = err
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({ type: "version", format_version: "1.0" });
    expect(events.map(({ type }) => type)).toContain("phase");
    expect(events.at(-1)).toMatchObject({ type: "end", exit: 0 });
    expect(err).not.toContain("@example.com");
    const plan = JSON.parse(out);
    expect(plan).toMatchObject({ format_version: "1.0", complete: true, stopped: false });
    expect(plan.syncs[0].counts).toEqual({ create: 3, update: 3, delete: 0 });
    expect(out).not.toContain("@example.com");
    const shown = JSON.parse((await ebb(["show", "p.ebb", "--json", "--show-values"], { cwd, env: inLogs })).out);
    expect(shown.digest).toBe(plan.digest);
    expect(shown.samples[0].updates[0].change.key).toBe("user3@example.com");
    const run = JSON.parse((await ebb(["apply", "p.ebb", "--json"], { cwd })).out);
    expect(run).toMatchObject({ status: "applied", syncs: { customers: { applied: 6 } } });
  });

  it("stops with 3 when a guard does, and applies nothing", async () => {
    declare(cwd, { guards: { max_changes: 1 } });
    const planned = await ebb(["plan", "--out", "p.ebb"], { cwd });
    expect(planned).toMatchObject({ code: 3, out: expect.stringContaining("STOPPED") });
    const applied = await ebb(["apply", "p.ebb"], { cwd });
    expect(applied).toMatchObject({ code: 3, err: expect.stringContaining("Error GUARD_STOPPED") });
  });

  it("shows a plan without its project, and refuses one that was altered or cut", async () => {
    await ebb(["plan", "--out", "../p.ebb"], { cwd });
    const elsewhere = { cwd: folder.directory };
    const shown = await ebb(["show", "p.ebb"], elsewhere);
    expect(shown).toMatchObject({ code: 0, out: expect.stringContaining("Total  + create 3") });
    const bytes = readFileSync(join(folder.directory, "p.ebb"));
    writeFileSync(join(folder.directory, "cut.ebb"), bytes.subarray(0, bytes.length - 40));
    expect(await ebb(["show", "cut.ebb"], elsewhere)).toMatchObject({ code: 4, out: "" });
    const at = bytes.indexOf("PAR1") + 12;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(join(folder.directory, "altered.ebb"), bytes);
    const altered = await ebb(["show", "altered.ebb"], elsewhere);
    expect(altered.code).toBe(4);
    expect(altered.err).toMatch(/Error PLAN_(ALTERED|UNREADABLE): .+\n {2}Next: /);
    expect((await ebb(["show", "missing.ebb"], elsewhere)).code).toBe(1);
    const comment = await ebb(["--stack", "acme", "show", "p.ebb", "--format", "markdown"], elsewhere);
    expect(comment).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^<!-- ebb:plan acme digest=[0-9a-f]{64} verdict=ready deletes=0 -->\n/),
    });
    expect(comment.out).toMatch(/To apply exactly this:\n\n```sh\n.*apply p\.ebb --digest [0-9a-f]{64}\n```\n$/);
    expect(comment.out).not.toMatch(/@example\.com|Name \d/);
    const open = await ebb(["show", "p.ebb", "--format", "markdown", "--show-values"], { ...elsewhere, env: inLogs });
    expect(open).toMatchObject({ code: 1, out: "", err: expect.stringContaining("a comment stays in mails") });
    const paper = await ebb(["show", "p.ebb", "--format", "pdf"], elsewhere);
    expect(paper).toMatchObject({ code: 1, err: expect.stringContaining("Error USAGE") });
  });

  it("needs an approval that nobody can give without a terminal", async () => {
    const { code, err } = await ebb(["apply"], { cwd });
    expect(code).toBe(1);
    expect(err).toContain("Error APPROVAL_NEEDED");
    expect(err).toMatch(/Next: Save a plan/);
  });

  it("leaves with 6 while another run holds the state, and unlock shows who", async () => {
    await ebb(["plan", "--out", "p.ebb"], { cwd });
    const owner = {
      id: "other",
      host: `not-${hostname()}`,
      user: "ann",
      pid: 1,
      ci: null,
      since: "2026-01-01T00:00:00Z",
    };
    await ebb(["doctor"], { cwd });
    const lock = join(cwd, ".ebb/lock.json");
    (await import("node:fs")).mkdirSync(join(cwd, ".ebb"), { recursive: true });
    writeFileSync(lock, JSON.stringify(owner));
    writeFileSync(`${lock}.beat-${owner.id}`, String(Date.now() + 60_000));
    const locked = await ebb(["apply", "p.ebb"], { cwd });
    expect(locked).toMatchObject({ code: 6, err: expect.stringContaining("Error STATE_LOCKED: held by ann@not-") });
    expect((await ebb(["state", "unlock"], { cwd })).code).toBe(1);
    const unlocked = await ebb(["state", "unlock", "--force"], { cwd });
    expect(unlocked).toMatchObject({ code: 0, err: expect.stringContaining("Held by ann@") });
    expect((await ebb(["apply", "p.ebb"], { cwd })).code).toBe(0);
  });

  it("ends with 130 on SIGINT and 143 on SIGTERM, and leaves nothing behind", async () => {
    // The app says that it runs, and so that the command listens.
    writeFileSync(join(cwd, "cdktf.json"), JSON.stringify({ app: "echo > started && sleep 20" }));
    const started = join(cwd, "started");
    const whenStarted = (child: ChildProcess, then: () => void) => {
      const look = setInterval(() => {
        if (!existsSync(started)) return;
        clearInterval(look);
        then();
      }, 50);
      child.on("exit", () => clearInterval(look));
    };
    for (const [signal, expected] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      rmSync(started, { force: true });
      const ended = await ebb(["plan"], { cwd, meanwhile: (child) => whenStarted(child, () => child.kill(signal)) });
      expect(ended.code).toBe(expected);
      expect(ended.err).toContain(`stopped by ${signal}`);
    }
  });

  it("looks into the state and repairs it", async () => {
    await ebb(["plan", "--out", "p.ebb"], { cwd });
    await ebb(["apply", "p.ebb"], { cwd });
    expect((await ebb(["state", "list"], { cwd })).out).toMatch(/customers +6 +3/);
    const shown = await ebb(["state", "show", "customers"], { cwd });
    expect(shown.out).toContain("Loyal");
    expect(shown.out).not.toContain("@example.com");
    const pulled = await ebb(["state", "pull"], { cwd });
    writeFileSync(join(cwd, "state.json"), pulled.out);
    expect((await ebb(["state", "push", "state.json"], { cwd })).out).toContain("serial 2");
    const stale = await ebb(["state", "push", "state.json"], { cwd });
    expect(stale).toMatchObject({ code: 4, err: expect.stringContaining("serial 2") });
    expect((await ebb(["state", "rm", "customers"], { cwd })).code).toBe(1);
    expect((await ebb(["state", "rm", "customers", "--force"], { cwd })).out).toContain("serial 3");
    expect((await ebb(["state", "list"], { cwd })).out).toContain("Nothing is recorded yet.");
    expect((await ebb(["state", "show", "customer"], { cwd })).code).toBe(1);
  });

  it("leaves with 5 when records moved since the plan", async () => {
    await ebb(["plan", "--out", "p.ebb"], { cwd });
    await sql(join(cwd, "crm.duckdb"), ["UPDATE contact SET segment = 'Other' WHERE email = 'user3@example.com'"]);
    const applied = await ebb(["apply", "p.ebb"], { cwd });
    expect(applied.code).toBe(5);
    expect(applied.out).toMatch(/ebb runs 2/);
    const runs = await ebb(["runs"], { cwd });
    expect(runs.out).toMatch(/partial +5 +0 +1/);
    const [name] = /\d{8}T\d{6}-\w+/.exec(runs.out) ?? [""];
    expect((await ebb(["runs", name], { cwd })).out).toContain("skipped");
    expect((await ebb(["runs", "none"], { cwd })).err).toContain("RUN_UNKNOWN");
  });
});

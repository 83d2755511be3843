import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { declareSlow, ebb, project, scratch } from "../cli/run.ts";
import { type Bare, bare } from "./client.ts";

let folder: ReturnType<typeof scratch>;
let cwd: string;
let tmp: string;
let server: Bare;
beforeEach(async () => {
  folder = scratch();
  cwd = join(folder.directory, "project");
  tmp = join(folder.directory, "tmp");
  mkdirSync(tmp);
  await project(cwd);
});
afterEach(async () => {
  server.child.stdin?.end();
  await server.ended;
  folder.clear();
});

const start = async (...args: string[]) => {
  server = await bare(cwd, args, { TMPDIR: tmp });
};
const answer = (id: number) => server.message((message) => message.id === id);
/** Besides the folder in which processes of one user meet. */
const left = () => readdirSync(tmp).filter((name) => !/^ebb-\d+$|^node-compile-cache$|^tsx-/.test(name));

function expectOnlyMessages(out: string): void {
  for (const line of out.trimEnd().split("\n")) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
}

function withPolicy(code: string): void {
  writeFileSync(join(cwd, "policies.mjs"), code);
  const app = JSON.parse(readFileSync(join(cwd, "cdktf.json"), "utf8"));
  writeFileSync(join(cwd, "cdktf.json"), JSON.stringify({ ...app, context: { ebb: { policies: "policies.mjs" } } }));
}

/** The app waits in this process's sight, until it is stopped or may go on. */
function holdApp(before = ""): void {
  const app = readFileSync(join(cwd, "app.mjs"), "utf8");
  const wait = `import { existsSync, renameSync } from "node:fs";
${before}
writeFileSync("starting", String(process.pid));
renameSync("starting", "started");
while (!existsSync("go")) await new Promise((next) => setTimeout(next, 20));
`;
  writeFileSync(join(cwd, "app.mjs"), wait + app);
}

/** Whether the held app still runs; one that ended, and that nobody has asked after, does not. */
function appRuns(): boolean {
  const pid = Number(readFileSync(join(cwd, "started"), "utf8"));
  try {
    process.kill(pid, 0);
    return !existsSync("/proc/self/stat") || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function present(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((next) => setTimeout(next, 20));
}

describe("the server", { timeout: 60_000 }, () => {
  it("writes nothing but messages to stdout, whatever the project's own code prints", async () => {
    writeFileSync(join(cwd, "app.mjs"), `console.log("the app says");\n${readFileSync(join(cwd, "app.mjs"), "utf8")}`);
    withPolicy(`console.log("the policy says");
      export default [{ code: "A", level: "warn", check: () => { console.log("and again"); process.stdout.write("and again"); return []; } }];`);
    await start("--enable-apply");
    server.child.stdin?.write("this is no message\n");
    for (const [id, name, args] of [
      [1, "list_syncs", {}],
      [2, "validate", {}],
      [3, "plan", { out: "p.ebb" }],
      [4, "show_plan", { file: "p.ebb" }],
      [5, "explain_record", { sync: "customers", key: "user1@example.com" }],
      [6, "runs", {}],
      [7, "apply", { file: "p.ebb", digest: "0" }],
      [8, "nothing", {}],
    ] as const) {
      server.ask(id, name, args);
      const { result } = await answer(id);
      expect(result?.isError, `${name}: ${JSON.stringify(result)}`).toBe(id > 6 ? true : undefined);
    }
    server.child.stdin?.end();
    expect(await server.ended).toBe(0);
    expectOnlyMessages(server.out());
    expect(server.out()).not.toMatch(/the app says|the policy says|and again/);
    expect(left()).toEqual([]);
  });

  it.each([
    ["its app", ""],
    ["an app that would go on", `process.on("SIGTERM", () => {});`],
  ])("ends when stdin does, and stops what it was about: %s", async (_name, before) => {
    holdApp(before);
    await start();
    server.ask(1, "plan", { out: "p.ebb" });
    await present(join(cwd, "started"));
    server.child.stdin?.end();
    expect(await server.ended).toBe(0);
    expectOnlyMessages(server.out());
    expect(existsSync(join(cwd, ".ebb"))).toBe(false);
    expect(left()).toEqual([]);
    expect(appRuns()).toBe(false);
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("ends at %s", async (signal, code) => {
    holdApp();
    await start();
    server.ask(1, "plan");
    await present(join(cwd, "started"));
    server.child.kill(signal);
    expect(await server.ended).toBe(code);
    expect((await answer(1)).result?.structuredContent).toMatchObject({ error: { code: "STOPPED" } });
    expect(left()).toEqual([]);
    expect(appRuns()).toBe(false);
  });

  it("stops a plan whose request is cancelled, and goes on with the next", async () => {
    holdApp();
    await start();
    server.ask(1, "plan", { out: "p.ebb" });
    server.ask(2, "plan");
    await present(join(cwd, "started"));
    server.send({ method: "notifications/cancelled", params: { requestId: 1, reason: "no longer wanted" } });
    writeFileSync(join(cwd, "go"), "");
    expect((await answer(2)).result?.structuredContent).toMatchObject({ verdict: "ready" });
    expect(server.out()).not.toContain('"id":1');
    expect(existsSync(join(cwd, ".ebb/plans"))).toBe(false);
  });

  it("plans one at a time", async () => {
    withPolicy(`import { appendFileSync } from "node:fs";
      const check = async () => {
        appendFileSync("log", "begin ");
        await new Promise((next) => setTimeout(next, 300));
        appendFileSync("log", "end ");
        return [];
      };
      export default [{ code: "A", level: "warn", check }];`);
    await start();
    for (const id of [1, 2, 3]) server.ask(id, "plan");
    for (const id of [1, 2, 3]) await answer(id);
    expect(readFileSync(join(cwd, "log"), "utf8")).toBe("begin end begin end begin end ");
  });

  it("finishes the batch of an apply when stdin ends, so that the run can be resumed", async () => {
    slowCrm();
    const { digest } = JSON.parse((await ebb(["plan", "--out", "p.ebb", "--json"], { cwd })).out);
    await start("--enable-apply", "--approve", digest);
    server.ask(1, "apply", { file: "p.ebb", digest });
    await server.message(({ params }) => /^customers: applying, \d/.test(String(params?.message)));
    server.child.stdin?.end();
    expect(await server.ended).toBe(0);
    expect((await answer(1)).result?.structuredContent).toMatchObject({ status: "stopped" });
    const [run] = JSON.parse((await ebb(["runs", "--json"], { cwd })).out).runs;
    expect(run).toMatchObject({ status: "unfinished" });
    expect(run.applied).toBeGreaterThan(0);
    expect(await ebb(["apply"], { cwd })).toMatchObject({ code: 0, err: expect.stringContaining("Resuming run") });
  });
});

/** A CRM that takes two calls a second, and 1,200 new customers. */
function slowCrm(): void {
  declareSlow(cwd, {
    header: "email,name",
    rows: Array.from({ length: 1_200 }, (_, i) => `u${i}@example.com,Name ${i}`),
    fields: { LastName: { column: "name" } },
  });
}

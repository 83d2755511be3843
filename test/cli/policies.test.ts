/** Files of policies: what is loaded, and that nothing a policy does goes by unseen. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { declaredPolicies, judge, loadPolicies } from "../../src/cli/policies.ts";
import { EbbError } from "../../src/core/errors.ts";
import { PLAN_FORMAT } from "../../src/core/plan.ts";
import type { PolicyInput } from "../../src/core/policy.ts";
import { root, scratch } from "./run.ts";

const folder = scratch();
afterAll(() => folder.clear());
mkdirSync(join(folder.directory, "node_modules"));
symlinkSync(root, join(folder.directory, "node_modules", "ebb"), "dir");

let files = 0;
function written(text: string, name = `p${++files}.ts`): string {
  const path = join(folder.directory, name);
  writeFileSync(path, text);
  return path;
}
const input: PolicyInput = {
  plan: { format: PLAN_FORMAT, created: "", expires: "", complete: true, syncs: [] },
  syncs: [],
  at: "2026-11-21T10:00:00.000Z",
};
const never = new AbortController().signal;
/** Long enough for what ends by itself. */
const SOON = 20_000;

async function results(text: string, limitMs = SOON) {
  return judge(await loadPolicies([written(text)], SOON), input, never, limitMs);
}
async function problem(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof EbbError) return `${error.code} ${error.message.replace(/^.*\/[\w-]+\.(ts|mjs): ?/, "")}`;
    throw error;
  }
  throw new TypeError("it went well");
}
const one = (check: string, more = 'level: "deny"') => `export default [{ code: "ONE", ${more}, check: ${check} }];`;

describe("a file of policies", { timeout: 60_000 }, () => {
  it("is TypeScript or JavaScript, with a default export or `policies`", async () => {
    const ts = written(
      'const level: "warn" = "warn"; export const policies = [{ code: "TS", level, check: () => [] as string[] }];',
    );
    const js = written('export default [{ code: "JS", level: "deny", check: async () => ["no"] }];', "p-one.mjs");
    const cjs = written('module.exports = [{ code: "CJS", level: "warn", check: () => [] }];', "p-two.cjs");
    const loaded = await loadPolicies([ts, js, ts, cjs]);
    expect(loaded.map(({ policy }) => policy.code)).toEqual(["TS", "JS", "CJS"]);
    expect(await judge(loaded, input, never)).toEqual([
      { code: "TS", level: "pass", sync: null, message: "" },
      { code: "JS", level: "deny", sync: null, message: "no" },
      { code: "CJS", level: "pass", sync: null, message: "" },
    ]);
  });

  it.each<[string, string, string]>([
    ["is not there", "", "POLICY_BROKEN cannot be loaded: Error: "],
    ["does not compile", "export default [", "POLICY_BROKEN cannot be loaded: "],
    [
      "fails when it loads",
      "throw new RangeError('no region')",
      "POLICY_BROKEN cannot be loaded: RangeError: no region",
    ],
    ["exports something else", "export default { code: 'A' };", "POLICY_BROKEN exports no list"],
    ["exports nothing", "const a = 1;", "POLICY_BROKEN exports no list"],
    ["holds what is no policy", "export default [null];", "POLICY_BROKEN policy number 1: is not a policy"],
    ["has a policy without a code", "export default [{ level: 'deny', check() {} }];", "policy number 1: needs a code"],
    [
      "has a code with a blank",
      "export default [{ code: 'a b', level: 'deny', check() {} }];",
      "policy a b: needs a code",
    ],
    ["has a level that there is not", one("() => []", 'level: "error"'), "policy ONE: needs level: warn or deny"],
    ["has a policy without check", "export default [{ code: 'A', level: 'warn' }];", "policy A: needs check"],
    [
      "has one code twice",
      "const a = { code: 'A', level: 'warn', check() {} }; export default [a, a];",
      "POLICY_BROKEN policy A: has the code of another policy",
    ],
  ])("%s", async (title, text, message) => {
    const path = title === "is not there" ? join(folder.directory, "none.ts") : written(text);
    expect(await problem(loadPolicies([path]))).toContain(message);
  });

  it("shares no code with another file", async () => {
    const [first, second] = [written(one("() => []")), written(one("() => []"))];
    expect(await problem(loadPolicies([first, second]))).toMatch(
      /policy ONE: has the code of another policy in .*\.ts$/,
    );
  });

  it("that never has loaded is given up", async () => {
    expect(
      await problem(loadPolicies([written("await new Promise(() => {}); export default [];", "p-never.mjs")], 200)),
    ).toBe("POLICY_BROKEN is not loaded after 0.2 s");
  });
});

describe("a policy", { timeout: 60_000 }, () => {
  it("answers with texts or violations, at once or later", async () => {
    const found = await results(one('async () => ["a", { message: "b" }, { sync: "s", message: "c" }]'));
    expect(found).toEqual([
      { code: "ONE", level: "deny", sync: null, message: "a" },
      { code: "ONE", level: "deny", sync: null, message: "b" },
      { code: "ONE", level: "deny", sync: "s", message: "c" },
    ]);
  });

  it.each<[string, string, string]>([
    ["throws", '() => { throw new TypeError("no such sync"); }', "check failed: TypeError: no such sync"],
    ["throws what is no error", "() => { throw 7; }", "check failed: 7"],
    ["rejects", 'async () => { throw new RangeError("late"); }', "check failed: RangeError: late"],
    ["answers nothing", "() => undefined", "check must return a list of violations"],
    ["answers true", "async () => true", "check must return a list of violations"],
    ["answers numbers", "() => [1]", "a violation is a text, or has a message"],
    ["names a sync by number", '() => [{ sync: 1, message: "m" }]', "a violation is a text, or has a message"],
  ])("that %s is an error that names it", async (_, check, message) => {
    const said = await problem(results(one(check)));
    expect(said).toContain("POLICY_BROKEN policy ONE: ");
    expect(said).toContain(message);
  });

  it("that has no answer is given up, whether it waits or goes round in circles", async () => {
    const late = "POLICY_BROKEN policy ONE: check has no answer after 0.3 s";
    expect(await problem(results(one("() => new Promise(() => {})"), 300))).toBe(late);
    expect(await problem(results(one("() => { for (;;); }"), 300))).toBe(late);
  });

  it("is left when the command is stopped", async () => {
    const stop = new AbortController();
    const loaded = await loadPolicies([written(one("() => new Promise(() => {})"))]);
    const judged = judge(loaded, input, stop.signal);
    stop.abort(new RangeError("stopped"));
    await expect(judged).rejects.toThrow("stopped");
  });

  it("cannot change what it judges", async () => {
    await results(one('({ plan, syncs }) => { plan.complete = false; syncs.push(1); return ["x"]; }'));
    expect(input).toMatchObject({ plan: { complete: true }, syncs: [] });
  });

  it("that says much is cut short", async () => {
    const found = await results(one('() => Array.from({ length: 150 }, () => "x".repeat(5000))'));
    expect(found).toHaveLength(101);
    expect(found[0]?.message).toHaveLength(1_001);
    expect(found[100]?.message).toBe("and 50 more");
  });
});

describe("context.ebb.policies of cdktf.json", () => {
  it("is a file or several, from the project's folder", () => {
    const named = (context: unknown) => declaredPolicies({ root: "/p", context });
    expect(named({ ebb: { policies: "a.ts" } })).toEqual(["/p/a.ts"]);
    expect(named({ ebb: { policies: ["a.ts", "/b.ts"] } })).toEqual(["/p/a.ts", "/b.ts"]);
    expect(named({ excludeStackIdFromLogicalIds: "true" })).toEqual([]);
    for (const policies of [7, [""], [null], {}])
      expect(() => named({ ebb: { policies } })).toThrow("context.ebb.policies of /p/cdktf.json is no file name");
  });
});

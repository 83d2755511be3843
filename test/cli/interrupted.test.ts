import { chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { declareSlow, ebb, scratch } from "./run.ts";

const folder = scratch();
afterAll(() => folder.clear());

/** A slow CRM, and two customers of which it takes only one. */
function slowProject(cwd: string, customers: number): void {
  declareSlow(cwd, {
    header: "email,name,number",
    rows: Array.from({ length: customers }, (_, i) => `u${i}@example.com,Name ${i},n${Math.max(i, 1)}`),
    fields: { LastName: { column: "name" }, External_Id__c: { column: "number" } },
  });
}

describe("an apply that is interrupted", { timeout: 120_000 }, () => {
  it("stops resumable, is finished by the next apply, and tells what was rejected", async () => {
    const cwd = join(folder.directory, "slow");
    slowProject(cwd, 1_900);
    expect((await ebb(["plan", "--out", "p.ebb"], { cwd })).out).toContain("+ create 1,900");
    const stopped = await ebb(["apply", "p.ebb"], {
      cwd,
      meanwhile: (child) =>
        child.stderr?.on("data", (chunk) => {
          if (String(chunk).startsWith("Run ")) setTimeout(() => child.kill("SIGINT"), 500);
        }),
    });
    expect(stopped).toMatchObject({ code: 130, out: expect.stringContaining("it can be resumed") });
    expect(stopped.err).toContain("Stopping");
    expect((await ebb(["plan"], { cwd })).out).toContain("stopped before its end");
    await ebb(["plan", "--out", "other.ebb"], { cwd });
    expect((await ebb(["apply", "other.ebb"], { cwd })).err).toContain("Error RUN_UNFINISHED");
    const resumed = await ebb(["apply"], { cwd });
    expect(resumed).toMatchObject({ code: 5, err: expect.stringContaining("Resuming run") });
    expect(resumed.out).toMatch(/customers +1,899 +1/);
    const [name] = /\d{8}T\d{6}-\w+/.exec(resumed.out) ?? [""];
    const run = await ebb(["runs", name], { cwd });
    expect(run.out).toMatch(/! customers {2}\S+•••[0-9a-f]{4}\n +DUPLICATE_VALUE.*•••[0-9a-f]{4}/);
    expect(run.out).not.toContain("@example.com");
    expect((await ebb(["runs", name, "--show-values"], { cwd, env: { EBB_SHOW_VALUES_IN_LOGS: "1" } })).out).toMatch(
      /u[01]@example\.com/,
    );
    const json = JSON.parse((await ebb(["runs", name, "--json"], { cwd })).out);
    expect(json.rejected_records).toEqual([{ sync: "customers", code: "DUPLICATE_VALUE", field: null }]);
  });
});

it("rows on their way that a killed command left behind are removed by the next one, and nothing else is", async () => {
  const cwd = join(folder.directory, "killed");
  const tmp = join(folder.directory, "tmp");
  mkdirSync(tmp);
  const env = { TMPDIR: tmp };
  const left = () => readdirSync(tmp).filter((name) => /^ebb-\w+-\d+-/.test(name));
  slowProject(cwd, 1_900);
  await ebb(["plan", "--out", "p.ebb"], { cwd, env });
  expect(left()).toEqual([]);
  const killed = await ebb(["apply", "p.ebb"], {
    cwd,
    env,
    meanwhile: (child) =>
      child.stderr?.on("data", (chunk) => {
        if (String(chunk).startsWith("Run ")) child.kill("SIGKILL");
      }),
  });
  expect(killed.code).toBeNull();
  const [, place = "", pid = ""] = /^ebb-(\w+)-(\d+)-/.exec(left()[0] ?? "") ?? [];
  expect(readdirSync(join(tmp, left()[0] ?? ""))).not.toEqual([]);
  const others = [`ebb-${place}-${process.pid}-living`, `ebb-elsewhere-${pid}-abcdef`];
  if (process.getuid?.() === 0) others.push(`ebb-${place}-${pid}-foreign`);
  for (const name of others) {
    mkdirSync(join(tmp, name));
    writeFileSync(join(tmp, name, "rows"), "");
    if (name.endsWith("foreign")) chownSync(join(tmp, name), 12_345, 12_345);
  }
  expect((await ebb(["plan"], { cwd, env })).out).toContain("stopped before its end");
  expect(left().sort()).toEqual(others.sort());
}, 120_000);

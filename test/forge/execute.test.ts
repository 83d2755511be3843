import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ebb, scratch } from "../cli/run.ts";
import { Crm } from "../scenarios/crm.ts";
import { Runner } from "./runner.ts";
import { type End, githubStage, gitlabStage, moveOut, type Stage } from "./stage.ts";

const header = "email,first_name,last_name,segment,lifetime_value\n";
const rows = {
  ada: "ada@example.com,Ada,Lovelace,Loyal,1890.50\n",
  alan: "alan@example.com,Alan,Turing,Growing,420.00\n",
  canary: "canary@example.net,Quetzal,Zyxwcanary,New,31337.25\n",
  late: "late@example.net,Late,Latecanary,New,77001.00\n",
};
/** What is in the warehouse or the CRM and in no field declared public, and what is secret. */
const canaries = /Lovelace|Turing|Quetzal|canary|example\.(com|net)|31337|77001|1890|AGE-SECRET|sandbox-client-secret/i;

describe.each([
  ["github", githubStage],
  ["gitlab", gitlabStage],
] as const)("the workflow of ebb init --ci %s", { timeout: 300_000 }, (forge, open) => {
  const folder = scratch();
  const path = (name: string) => join(folder.directory, name);
  const crm = new Crm(folder.directory);
  const warehouse = (...lines: readonly string[]) => writeFileSync(path("customers.csv"), [header, ...lines].join(""));
  const contacts = () => crm.run(["list", "Contact", "Email", "Segment__c", "Lifetime_Value__c"]);
  /** Records the CRM has written since it was started. */
  const written = async () => /^written (\d+)$/m.exec(await crm.run(["stats"]))?.[1] ?? "";
  let stage: Stage;
  const logs: string[] = [];
  /** How a job ended, with its log where that is not as it should be. */
  const ended = (end: End, code: number) => {
    logs.push(end?.log ?? "");
    expect({ code: end?.code, ok: end?.ok }, end?.log).toEqual({ code, ok: code === 0 });
    return end?.log ?? "";
  };

  beforeAll(async () => {
    const made = await ebb(["init", "project", "--ci", forge], { cwd: folder.directory });
    expect(made.code).toBe(0);
    await crm.run(["start"]);
    await crm.run(["seed", "Contact", "Email=ada@example.com", "LastName=Lovelace", "Segment__c=Loyal"]);
    await crm.run(["seed", "Contact", "Email=alan@example.com", "FirstName=Alan", "LastName=Turing", "Segment__c=New"]);
    warehouse(rows.ada, rows.alan, rows.canary);
    moveOut(path("project"), path("customers.csv"), crm.env().CRM_URL ?? "");
    const key = JSON.parse((await ebb(["keygen", "--json"], { cwd: folder.directory })).out);
    stage = await open(new Runner(folder.directory, path("project")), key);
  }, 120_000);
  afterAll(async () => {
    await stage.close();
    await crm.close();
    folder.clear();
  });

  it("plans a request, and tells it in a comment; nothing is written", async () => {
    const before = await contacts();
    const { validate, plan } = await stage.propose(7);
    ended(validate, 0);
    ended(plan, 0);
    const [comment = "", ...others] = stage.comments(7);
    expect(others).toEqual([]);
    expect(comment).toMatch(
      /^<!-- ebb:plan \S+ digest=[0-9a-f]{64} verdict=ready deletes=0 -->\n<!-- ebb:job \d+ head=0+a007 -->\n/,
    );
    expect(stage.labels(7)).toEqual([]);
    const sealed = stage.artifact(7)?.toString("latin1") ?? "";
    expect(sealed).toContain("age-encryption.org/v1");
    expect(sealed).not.toMatch(canaries);
    expect(await contacts()).toBe(before);
  });

  it("runs for a fork without a secret: nothing is planned, nothing told", async () => {
    const { validate, plan } = await stage.propose(8, true);
    ended(validate, 0);
    expect(plan).toBeNull();
    expect(stage.comments(8)).toEqual([]);
    expect(stage.artifact(8)).toBeNull();
  });

  it("does not apply what nobody has reviewed", async () => {
    const before = await contacts();
    expect(ended(await stage.apply(null), 4)).toContain("Error REVIEW_MISSING");
    // Somebody gets into the warehouse between review and merge.
    warehouse(rows.ada, rows.alan, rows.canary, rows.late);
    expect(ended(await stage.apply(7), 4)).toContain("Error PLAN_MOVED");
    expect(stage.comments(7)[0]).toContain("**Not applied, or not whole**");
    expect(await contacts()).toBe(before);
  });

  it("applies what is left of the reviewed plan", async () => {
    warehouse(rows.ada, rows.alan, rows.canary);
    // Meanwhile somebody has made one of the changes by hand.
    await crm.run(["edit", "Contact", "Email=alan@example.com", "Segment__c=Growing", "Lifetime_Value__c=420"]);
    expect(ended(await stage.apply(7), 0)).toContain("2 of 3 reviewed changes remain");
    expect(await contacts()).toBe(
      "ada@example.com  Loyal  1890.5\nalan@example.com  Growing  420\ncanary@example.net  New  31337.25",
    );
    const comment = stage.comments(7)[0] ?? "";
    expect(comment).toContain("<!-- ebb:status -->**Applied** by [this job]");
    expect(comment).not.toContain("Not applied");
  });

  it("writes nothing twice when the job is run again", async () => {
    const before = await written();
    ended(await stage.apply(7), 0);
    expect(await written()).toBe(before);
    expect(stage.comments(7)).toHaveLength(1);
  });

  it("looks for drift, and fails where there is some", async () => {
    ended(await stage.drift(), 0);
    await crm.run(["edit", "Contact", "Email=alan@example.com", "Segment__c=At Risk"]);
    expect(ended(await stage.drift(), 3)).toMatch(/drift/i);
    await crm.run(["edit", "Contact", "Email=alan@example.com", "Segment__c=Growing"]);
  });

  it("plans and applies the next request with what the one before it left", async () => {
    // Only who knows the ledger knows that the record which the warehouse no longer has is one of Ebb's.
    warehouse(rows.ada, rows.alan, rows.late);
    ended((await stage.propose(9)).plan, 0);
    expect(stage.comments(9)[0]).toMatch(/ verdict=ready deletes=1 -->/);
    expect(stage.labels(9)).toEqual(["plan:deletes"]);
    expect(ended(await stage.apply(9), 0)).toContain("2 of 2 reviewed changes remain");
    expect(await contacts()).toBe(
      "ada@example.com  Loyal  1890.5\nalan@example.com  Growing  420\nlate@example.net  New  77001",
    );
  });

  it("fails the job of a plan that a guard stops, and tells it", async () => {
    warehouse();
    const { plan } = await stage.propose(10);
    ended(plan, 3);
    expect(stage.comments(10)[0]).toMatch(/verdict=stopped/);
    expect(stage.labels(10)).toEqual(["plan:deletes", "plan:stopped"]);
    const before = await contacts();
    ended(await stage.apply(10), 3);
    expect(await contacts()).toBe(before);
  });

  it("has shown no value that is not public, and no secret, in all of this", () => {
    const told = [7, 8, 9, 10].flatMap((request) => stage.comments(request));
    for (const text of [...logs, ...told, ...stage.summaries()]) expect(text).not.toMatch(canaries);
    if (forge === "github") expect(stage.summaries().some((text) => text.includes("verdict=ready"))).toBe(true);
    // They would have been seen.
    expect(readFileSync(path("customers.csv"), "utf8") + rows.canary).toMatch(canaries);
  });
});

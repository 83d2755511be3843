import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { declare, ebb, project, scratch } from "../cli/run.ts";
import { dataOf, errorOf, type Served, serve, textOf } from "./client.ts";

let folder: ReturnType<typeof scratch>;
let cwd: string;
let served: Served | undefined;
beforeEach(async () => {
  folder = scratch();
  cwd = join(folder.directory, "project");
  await project(cwd);
});
afterEach(async () => {
  await served?.close();
  folder.clear();
});

const looking = ["list_syncs", "validate", "plan", "show_plan", "explain_record", "runs"];

describe("the tools", { timeout: 60_000 }, () => {
  it("only look, and say what they are for", async () => {
    served = await serve(cwd);
    const { tools } = await served.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(looking);
    for (const { title, description = "", inputSchema, annotations } of tools) {
      expect(title).toBeTruthy();
      expect(description).toMatch(/Use it/);
      expect(inputSchema).toMatchObject({ type: "object", additionalProperties: false });
      expect(annotations).toMatchObject({ destructiveHint: false });
      expect(typeof annotations?.readOnlyHint).toBe("boolean");
      expect(typeof annotations?.openWorldHint).toBe("boolean");
    }
    expect(await served.call("apply", { file: "p.ebb", digest: "0" })).toMatchObject({ isError: true });
    expect(served.client.getInstructions()).toContain("Only a person approves a plan");
  });

  it("write only where that is asked for at the start", async () => {
    served = await serve(cwd, ["--enable-apply"]);
    const { tools } = await served.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([...looking, "apply"]);
    expect(tools.at(-1)?.annotations).toMatchObject({ readOnlyHint: false, destructiveHint: true });
  });

  it("tell syncs with connections by name, and no option of one", async () => {
    served = await serve(cwd);
    const { syncs } = dataOf(await served.call("list_syncs"));
    expect(syncs).toMatchObject([
      {
        name: "customers",
        mode: "upsert",
        source: "warehouse",
        destination: "crm",
        object: "contact",
        key: ["email"],
        fields: expect.arrayContaining([
          { name: "name", privacy: "internal" },
          { name: "segment", privacy: "public" },
        ]),
      },
    ]);
    await served.call("plan");
    await served.call("runs");
    await served.call("explain_record", { sync: "customers", key: "user3@example.com" });
    expect(served.seen()).not.toMatch(/warehouse\.duckdb|crm\.duckdb/);
  });

  it("say what is wrong with a project, and what to do", async () => {
    served = await serve(cwd);
    expect(dataOf(await served.call("validate"))).toMatchObject({ valid: true, syncs: ["customers"] });
    declare(cwd, { mode: "upsrt" });
    const broken = await served.call("validate");
    expect(errorOf(broken)).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("mode"),
      next: expect.any(String),
    });
    expect(textOf(broken)).toContain("CONFIG_INVALID");
    // The project is read anew for each request.
    declare(cwd);
    expect((await served.call("validate")).isError).toBeUndefined();
  });

  it("say what was meant by a name that is not there", async () => {
    served = await serve(cwd);
    const unknown = await served.call("plan", { sync: ["custmers"] });
    expect(errorOf(unknown)).toMatchObject({
      code: "SYNC_UNKNOWN",
      message: expect.stringContaining('did you mean "customers"?'),
    });
    expect(errorOf(await served.call("explain_record", { sync: "x", key: "y" }))).toMatchObject({
      code: "SYNC_UNKNOWN",
    });
    expect(errorOf(await served.call("runs", { run: "20260101T000000-abcdef" }))).toMatchObject({
      code: "RUN_UNKNOWN",
    });
    for (const wrong of [{ refresh: "some" }, { target: "customers" }])
      expect(textOf(await served.call("plan", wrong))).toContain("Invalid arguments for tool plan");
    expect(await served.call("runs", { run: "../../x" })).toMatchObject({ isError: true });
  });

  it("keep an address to themselves when a system cannot be reached", async () => {
    const stack = JSON.parse(readFileSync(join(cwd, "stack.json"), "utf8"));
    stack.provider.ebb[0].connections.crm = {
      postgres: { host: "127.0.0.1", port: 9, database: "sales_db", user: "canary_user", password: "env:CRM_PASSWORD" },
    };
    writeFileSync(join(cwd, "stack.json"), JSON.stringify(stack));
    const env = { CRM_PASSWORD: "canary-password" };
    served = await serve(cwd, [], env);
    const result = await served.call("plan", { out: "unread.ebb" });
    // What this test is worth: the command line does tell the address.
    expect((await ebb(["plan", "--json"], { cwd, env })).out).toContain("127.0.0.1");
    expect(result.isError).toBeUndefined();
    expect(dataOf(result)).toMatchObject({ verdict: "incomplete", complete: false });
    expect(textOf(result)).toContain("INCOMPLETE");
    expect(JSON.stringify(result)).toContain("(crm.host)");
    const again = await served.call("show_plan", { file: "unread.ebb" });
    expect(JSON.stringify(again)).toContain("NETWORK");
    expect(served.seen()).not.toMatch(/127\.0\.0\.1|sales_db|canary/);
  });
});

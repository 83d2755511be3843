import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { root } from "../cli/run.ts";
import { attach, clear } from "./attached.ts";
import { folder, missing } from "./terraform.ts";

afterAll(clear);
beforeEach((context) => {
  if (missing) context.skip(missing);
});

const examples = join(root, "examples");
const snippets = ["provider", "resources", "data-sources", "functions"];
const useCases = readdirSync(examples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !snippets.includes(entry.name))
  .map(({ name }) => name);

/** What each would do in an empty sandbox. */
const expected: Readonly<Record<string, string>> = {
  "customer-lifetime-value": '"customer-lifetime-value": 3 to create',
  "mirror-with-conditions": '"accounts": 2 to create',
  preview: "+ create = 2",
  "trial-usage": '"trial-usage": 2 to create',
};

describe("examples", { timeout: 120_000 }, () => {
  it("each says here what it does", () => {
    expect(useCases.sort()).toEqual(Object.keys(expected).sort());
  });

  it.each(useCases)("%s is planned as it is", async (name) => {
    const directory = folder();
    cpSync(join(examples, name), directory, { recursive: true });
    const { terraform } = await attach(directory);
    expect(await terraform("init")).toMatchObject({ code: 0 });
    expect(await terraform("fmt", "-check")).toMatchObject({ code: 0 });
    const planned = await terraform("plan");
    expect(planned).toMatchObject({ code: 0, err: "" });
    expect(planned.out).toContain(expected[name]);
  });

  it("the snippets of the pages are valid together", async () => {
    const files = ["provider/provider.tf", "resources/ebb_sync/resource.tf", "data-sources/ebb_plan/data-source.tf"];
    const all = [...files, "functions/mask/function.tf"].map((file) => readFileSync(join(examples, file), "utf8"));
    const directory = folder({ "main.tf": all.join("\n") });
    const { terraform } = await attach(directory);
    await terraform("init");
    expect(await terraform("validate", "-no-color")).toMatchObject({ code: 0, err: "" });
    expect(await terraform("fmt", "-check")).toMatchObject({ code: 0 });
  });
});

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cannotCarry } from "../../scripts/build-executable.ts";
import { buildProvider } from "../../scripts/build-provider.ts";
import { terraformDocuments } from "../../scripts/build-provider-docs.ts";
import { providerAddress } from "../../src/core/provider-address.ts";
import { root, sql } from "../cli/run.ts";
import { provider, sync } from "./project.ts";
import { clear, execute, folder, missing, terraform } from "./terraform.ts";

afterAll(clear);

/** Terraform where nothing else is installed. */
async function withoutNode(directory: string): Promise<typeof terraform> {
  const PATH = join(directory, "programs");
  mkdirSync(PATH);
  const { out } = await execute("/bin/sh", ["-c", "command -v terraform"], directory);
  symlinkSync(out.trim(), join(PATH, "terraform"));
  return (cwd, ...args) => execute("terraform", args, cwd, { PATH });
}

describe("what is published", () => {
  it("the pages of the registry are what the schema says", async () => {
    for (const [path, text] of await terraformDocuments())
      expect(readFileSync(join(root, path), "utf8"), `${path}: run npm run build:provider-docs`).toBe(text);
  });

  it.for(["script", "executable"] as const)(
    "the zip (%s) is one that Terraform installs from a mirror, and works without this folder",
    {
      timeout: 180_000,
    },
    async (form, context) => {
      if (missing) context.skip(missing);
      const reason = form === "executable" && cannotCarry();
      if (reason) context.skip(reason);
      const directory = folder({ "main.tf": provider + sync("customer") });
      const out = join(directory, "built");
      const { zip, files } = await buildProvider({ out, form, compress: false });
      const sums = files.find((file) => file.endsWith("SHA256SUMS")) ?? "";
      for (const line of readFileSync(join(out, sums), "utf8").trim().split("\n")) {
        const [sum, file = ""] = line.split("  ");
        expect(
          createHash("sha256")
            .update(readFileSync(join(out, file)))
            .digest("hex"),
        ).toBe(sum);
      }
      const manifest = JSON.parse(readFileSync(join(out, zip.replace(/_[a-z]+_\w+\.zip$/, "_manifest.json")), "utf8"));
      expect(manifest).toEqual({ version: 1, metadata: { protocol_versions: ["6.0"] } });

      const mirror = join(directory, "terraform.d", "plugins", providerAddress);
      mkdirSync(mirror, { recursive: true });
      renameSync(join(out, zip), join(mirror, zip));
      await sql(join(directory, "warehouse.duckdb"), [
        "CREATE TABLE customer AS SELECT 'a@x.org' AS email, 'A' AS name",
      ]);
      await sql(join(directory, "crm.duckdb"), ["CREATE TABLE customer(email VARCHAR PRIMARY KEY, name VARCHAR)"]);
      const run = form === "executable" ? await withoutNode(directory) : terraform;
      expect(await run(directory, "init")).toMatchObject({ code: 0, err: "" });
      expect(await run(directory, "apply", "-auto-approve")).toMatchObject({ code: 0, err: "" });
      expect(await sql(join(directory, "crm.duckdb"), ["SELECT name FROM customer"])).toEqual([{ name: "A" }]);
    },
  );
});

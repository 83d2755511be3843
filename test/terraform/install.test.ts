import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { providerAddress } from "../../src/core/provider-address.ts";
import { ebb, sql } from "../cli/run.ts";
import { cookie } from "./process.ts";
import { provider, sync } from "./project.ts";
import { clear, folder, initialised, missing, terraform } from "./terraform.ts";

afterAll(clear);

it("puts a provider that runs where Terraform looks for its source address", async () => {
  const cwd = join(folder(), "it's here");
  mkdirSync(cwd);
  for (const _ of ["first", "again"]) {
    const { code, out, err } = await ebb(["terraform", "install", "--json"], { cwd });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const { provider, source, version, next } = JSON.parse(out);
    expect(providerAddress).toBe(`registry.terraform.io/${source}`);
    expect(provider.startsWith(join(cwd, "terraform.d/plugins", providerAddress, version))).toBe(true);
    expect(next).toEqual(["terraform init"]);
    accessSync(provider, constants.X_OK);
    const started = spawnSync(provider, { cwd, encoding: "utf8", env: { ...cookie, PLUGIN_PROTOCOL_VERSIONS: "5" } });
    expect(started).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("needs Terraform") });
    // The same on every machine, or a lock file would not fit the next one.
    expect(readFileSync(provider, "utf8")).not.toContain(cwd);

    rmSync(join(cwd, "terraform.d", "ebb-provider.sh"));
    const lost = spawnSync(provider, { cwd, encoding: "utf8", env: cookie });
    expect(lost).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("npx ebb terraform install") });
  }
});

it("tells what to do next, and refuses what is not a folder", async () => {
  const cwd = folder({ file: "" });
  mkdirSync(join(cwd, "infra"));
  const { out } = await ebb(["terraform", "install", "infra"], { cwd });
  expect(out).toMatch(/Next\n {2}cd infra\n {2}terraform init\n$/);
  for (const wrong of ["file", "nowhere"]) {
    const refused = await ebb(["terraform", "install", wrong], { cwd });
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("is not a folder") });
  }
});

it("runs as Terraform starts it: installed, locked, planned and applied", { timeout: 120_000 }, async (context) => {
  if (missing) context.skip(missing);
  const files = { "main.tf": provider + sync("customer") };
  const [directory, other] = [await initialised(folder(files)), await initialised(folder(files))];
  const lock = (path: string) => readFileSync(join(path, ".terraform.lock.hcl"), "utf8");
  expect(lock(other)).toBe(lock(directory));
  await sql(join(directory, "warehouse.duckdb"), ["CREATE TABLE customer AS SELECT 'a@x.org' AS email, 'A' AS name"]);
  await sql(join(directory, "crm.duckdb"), ["CREATE TABLE customer(email VARCHAR PRIMARY KEY, name VARCHAR)"]);
  expect(await terraform(directory, "plan", "-out", "p.tfplan")).toMatchObject({ code: 0, err: "" });
  expect(await terraform(directory, "apply", "p.tfplan")).toMatchObject({ code: 0, err: "" });
  expect(await sql(join(directory, "crm.duckdb"), ["SELECT name FROM customer"])).toEqual([{ name: "A" }]);
  expect(await terraform(directory, "plan", "-detailed-exitcode")).toMatchObject({ code: 0 });
});

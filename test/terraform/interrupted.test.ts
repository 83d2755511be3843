import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeEach, expect, it } from "vitest";
import { sql } from "../cli/run.ts";
import { attached, clear } from "./attached.ts";
import { providerOver } from "./provider-block.ts";
import { missing } from "./terraform.ts";

afterAll(clear);
beforeEach((context) => {
  if (missing) context.skip(missing);
});

/** Five batches, two calls in a second: time enough to interrupt. */
const stack = `${providerOver(`{
      salesforce = {
        base_url      = "sandbox:crm"
        login_url     = "https://example.my.salesforce.com"
        client_id     = "id"
        client_secret = "env:SECRET"
        rate_limit    = { calls = 2, seconds = 1 }
      }
    }`)}
resource "ebb_sync" "contacts" {
  name        = "contacts"
  source      = { connection = "warehouse", table = "customer" }
  key         = ["email"]
  destination = { connection = "crm", object = "Contact", match_on = ["Email"] }
  mode        = "upsert"
  fields      = { LastName = { column = "name" } }
}
`;

it("an interrupted apply is finished by the next, and no record is sent twice", { timeout: 180_000 }, async () => {
  const { directory, run, terraform } = await attached({ "main.tf": stack });
  const rows = "SELECT 'user' || i || '@example.com' AS email, 'Name ' || i AS name FROM range(1000) t(i)";
  await sql(join(directory, "warehouse.duckdb"), [`CREATE TABLE customer AS ${rows}`]);
  const interrupt = async (child: ChildProcess) => {
    while (journal(directory).split('"t":"intent"').length < 3 && child.exitCode === null) await wait(20);
    child.kill("SIGINT");
  };
  const apply = ["apply", "-auto-approve"];
  const stopped = await run(apply, {}, (child) => void interrupt(child));
  expect(stopped).toMatchObject({ code: 1, err: expect.stringContaining("RUN_STOPPED: Run `terraform apply` again") });

  const finished = await terraform(...apply);
  expect(finished.err).toBe("");
  expect(finished.out).toContain("1 added");
  expect(finished.out).toMatch(/"contacts": [1-9]\d* to create/);
  expect(finished.out).not.toContain('"contacts": 1000 to create');
  // The sandbox would have made another contact of a record that was sent again.
  expect(await terraform("plan", "-detailed-exitcode")).toMatchObject({ code: 0 });
});

function journal(directory: string): string {
  const runs = join(directory, ".ebb", "runs");
  try {
    return readdirSync(runs)
      .map((run) => readFileSync(join(runs, run, "journal.ndjson"), "utf8"))
      .join("");
  } catch {
    return "";
  }
}

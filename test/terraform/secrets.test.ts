import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { systems } from "../../providers/index.ts";
import { startSandbox } from "../../providers/salesforce/sandbox.ts";
import { checkProvider } from "../../src/terraform/check-provider.ts";
import { unknown, type Value } from "../../src/terraform/msgpack.ts";
import { sql } from "../cli/run.ts";
import { attached, clear } from "./attached.ts";
import { providerOver } from "./provider-block.ts";
import { missing } from "./terraform.ts";

afterAll(clear);

const salesforce = (secret: Value): Value => ({
  connections: { crm: { salesforce: { login_url: "https://x.example", client_id: "id", client_secret: secret } } },
});

describe("a secret of the provider block", () => {
  it("is kept apart when it comes as a value, and leaves a reference that does not depend on it", () => {
    const [one, other] = ["c4nary", "an0ther"].map((secret) => checkProvider(salesforce(secret), systems));
    expect(one?.problems).toEqual([]);
    expect(Object.values(one?.secrets ?? {})).toEqual(["c4nary"]);
    expect(JSON.stringify(one?.settings)).not.toContain("c4nary");
    expect(one?.settings).toEqual(other?.settings);
  });

  it("stays what it is when it is a reference, and is left alone while it is not known", () => {
    const { settings, secrets } = checkProvider(salesforce("env:SECRET"), systems);
    expect(settings?.connections.crm?.options.clientSecret).toBe("env:SECRET");
    expect(secrets).toEqual({});
    expect(checkProvider(salesforce(unknown), systems)).toMatchObject({ problems: [] });
    expect(checkProvider(salesforce(""), systems).problems).not.toEqual([]);
  });
});

const salesforceAt = (url: string, clientId: string) =>
  `{ salesforce = { base_url = "${url}", login_url = "${url}", client_id = "${clientId}", client_secret = var.secret } }`;

const stack = (url: string, clientId: string, mark: string) => `${providerOver(salesforceAt(url, clientId))}
variable "secret" {
  type = string
  ${mark} = true
}
resource "ebb_sync" "contacts" {
  name        = "contacts"
  source      = { connection = "warehouse", table = "customer" }
  key         = ["email"]
  destination = { connection = "crm", object = "Contact", match_on = ["Email"] }
  mode        = "upsert"
  fields      = { LastName = { column = "name" } }
}
`;

describe("secrets given to Terraform", { timeout: 120_000 }, () => {
  beforeEach((context) => {
    if (missing) context.skip(missing);
  });

  it.each(["ephemeral", "sensitive"])(
    "work as %s values at plan and apply, and stand nowhere afterwards",
    async (mark) => {
      const sandbox = await startSandbox({ port: 0 });
      const secret = sandbox.credentials.clientSecret ?? "";
      expect(secret.length).toBeGreaterThan(5);
      try {
        const made = await attached({ "main.tf": stack(sandbox.url, sandbox.credentials.clientId ?? "", mark) });
        const { directory, run } = made;
        await sql(join(directory, "warehouse.duckdb"), [
          "CREATE TABLE customer AS SELECT 'user' || i || '@x.org' AS email, 'Name ' || i AS name FROM range(3) t(i)",
        ]);
        const env = {
          TF_VAR_secret: secret,
          TF_LOG: "trace",
          TF_LOG_PATH: join(directory, "trace.log"),
          TF_INPUT: "0",
        };
        expect(await run(["plan", "-out", "p.tfplan"], env)).toMatchObject({ code: 0, err: "" });
        const shown = (await run(["show", "-json", "p.tfplan"])).out;
        expect(await run(["apply", "p.tfplan"], env)).toMatchObject({ code: 0, err: "" });
        expect(await run(["plan", "-detailed-exitcode"], env)).toMatchObject({ code: 0 });
        const wrong = await run(["plan"], { ...env, TF_VAR_secret: "wr0ng-c4nary" });
        expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("AUTH_REFUSED") });

        const holding = filesBelow(directory).filter((path) => readFileSync(path).includes(secret));
        // Terraform itself keeps the value of a variable that is only sensitive, in its plan file and nowhere else.
        expect(holding.map((path) => path.replace(directory, ""))).toEqual([]);
        expect(shown.includes(secret)).toBe(mark === "sensitive");
        expect(wrong.err + wrong.out).not.toContain("c4nary");
      } finally {
        await sandbox.close();
      }
    },
  );
});

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

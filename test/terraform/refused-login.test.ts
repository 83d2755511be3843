import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { sql } from "../cli/run.ts";
import { attached, clear } from "./attached.ts";
import { providerOver } from "./provider-block.ts";
import { missing } from "./terraform.ts";

afterAll(clear);

const hubspot = (url: string) =>
  `{ hubspot = { base_url = "${url}", client_id = "app", client_secret = "env:SECRET", refresh_token = "env:SECRET" } }`;

const stack = (url: string) => `${providerOver(hubspot(url))}
resource "ebb_sync" "all" {
  for_each    = toset([for i in range(12) : "sync\${i}"])
  name        = each.key
  source      = { connection = "warehouse", table = "customer" }
  key         = ["email"]
  destination = { connection = "crm", object = "contacts" }
  mode        = "update"
  fields      = { (each.key) = { column = "name" } }
}
`;

it("a login that is refused is not tried for each sync: that locks accounts", { timeout: 60_000 }, async (context) => {
  if (missing) context.skip(missing);
  let logins = 0;
  const server = createServer((_, response) => {
    logins += 1;
    response.writeHead(400, { "content-type": "application/json" }).end('{"status":"BAD_REFRESH_TOKEN"}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { directory, run } = await attached({ "main.tf": stack(url) });
    await sql(join(directory, "warehouse.duckdb"), ["CREATE TABLE customer AS SELECT 'a@x.org' AS email, 'A' AS name"]);
    process.env.SECRET = "wr0ng";
    const { code, err } = await run(["plan"]);
    expect(code).toBe(1);
    expect(err.match(/AUTH_REFUSED/g)).toHaveLength(12);
    // As many as go on beside each other.
    expect(logins).toBeGreaterThan(0);
    expect(logins).toBeLessThanOrEqual(4);
  } finally {
    delete process.env.SECRET;
    server.close();
  }
});

/** Free trials: 2,000 deals in HubSpot, and what their accounts did in the product. @module */
import { join } from "node:path";
import { startSandbox as startHubSpot } from "../../providers/hubspot/sandbox.ts";
import { startSandbox as startSnowflake } from "../../providers/snowflake/sandbox.ts";
import type { Sandbox } from "../../src/connector/index.ts";
import { ask, type Row, runSql, seed, withSandbox } from "./sandboxes.ts";
import type { Example } from "./story.ts";

const deals = "/crm/objects/2026-03/deals";

export const trialUsage: Example = {
  title: "A product's usage in Snowflake, and deals in HubSpot",
  rehearsal: { SNOWFLAKE_URL: "sandbox:sandbox/snowflake", HUBSPOT_URL: "sandbox:sandbox/hubspot" },
  real: [
    "SNOWFLAKE_ACCOUNT",
    "SNOWFLAKE_USER",
    "SNOWFLAKE_ROLE",
    "SNOWFLAKE_WAREHOUSE",
    "SNOWFLAKE_PRIVATE_KEY",
    "HUBSPOT_TOKEN",
  ],

  async prepare(directory) {
    await withSandbox(startHubSpot, join(directory, "sandbox/hubspot"), async (crm) => {
      await call(crm, "POST", "/crm/properties/2026-03/deals", accountId);
      await seed(crm, { deals: dealsOfHubSpot() });
    });
    return [
      "sandbox/snowflake  2,040 accounts, 3,000 flows, 14,000 runs, and 2,043 deals as replicated from HubSpot",
      "sandbox/hubspot    2,000 deals, 1,200 of them trials; no property for usage yet",
    ];
  },

  async move(directory) {
    await withSandbox(startSnowflake, join(directory, "sandbox/snowflake"), (warehouse) =>
      runSql(warehouse, busyNight),
    );
    await withSandbox(startHubSpot, join(directory, "sandbox/hubspot"), async (crm) => {
      await call(crm, "PATCH", `${deals}/D-250?idProperty=deal_id`, { properties: { number_of_runs: "9999" } });
      const { id } = await call(crm, "GET", `${deals}/D-300?idProperty=deal_id`);
      await call(crm, "DELETE", `${deals}/${String(id)}`);
    });
    return [
      "40 trials made one more flow each, and ran it; account acc-207 was removed from the product",
      "somebody set number_of_runs of deal D-250 to 9,999 in HubSpot, and archived deal D-300",
    ];
  },

  look: [
    ["npx ebb show first.ebb --detail 20", "the plan as it was reviewed"],
    ["npx ebb show first.ebb --format json", "its counts, for machines: rejected rows, new properties, cost"],
    ["npx ebb doctor", "what the warehouse's role and HubSpot's token may do"],
  ],
};

const accountId = {
  name: "account_id",
  label: "Account id",
  type: "string",
  fieldType: "text",
  groupName: "dealinformation",
};

const busyNight = `
  INSERT INTO demo.nexla.flow
    SELECT 9000 + n, 'acc-' || (n * 10 + 1), 100 FROM (SELECT SEQ4() + 1 AS n FROM TABLE(GENERATOR(ROWCOUNT => 40)));
  INSERT INTO demo.nexla.run SELECT 90000 + flow_id, flow_id, '2026-08-20 09:00:00' FROM demo.nexla.flow WHERE flow_id > 9000;
  DELETE FROM demo.nexla.account WHERE account_id = 'acc-207';
`;

/** 1,200 trials, and 800 deals that are past it: the last 40 trials of the replica were archived since. */
function dealsOfHubSpot(): Row[] {
  return Array.from({ length: 2040 }, (_, i) => i + 1)
    .filter((n) => n <= 1200 || n > 1240)
    .map((n) => ({
      deal_id: `D-${n}`,
      dealname: `Deal ${n}`,
      account_id: `acc-${n}`,
      pipeline: "default",
      dealstage: n <= 1200 ? "qualifiedtobuy" : "closedwon",
    }));
}

/** One call of HubSpot's API, as its own screens make them. */
function call({ url, credentials }: Sandbox, method: string, path: string, json?: object): Promise<Row> {
  const headers = { authorization: `Bearer ${credentials.accessToken}`, "content-type": "application/json" };
  return ask(url + path, { method, headers, ...(json ? { body: JSON.stringify(json) } : {}) });
}

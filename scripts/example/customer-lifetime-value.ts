/** Customers and what each is worth in Snowflake, and 15,000 contacts in Salesforce. @module */
import { join } from "node:path";
import { startSandbox as startSalesforce } from "../../providers/salesforce/sandbox.ts";
import { startSandbox as startSnowflake } from "../../providers/snowflake/sandbox.ts";
import type { Sandbox } from "../../src/connector/index.ts";
import { ask, type Row, runSql, seed, withSandbox } from "./sandboxes.ts";
import type { Example } from "./story.ts";

const api = "/services/data/v67.0";

export const customerLifetimeValue: Example = {
  title: "Customers in Snowflake, and contacts in Salesforce",
  rehearsal: { SNOWFLAKE_URL: "sandbox:sandbox/snowflake", SALESFORCE_URL: "sandbox:sandbox/salesforce" },
  real: [
    "SNOWFLAKE_ACCOUNT",
    "SNOWFLAKE_USER",
    "SNOWFLAKE_ROLE",
    "SNOWFLAKE_WAREHOUSE",
    "SNOWFLAKE_PRIVATE_KEY",
    "SALESFORCE_LOGIN_URL",
    "SALESFORCE_CLIENT_ID",
    "SALESFORCE_CLIENT_SECRET",
  ],

  async prepare(directory) {
    const worth = await withSandbox(startSnowflake, join(directory, "sandbox/snowflake"), (warehouse) =>
      runSql(
        warehouse,
        `SELECT email, ROUND(lifetime_value, 2) FROM demo.nexla.customer WHERE email LIKE 'user%@example.com'
         ORDER BY SPLIT_PART(SUBSTR(email, 5), '@', 1)::INT LIMIT 13000`,
      ),
    );
    await withSandbox(startSalesforce, join(directory, "sandbox/salesforce"), (crm) =>
      seed(crm, { Contact: contactsOfSalesforce(worth) }),
    );
    return [
      "sandbox/snowflake   20,000 customers with their e-mail and lifetime value",
      "sandbox/salesforce  15,000 contacts: right ones, stale ones, two with one e-mail, and strangers",
    ];
  },

  async move(directory) {
    await withSandbox(startSnowflake, join(directory, "sandbox/snowflake"), (warehouse) =>
      runSql(
        warehouse,
        "UPDATE demo.nexla.customer SET lifetime_value = lifetime_value + 100 WHERE email LIKE 'user12__7@example.com'",
      ),
    );
    await withSandbox(startSalesforce, join(directory, "sandbox/salesforce"), editByHand);
    return [
      "100 customers bought something for 100",
      "somebody set the lifetime value of user2500@example.com to 1,000,000 in Salesforce",
    ];
  },

  look: [
    ["npx ebb show first.ebb --detail 20", "the plan as it was reviewed"],
    ["npx ebb show first.ebb --format json", "its counts, for machines: rejected rows and why, cost"],
    ["npx ebb doctor", "signs in at both ends, and says what is missing"],
  ],
};

/** 13,000 customers have a contact, two of five of them as it should be; 60 have two; 1,940 contacts are no customers. */
function contactsOfSalesforce(worth: readonly (readonly unknown[])[]): Row[] {
  const contacts = worth.map(([email, value], i): Row => {
    const person = { Email: email, FirstName: `First ${i}`, LastName: `Last ${i}` };
    if (i % 5 === 2 || Number(value) > 1e15) return person;
    return { ...person, Lifetime_Value__c: i % 5 < 2 ? Number(value) : 12.5 };
  });
  for (let i = 0; i < 60; i++) contacts.push({ ...contacts[i * 200 + 10], LastName: `Duplicate ${i}` });
  for (let i = 0; i < 1940; i++) contacts.push({ Email: `stranger${i}@example.org`, LastName: `Stranger ${i}` });
  return contacts;
}

/** What Salesforce's own screens would do: one record is looked up and saved. */
async function editByHand({ url, credentials }: Sandbox): Promise<void> {
  const login = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: credentials.clientId ?? "",
    client_secret: credentials.clientSecret ?? "",
  });
  const { access_token: token } = await ask(`${url}/services/oauth2/token`, { method: "POST", body: login });
  const headers = { authorization: `Bearer ${String(token)}`, "content-type": "application/json" };
  const soql = encodeURIComponent("SELECT Id FROM Contact WHERE Email = 'user2500@example.com'");
  const { records } = await ask(`${url}${api}/query?q=${soql}`, { headers });
  const [contact] = records as readonly { readonly Id: string }[];
  const body = JSON.stringify({ Lifetime_Value__c: 1_000_000 });
  await ask(`${url}${api}/sobjects/Contact/${contact?.Id}`, { method: "PATCH", headers, body });
}

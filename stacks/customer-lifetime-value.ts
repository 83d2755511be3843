/**
 * A customer's lifetime value, from a table in Snowflake to the field of the matching contact in Salesforce.
 * `npm run example -- customer-lifetime-value` tries it without any account.
 *
 * @see customer-lifetime-value.md for credentials, the first plan, and the scheduled run.
 */
import { App, env, field, Salesforce, Snowflake, State, Sync, SyncStack, sql } from "ebb";

/** Only a rehearsal and private links have an address of their own: without one, it is the real account. */
const at = (baseUrl: string | undefined) => (baseUrl ? { baseUrl } : {});

const app = new App();
const stack = new SyncStack(app, "customer-lifetime-value", { state: State.local(".ebb") });

const warehouse = new Snowflake(stack, "warehouse", {
  ...at(process.env.SNOWFLAKE_URL),
  account: env("SNOWFLAKE_ACCOUNT"),
  user: env("SNOWFLAKE_USER"),
  role: env("SNOWFLAKE_ROLE"),
  warehouse: env("SNOWFLAKE_WAREHOUSE"),
  privateKey: env("SNOWFLAKE_PRIVATE_KEY"),
  timeoutSeconds: 600,
});

const crm = new Salesforce(stack, "crm", {
  ...at(process.env.SALESFORCE_URL),
  loginUrl: env("SALESFORCE_LOGIN_URL"),
  clientId: env("SALESFORCE_CLIENT_ID"),
  clientSecret: env("SALESFORCE_CLIENT_SECRET"),
});

new Sync(stack, "customer-lifetime-value", {
  source: warehouse.query(sql`select email, lifetime_value from demo.nexla.customer`),
  key: "email",
  destination: crm.object("Contact", { matchOn: "Email" }),
  mode: "update", // a customer without a contact is left alone
  fields: { Lifetime_Value__c: field("lifetime_value").round(2).public() },
  // More than this in one run is no ordinary night: somebody should look at it first, and raise the number.
  guards: { maxChanges: 10_000 },
});

app.synth();

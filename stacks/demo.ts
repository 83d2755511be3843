/**
 * The demo's stack: a DuckDB warehouse, a CRM (the Salesforce sandbox) and the company's application database
 * (embedded Postgres). Run `npm run demo`, then look around in `.demo/`.
 */
import { App, DuckDB, env, field, Postgres, Salesforce, State, Sync, SyncStack, sql } from "ebb";

const app = new App();
const stack = new SyncStack(app, "demo", { state: State.local(".ebb") });

const warehouse = new DuckDB(stack, "warehouse", { path: "warehouse.duckdb" });

const crm = new Salesforce(stack, "crm", {
  baseUrl: "sandbox:crm", // leave this line out to reach the real one
  loginUrl: "https://example.my.salesforce.com",
  clientId: "3MVG9.example",
  clientSecret: env("SALESFORCE_CLIENT_SECRET"),
});

const application = new Postgres(stack, "application", { embedded: "application" });

new Sync(stack, "customer-value", {
  source: warehouse.query(sql`select email, lifetime_value, churn_score, orders, segment from customer_value`),
  key: "email",
  destination: crm.object("Contact", { matchOn: "Email" }),
  mode: "update",
  fields: {
    Lifetime_Value__c: field("lifetime_value").public(),
    Churn_Score__c: field("churn_score").round(4).public(),
    Orders__c: field("orders").public(),
    Segment__c: field("segment").public(),
  },
});

new Sync(stack, "customer-scores", {
  source: warehouse.query(sql`select customer_id, churn_score, segment from customer_value where orders > 0`),
  key: "customer_id",
  destination: application.table("customer_scores", { matchOn: "customer_id" }),
  mode: "mirror",
  fields: {
    churn_score: field("churn_score").public(),
    segment: field("segment").public(),
  },
});

app.synth();

/** `npm run demo`: the whole idea on real data, in `.demo/`, with the command line a user has. */
import { spawn } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import { PGlite } from "@electric-sql/pglite";
import { startSandbox } from "../providers/salesforce/sandbox.ts";
import type { Sandbox } from "../src/connector/index.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const demo = join(root, ".demo");
const crm = join(demo, "crm");
const warehouse = join(demo, "warehouse.duckdb");
const started = performance.now();
// Its plans stay in its own folder, and are not encrypted in CI either. The data is made up, and may be read in a log.
const env = { ...process.env, CI: "", EBB_PLAN_RECIPIENTS: "", EBB_SHOW_VALUES_IN_LOGS: "1" };

const say = (text: string) => process.stdout.write(`${text}\n`);
const chapter = (title: string) => say(`\n━━ ${title} ${"━".repeat(Math.max(0, 74 - title.length))}\n`);

await rm(demo, { recursive: true, force: true });
await mkdir(demo, { recursive: true });
await writeFile(
  join(demo, "cdktf.json"),
  `${JSON.stringify({ language: "typescript", app: "node --import tsx ../stacks/demo.ts", output: "cdktf.out" }, null, 2)}\n`,
);

chapter("A warehouse, a CRM and an application database, in .demo/");
await makeWarehouse();
say("warehouse.duckdb   50,000 customers, 400,000 orders; lifetime value and churn score computed from them");
await withCrm(seedContacts);
say("crm/               40,000 contacts: right ones, stale ones, ambiguous ones and strangers");
await makeApplication();
say("application/       PostgreSQL with an empty table customer_scores");

chapter("1. Plan: every record that would change, before anything does");
await ebb(["plan", "--out", "first.ebb", "--show-values", "--detail", "3"]);

chapter("2. Apply: exactly that plan");
await ebb(["apply", "first.ebb"]);

chapter("3. Plan again: nothing is left to do");
await ebb(["plan", "--detailed-exitcode"]);

chapter("4. The warehouse moves, and a person edits a contact by hand");
const bought = await moveWarehouse();
say(`${bought} customers placed one more order each`);
await withCrm(editByHand);
say("somebody set the lifetime value of user25000@example.com to 1,000,000 in the CRM");

chapter("5. Plan shows exactly those, the hand edit apart");
await ebb(["plan", "--out", "second.ebb", "--show-values", "--detail", "3"]);

chapter("6. Apply it, and be done");
await ebb(["apply", "second.ebb"]);
await ebb(["plan", "--detailed-exitcode"]);

chapter("Summary");
await ebb(["runs"]);
say(`
The demo took ${Math.round((performance.now() - started) / 1000)} s. Look around; everything stays where it is:

  cd .demo
  npx ebb plan --detailed-exitcode      # exit code 0: nothing to do
  npx ebb show first.ebb                # the plan as it was reviewed
  npx ebb state list                    # what Ebb knows it has written
  npx ebb runs                          # what was applied, and when

The stack is stacks/demo.ts. Change a field in it and plan again.`);

/** Runs the command line in the demo's folder and shows it as a user would type it. */
async function ebb(args: readonly string[]): Promise<void> {
  say(`$ npx ebb ${args.join(" ")}`);
  const child = spawn(process.execPath, [join(root, "bin/ebb.js"), ...args], { cwd: demo, env, stdio: "inherit" });
  const code = await new Promise<number | null>((resolve) => child.on("exit", resolve));
  // 5: some records were rejected or had drifted, which the demo does not have.
  if (code !== 0) {
    say(`\nebb ${args[0]} ended with exit code ${code}; the demo stops here.`);
    process.exit(1);
  }
}

async function query(...statements: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(warehouse);
  const connection = await instance.connect();
  let rows: readonly Record<string, unknown>[] = [];
  for (const statement of statements) rows = (await connection.runAndReadAll(statement)).getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

async function makeWarehouse(): Promise<void> {
  await query(
    `CREATE TABLE customers AS SELECT i AS customer_id, 'user' || i || '@example.com' AS email, DATE '2024-01-01' + (i % 700)::INT AS since FROM range(1, 50001) t(i)`,
    `CREATE TABLE orders AS SELECT i AS order_id, 1 + hash(i) % 50000 AS customer_id, ((hash(i * 7) % 20000) / 100 + 5)::DECIMAL(10, 2) AS amount,
       DATE '2024-06-01' + (hash(i * 13) % 800)::INT AS placed FROM range(400000) t(i)`,
    `CREATE VIEW customer_value AS
     SELECT customer_id, email, orders, lifetime_value, round(least(1, days / 365), 4)::DECIMAL(5, 4) AS churn_score,
            CASE WHEN orders < 4 THEN 'New' WHEN days > 300 THEN 'At Risk' WHEN orders < 9 THEN 'Growing' ELSE 'Loyal' END AS segment
     FROM (SELECT c.customer_id, c.email, count(o.order_id) AS orders, coalesce(sum(o.amount), 0)::DECIMAL(18, 2) AS lifetime_value,
                  date_diff('day', coalesce(max(o.placed), any_value(c.since)), DATE '2026-08-10') AS days
           FROM customers c LEFT JOIN orders o USING (customer_id) GROUP BY c.customer_id, c.email)`,
  );
}

/** One more order for every 400th customer: the query's answer changes for exactly those. */
async function moveWarehouse(): Promise<number> {
  const [row] = await query(
    "INSERT INTO orders SELECT 1000000 + customer_id, customer_id, 100, DATE '2026-08-09' FROM customers WHERE customer_id % 400 = 1",
    "SELECT count(*)::INT AS n FROM customers WHERE customer_id % 400 = 1",
  );
  return Number(row?.n);
}

async function withCrm(use: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  const sandbox = await startSandbox({ port: 0, directory: crm });
  try {
    await use(sandbox);
  } finally {
    await sandbox.close();
  }
}

/** 38,000 customers have a contact, two of five of them up to date; 150 have two; 1,850 contacts are no customers. */
async function seedContacts({ url }: Sandbox): Promise<void> {
  const known = await query(
    `SELECT customer_id AS id, email, lifetime_value AS ltv, churn_score AS churn, orders, segment FROM customer_value WHERE customer_id <= 38000 ORDER BY 1`,
  );
  const contacts: Record<string, unknown>[] = known.map(({ id, email, ltv, churn, orders, segment }) => {
    const person = { Email: email, FirstName: `First ${id}`, LastName: `Last ${id}` };
    if (Number(id) % 5 < 2)
      return {
        ...person,
        Lifetime_Value__c: Number(ltv),
        Churn_Score__c: Number(churn),
        Orders__c: Number(orders),
        Segment__c: segment,
      };
    return Number(id) % 5 === 2 ? person : { ...person, Lifetime_Value__c: 12.5, Orders__c: 1, Segment__c: "New" };
  });
  for (let i = 0; i < 150; i++) contacts.push({ ...contacts[i * 100], LastName: `Duplicate ${i}` });
  for (let i = 0; i < 1850; i++) contacts.push({ Email: `stranger${i}@example.org`, LastName: `Stranger ${i}` });
  const answer = await fetch(`${url}/__sandbox/seed`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ Contact: contacts }),
  });
  if (!answer.ok) throw new Error(`the sandbox refused the contacts: ${answer.status}`);
}

/** What a person in the CRM's own screens would cause: one PATCH of one record. */
async function editByHand({ url, credentials }: Sandbox): Promise<void> {
  const granted = await fetch(`${url}/services/oauth2/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: credentials.clientId ?? "",
      client_secret: credentials.clientSecret ?? "",
    }),
  });
  const { access_token } = (await granted.json()) as { access_token: string };
  const headers = { authorization: `Bearer ${access_token}`, "content-type": "application/json" };
  const soql = encodeURIComponent("SELECT Id FROM Contact WHERE Email = 'user25000@example.com'");
  const found = await fetch(`${url}/services/data/v67.0/query?q=${soql}`, { headers });
  const { records } = (await found.json()) as { records: { Id: string }[] };
  await fetch(`${url}/services/data/v67.0/sobjects/Contact/${records[0]?.Id}`, {
    method: "PATCH",
    headers,
    body: JSON.stringify({ Lifetime_Value__c: 1_000_000 }),
  });
}

async function makeApplication(): Promise<void> {
  const db = await PGlite.create(join(demo, "application"));
  await db.exec(
    "CREATE TABLE customer_scores (customer_id bigint PRIMARY KEY, churn_score numeric(5, 4), segment text)",
  );
  await db.close();
}

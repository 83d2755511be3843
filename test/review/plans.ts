/**
 * The plans every renderer is held against: made by the engine from two DuckDB files, the same each time but for digests
 * and paths.
 * @module
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { systems } from "../../providers/index.ts";
import type { Project } from "../../src/core/decode.ts";
import { maxApplyMinutes, maxChangeRatio, maxDeletes, noDriftOverwrite } from "../../src/core/plan-policies.ts";
import { type PlanPolicy, resultsOf } from "../../src/core/policy.ts";
import { completeSync, type SyncAttributes } from "../../src/core/sync.ts";
import { apply } from "../../src/engine/apply.ts";
import { type PlanOptions, plan } from "../../src/engine/plan.ts";
import type { OpenPlan } from "../../src/engine/plan-file.ts";
import { localDisk } from "../../src/engine/state/disk.ts";
import type { World } from "../../src/engine/world.ts";

export const planNames = ["tiny", "huge", "delete-heavy", "drifted", "hostile"] as const;
export type PlanName = (typeof planNames)[number];

type Sql = readonly string[];

interface Story {
  /** The warehouse and the CRM before the first apply. */
  readonly warehouse: Sql;
  readonly crm: Sql;
  /** What happens between that apply and the plan. */
  readonly warehouseMoves: Sql;
  readonly crmMoves: Sql;
  readonly sync: Partial<SyncAttributes>;
  readonly policies?: readonly PlanPolicy[];
}

const COLUMNS =
  "id VARCHAR PRIMARY KEY, email VARCHAR, name VARCHAR, country VARCHAR, stage VARCHAR, mrr DECIMAL(12,2), seats INTEGER, note VARCHAR";
const empty = [`CREATE TABLE customers (${COLUMNS})`];

/** So many customers, their values made from their number. */
function customers(count: number): Sql {
  return [
    ...empty,
    `INSERT INTO customers SELECT 'c' || lpad(n::VARCHAR, 7, '0'), 'user' || n || '@example.com', 'Customer ' || n,
       ['DE', 'FR', 'US', 'NL', 'PL', 'SE', 'JP', 'BR'][1 + n % 8], ['lead', 'mql', 'customer'][1 + n % 3],
       round(20 + (n * 7919 % 1000) * (n * 31 % 17) / 10, 2), 1 + n % 40,
       'Met at the fair in hall ' || (n % 9) || ', wants a call back in the second quarter'
     FROM range(${count}) t(n)`,
  ];
}

/** Most of Germany's leads become customers and pay more; a few names are corrected, some people leave, others come. */
function movement(count: number): Sql {
  const n = "CAST(substr(id, 2) AS INTEGER)";
  return [
    `UPDATE customers SET stage = 'customer', mrr = mrr * 1.4 + 10 WHERE country = 'DE' AND ${n} % 3 <> 2`,
    `UPDATE customers SET name = name || ' GmbH' WHERE ${n} % 97 = 0`,
    `UPDATE customers SET note = replace(note, 'second quarter', 'third quarter of next year') WHERE ${n} % 101 = 0`,
    `DELETE FROM customers WHERE ${n} % 1000 = 999`,
    `INSERT INTO customers SELECT 'n' || n, 'new' || n || '@example.com', 'New ' || n, 'FR', 'lead', 15, 1, NULL FROM range(${Math.ceil(count / 200)}) t(n)`,
  ];
}

const mirror = { mode: "mirror", guards: { maxDeletes: 1_000_000, maxDeletePercent: 100 } } as const;

/** Texts that would do harm wherever they are not made harmless. */
export const hostileTexts: readonly string[] = [
  "<script>document.title='owned'</script>",
  "<img src=x onerror=\"document.title='owned'\">",
  '"><svg onload=fetch("http://127.0.0.1:9/leak")>',
  "</script><script>alert(1)</script>",
  "{{constructor.constructor('alert(1)')()}} $\u007balert(1)}",
  "[click](javascript:alert(1)) ![x](http://127.0.0.1:9/pixel.png)",
  "| a | b |\n| - | - |\n# heading\n- [ ] task @everyone #1",
  "```\n</details>\n<details open>",
  "<!-- ebb:sticky --> <!--",
  "\u001b[2J\u001b]0;owned\u0007\u001b]8;;http://127.0.0.1:9\u0007link",
  "::error::owned\n::set-output name=x::y",
  "##[error]owned ##vso[task.complete result=Failed]",
  "=cmd|' /C calc'!A0",
  "\u202Egnp.exe\u202C \u200Bzero\u200Dwidth\uFEFF",
  "Z\u0351\u036B\u0343\u036A\u0302\u036B\u033D\u034F\u0334\u0319\u0324\u031E\u0349\u035A\u032F",
  "&lt;b&gt;already&amp;escaped&lt;/b&gt; &#x3c;script&#x3e;",
  "https://127.0.0.1:9/auto-link www.example.com user@example.com",
  `${"long ".repeat(2_000)}end`,
];

const stories: Readonly<Record<PlanName, Story>> = {
  tiny: {
    warehouse: customers(12),
    crm: empty,
    warehouseMoves: [
      "UPDATE customers SET mrr = 250 WHERE id = 'c0000001'",
      "UPDATE customers SET note = 'Met at the fair in hall 2, wants no call before June' WHERE id = 'c0000002'",
      "INSERT INTO customers VALUES ('c0000100', 'new@example.com', 'New', 'SE', 'lead', 10, 1, NULL)",
    ],
    crmMoves: [],
    sync: { mode: "upsert" },
  },
  huge: { warehouse: customers(60_000), crm: empty, warehouseMoves: movement(60_000), crmMoves: [], sync: mirror },
  "delete-heavy": {
    warehouse: customers(2_000),
    crm: empty,
    warehouseMoves: ["DELETE FROM customers WHERE CAST(substr(id, 2) AS INTEGER) % 3 = 0"],
    crmMoves: [],
    sync: { mode: "mirror" },
    policies: [
      maxDeletes({ most: 100 }),
      maxChangeRatio({ percent: 20, level: "warn" }),
      noDriftOverwrite(),
      maxApplyMinutes({ most: 30 }),
    ],
  },
  drifted: {
    warehouse: customers(500),
    crm: empty,
    warehouseMoves: ["UPDATE customers SET seats = seats + 5 WHERE CAST(substr(id, 2) AS INTEGER) % 10 = 0"],
    crmMoves: [
      "UPDATE customers SET stage = 'lost' WHERE CAST(substr(id, 2) AS INTEGER) % 25 = 3",
      "UPDATE customers SET seats = 99 WHERE CAST(substr(id, 2) AS INTEGER) % 50 = 0",
      "DELETE FROM customers WHERE id = 'c0000007'",
    ],
    sync: { mode: "upsert" },
  },
  hostile: {
    warehouse: [...empty, ...hostileTexts.map((_, n) => hostileRow(n, "before"))],
    crm: empty,
    warehouseMoves: hostileTexts.flatMap((text, n) => [
      `UPDATE customers SET name = ${sql(text)}, stage = ${sql(text)}, note = ${sql(text)} WHERE id = ${sql(`h${n}`)}`,
      `INSERT INTO customers SELECT ${sql(text)}, email, ${sql(text)}, country, ${sql(text)}, mrr, seats, ${sql(text)} FROM customers WHERE id = ${sql(`h${n}`)}`,
    ]),
    crmMoves: [],
    sync: { mode: "upsert", name: "<b>hostile</b> `sync` |\u001b[31m" },
  },
};

function hostileRow(n: number, note: string): string {
  return `INSERT INTO customers VALUES ('h${n}', 'h${n}@example.com', 'Name ${n}', 'DE', 'lead', ${n}, 1, '${note}')`;
}

function sql(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

const fields: SyncAttributes["fields"] = {
  email: { column: "email", privacy: "pii" },
  name: { column: "name" },
  country: { column: "country", privacy: "public" },
  stage: { column: "stage", privacy: "public" },
  mrr: { column: "mrr", privacy: "public" },
  seats: { column: "seats" },
  note: { column: "note", privacy: "public" },
};

/** Makes one of the plans in a folder that is the caller's to remove. */
export function makePlan(name: PlanName, directory: string): Promise<OpenPlan> {
  return planStory(stories[name], directory);
}

/** A plan of about so many changes: a tenth created, the rest updated. */
export function makeLargePlan(changes: number, directory: string): Promise<OpenPlan> {
  const n = "CAST(substr(id, 2) AS INTEGER)";
  const story: Story = {
    warehouse: customers(Math.ceil(changes * 0.9)),
    crm: empty,
    warehouseMoves: [
      `UPDATE customers SET mrr = mrr + 1 + ${n} % 7, seats = seats + 1, stage = 'customer'`,
      `INSERT INTO customers SELECT 'n' || n, 'new' || n || '@example.com', 'New ' || n, 'FR', 'lead', 15, 1, NULL FROM range(${Math.floor(changes / 10)}) t(n)`,
    ],
    crmMoves: [],
    sync: { mode: "upsert" },
  };
  return planStory(story, directory);
}

async function planStory(story: Story, directory: string): Promise<OpenPlan> {
  const warehouse = join(directory, "warehouse.duckdb");
  const crm = join(directory, "crm.duckdb");
  await execute(warehouse, story.warehouse);
  await execute(crm, story.crm);
  const world = worldIn(directory);
  const project = projectOf(story.sync);
  const signal = new AbortController().signal;
  const listen = () => undefined;
  const planned = async (folder: string, judge?: PlanOptions["judge"]) => {
    const path = join(directory, folder);
    await mkdir(path);
    return plan(world, project, { directory: path, ...(judge ? { judge } : {}) }, listen, signal);
  };
  await apply(world, project, await planned("first"), listen, { stop: signal, abort: signal });
  await execute(warehouse, story.warehouseMoves);
  await execute(crm, story.crmMoves);
  return planned("plan", story.policies && judgeOf(story.policies));
}

function judgeOf(policies: readonly PlanPolicy[]): PlanOptions["judge"] {
  return async (input) => {
    const judged = policies.map(async (policy) =>
      resultsOf({ file: "policies.ts", policy }, await policy.check(input)),
    );
    return (await Promise.all(judged)).flat();
  };
}

async function execute(path: string, statements: Sql): Promise<void> {
  if (statements.length === 0) return;
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

function projectOf(given: Partial<SyncAttributes>): Project {
  const connection = (name: string) => ({ name, system: "duckdb", options: { path: `${name}.duckdb` } });
  const sync = completeSync("customers", {
    source: { connection: "warehouse", table: "customers" },
    key: ["id"],
    destination: { connection: "crm", object: "customers" },
    mode: "upsert",
    fields,
    ...given,
  });
  return {
    connections: { warehouse: connection("warehouse"), crm: connection("crm") },
    state: { kind: "local", directory: ".ebb" },
    syncs: [sync],
  };
}

/** A world in which it is always the same moment. */
function worldIn(directory: string): World {
  const now = () => Date.UTC(2026, 10, 21, 8, 14);
  let names = 0;
  return {
    systems,
    directory,
    env: {},
    disk: localDisk,
    now,
    steady: now,
    sleep: async () => undefined,
    randomName: () => `name${++names}`,
    after: () => () => undefined,
    random: () => 0.5,
    dispatcher: () => Promise.reject(new TypeError("these plans need no network")),
    version: "0.0.0-test",
    interactive: false,
    meetingPlace: async () => null,
    limiters: new Map(),
  };
}

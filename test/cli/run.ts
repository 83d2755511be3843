/** Runs the real, compiled command line as a process of its own. @module */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the process, e.g. to send it a signal. */
  readonly meanwhile?: (child: ChildProcess) => void;
}

/** The environment without what would change what Ebb does: colours, CI. */
export const quiet = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(NO_COLOR|FORCE_COLOR|CI|GITHUB_|EBB_|NODE_OPTIONS)/.test(name)),
);

export function ebb(args: readonly string[], { cwd, env = {}, meanwhile }: RunOptions): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, "bin/ebb.js"), ...args], { cwd, env: { ...quiet, ...env } });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  meanwhile?.(child);
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}

/** A folder that is removed with `clear`. */
export function scratch(): { readonly directory: string; clear(): void } {
  const directory = mkdtempSync(join(tmpdir(), "ebb-cli-"));
  return { directory, clear: () => rmSync(directory, { recursive: true, force: true }) };
}

export interface SyncChanges {
  readonly mode?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly guards?: Readonly<Record<string, unknown>>;
  readonly object?: string;
}

/** A project over two DuckDB files, whose app writes the synthesized JSON itself. */
export async function project(directory: string, sync: SyncChanges = {}): Promise<void> {
  declare(directory, sync);
  await sql(join(directory, "warehouse.duckdb"), [
    "CREATE TABLE customer AS SELECT 'user' || i || '@example.com' AS email, 'Name ' || i AS name, 'Loyal' AS segment FROM range(1, 7) t(i)",
    "UPDATE customer SET name = chr(27) || '[2J' || chr(10) || '::error::' WHERE email = 'user1@example.com'",
  ]);
  await sql(join(directory, "crm.duckdb"), [
    "CREATE TABLE contact(email VARCHAR PRIMARY KEY, name VARCHAR, segment VARCHAR)",
    "INSERT INTO contact SELECT 'user' || i || '@example.com', 'Name ' || i, 'New' FROM range(3, 6) t(i)",
  ]);
}

/** Writes the declaration anew, with other settings of its sync. */
export function declare(
  directory: string,
  { mode = "upsert", fields, guards, object = "contact" }: SyncChanges = {},
): void {
  const stack = {
    provider: {
      ebb: [
        {
          connections: {
            warehouse: { duckdb: { path: "warehouse.duckdb" } },
            crm: { duckdb: { path: "crm.duckdb" } },
          },
          state: { local: { directory: ".ebb" } },
        },
      ],
    },
    resource: {
      ebb_sync: {
        customers: {
          source: { connection: "warehouse", query: "select * from customer" },
          key: ["email"],
          destination: { connection: "crm", object, match_on: ["email"] },
          mode,
          fields: fields ?? { name: { column: "name" }, segment: { column: "segment", privacy: "public" } },
          ...(guards ? { guards } : {}),
        },
      },
    },
  };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "stack.json"), JSON.stringify(stack));
  writeFileSync(join(directory, "app.mjs"), app);
  writeFileSync(join(directory, "cdktf.json"), JSON.stringify({ app: `"${process.execPath}" app.mjs` }));
}

/** The same project from a CSV file into a Salesforce sandbox that takes two calls a second. Each row is a line. */
export function declareSlow(
  directory: string,
  { header, rows, fields }: { readonly header: string; readonly rows: readonly string[]; readonly fields: object },
): void {
  declare(directory);
  const stack = JSON.parse(readFileSync(join(directory, "stack.json"), "utf8"));
  stack.provider.ebb[0].connections = {
    warehouse: { duckdb: {} },
    crm: {
      salesforce: {
        login_url: "https://example.my.salesforce.com",
        client_id: "id",
        client_secret: "env:NONE",
        base_url: "sandbox:crm",
        rate_limit: { calls: 2, seconds: 1 },
      },
    },
  };
  stack.resource.ebb_sync.customers = {
    source: { connection: "warehouse", file: "customers.csv" },
    key: ["email"],
    destination: { connection: "crm", object: "Contact", match_on: ["Email"] },
    mode: "upsert",
    fields,
  };
  writeFileSync(join(directory, "stack.json"), JSON.stringify(stack));
  writeFileSync(join(directory, "customers.csv"), [header, ...rows, ""].join("\n"));
}

const app = `import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
const out = process.env.CDKTF_OUTDIR;
mkdirSync(out + "/stacks/test", { recursive: true });
copyFileSync("stack.json", out + "/stacks/test/cdk.tf.json");
writeFileSync(out + "/manifest.json", JSON.stringify({ stacks: { test: { synthesizedStackPath: "stacks/test/cdk.tf.json" } } }));
`;

export async function sql(path: string, statements: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  let rows: readonly Record<string, unknown>[] = [];
  for (const statement of statements) rows = (await connection.runAndReadAll(statement)).getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

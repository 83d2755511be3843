/** A configuration over two DuckDB files, and what tests ask of it. @module */
import { join } from "node:path";
import { sql } from "../cli/run.ts";
import { type Attached, attached } from "./attached.ts";
import { providerOver } from "./provider-block.ts";

export const provider = providerOver('{ duckdb = { path = "crm.duckdb" } }');

/** A mirror of a table. `more` is put in place of its guards. */
export const sync = (name: string, more = "guards = { max_delete_percent = 34 }") => `
resource "ebb_sync" "${name}" {
  name        = "${name}"
  source      = { connection = "warehouse", table = "${name}" }
  key         = ["email"]
  destination = { connection = "crm", object = "${name}" }
  mode        = "mirror"
  fields      = { name = { column = "name" } }
  ${more}
}
`;

const rows = (table: string) =>
  `CREATE TABLE ${table} AS SELECT 'user' || i || '@x.org' AS email, 'Name ' || i AS name FROM range(6) t(i)`;
const records = (table: string) => `CREATE TABLE ${table}(email VARCHAR PRIMARY KEY, name VARCHAR)`;

export interface Planned {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface TestProject extends Attached {
  /** `plan -detailed-exitcode`, saved. */
  plan(...args: readonly string[]): Promise<Planned>;
  /** Applies the saved plan. */
  apply(): Promise<Planned>;
  /** Plans and applies. */
  deploy(): Promise<Planned>;
  warehouse(...statements: readonly string[]): Promise<void>;
  crm(...statements: readonly string[]): Promise<void>;
  /** Names in the destination. */
  written(table?: string): Promise<readonly unknown[]>;
  /** The saved plan, as Terraform shows it to machines. */
  shown(): Promise<Shown>;
}

export interface Shown {
  readonly resource_changes?: readonly {
    readonly address: string;
    readonly change: {
      readonly actions: readonly string[];
      readonly before: Readonly<Record<string, unknown>> | null;
      readonly after: Readonly<Record<string, unknown>>;
    };
  }[];
  readonly output_changes?: Readonly<Record<string, { readonly actions: readonly string[] }>>;
  readonly planned_values?: { readonly outputs?: Readonly<Record<string, { readonly value: unknown }>> };
}

/** Six rows in each table of the warehouse, and as many empty tables in the destination. */
export async function project(
  stack = sync("customer"),
  tables: readonly string[] = ["customer"],
  files: Readonly<Record<string, string>> = {},
): Promise<TestProject> {
  const made = await attached({ "main.tf": provider + stack, ...files });
  const { directory, terraform } = made;
  const inFile =
    (file: string) =>
    async (...statements: readonly string[]) => {
      await sql(join(directory, file), [...statements]);
    };
  const [warehouse, crm] = [inFile("warehouse.duckdb"), inFile("crm.duckdb")];
  await warehouse(...tables.map(rows));
  await crm(...tables.map(records));
  const plan: TestProject["plan"] = (...args) => terraform("plan", "-detailed-exitcode", "-out", "p.tfplan", ...args);
  const apply = () => terraform("apply", "p.tfplan");
  return {
    ...made,
    plan,
    apply,
    deploy: () => terraform("apply", "-auto-approve"),
    warehouse,
    crm,
    written: async (table = "customer") =>
      (await sql(join(directory, "crm.duckdb"), [`SELECT name FROM ${table} ORDER BY email`])).map(({ name }) => name),
    shown: async () => JSON.parse((await terraform("show", "-json", "p.tfplan")).out) as Shown,
  };
}

/** What the saved plan does to the only resource. */
export async function change(of: TestProject) {
  const [only] = (await of.shown()).resource_changes ?? [];
  if (!only) throw new TypeError("the plan has no resource");
  const { actions, before, after } = only.change;
  return { actions, before, after, changes: after?.changes };
}

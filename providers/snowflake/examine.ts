/** What the role can do, for `ebb doctor`. @module */
import { type Finding, ident } from "../../src/connector/index.ts";
import type { Driver } from "./driver.ts";
import type { SnowflakeOptions } from "./index.ts";
import { quoted } from "./query.ts";

interface Grant {
  readonly privilege: string;
  readonly on: string;
  readonly name: string;
}

/** Privileges that change nothing. */
const reading = ["USAGE", "SELECT", "REFERENCES", "MONITOR", "REFERENCE_USAGE", "OPERATE", "READ", "REBUILD"];
/** Roles that may do almost anything, whatever is granted to them. */
const mighty = ["ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "ORGADMIN", "USERADMIN"];

export async function* examine(driver: Driver, options: SnowflakeOptions, signal: AbortSignal): AsyncIterable<Finding> {
  const ask = async (sql: string) => (await driver.execute(sql, { label: "ebb doctor" }, signal)).rows(signal);
  const [who = {}] = await ask(
    'SELECT CURRENT_USER() AS "user", CURRENT_ROLE() AS "role", CURRENT_WAREHOUSE() AS "warehouse", CURRENT_ACCOUNT() AS "account"',
  );
  const role = who.role ?? "";
  yield { status: "ok", detail: `signed in to ${who.account} as ${who.user} with role ${role}` };
  const next = leastRole(options, who.user ?? "");
  yield await warehouse(who.warehouse ?? undefined, ask, next);

  const grants = await grantsTo(role, ask);
  const count = (on: string) => new Set(grants.filter((grant) => grant.on === on).map(({ name }) => name)).size;
  const tables = grants.filter(({ privilege, on }) => privilege === "SELECT" && /TABLE|VIEW/.test(on));
  yield tables.length > 0
    ? {
        status: "ok",
        detail: `the role can read ${count("DATABASE")} databases, ${count("SCHEMA")} schemas and ${tables.length} tables or views`,
      }
    : { status: "warn", detail: "the role has been granted SELECT on no table or view", next };
  const writing = grants.filter(({ privilege, on }) => !reading.includes(privilege) && on !== "ROLE");
  if (mighty.includes(role))
    yield { status: "warn", detail: `${role} administers the account; a source needs only to read`, next };
  else if (writing.length > 0) {
    const kinds = [...new Set(writing.map(({ privilege, on }) => `${privilege} on ${on.toLowerCase()}s`))];
    yield { status: "warn", detail: `the role can write, which a source does not need: ${kinds.join(", ")}`, next };
  } else yield { status: "ok", detail: "the role can only read" };
}

type Ask = (sql: string) => Promise<readonly Readonly<Record<string, string | null>>[]>;

async function warehouse(name: string | undefined, ask: Ask, next: string): Promise<Finding> {
  if (name === undefined) return { status: "fail", detail: "no warehouse is active, so no query can run", next };
  const [found] = await ask(`SHOW WAREHOUSES LIKE ${quoted(name)}`);
  if (!found) return { status: "fail", detail: `the role may not use warehouse ${name}`, next };
  const resumes = found.auto_resume === "false" ? "; it does not resume by itself" : "";
  const detail = `warehouse ${name} is ${found.state?.toLowerCase()}${resumes}`;
  if (found.state !== "SUSPENDED" || resumes === "") return { status: "ok", detail };
  return { status: "fail", detail, next: `ALTER WAREHOUSE ${ident(name)} SET AUTO_RESUME = TRUE;` };
}

/** Grants of a role and of every role it has been granted. */
async function grantsTo(role: string, ask: Ask, seen = new Set<string>()): Promise<readonly Grant[]> {
  if (seen.has(role) || seen.size > 50) return [];
  seen.add(role);
  const rows = await ask(`SHOW GRANTS TO ROLE ${ident(role)}`);
  const own = rows.map(({ privilege, granted_on, name }) => ({
    privilege: privilege ?? "",
    on: granted_on ?? "",
    name: name ?? "",
  }));
  const inherited: Grant[] = [];
  for (const { privilege, on, name } of own)
    if (on === "ROLE" && privilege === "USAGE") inherited.push(...(await grantsTo(name, ask, seen)));
  return [...own, ...inherited];
}

/** Statements that make a role with the least a source needs. */
export function leastRole({ warehouse, database, schema }: SnowflakeOptions, user: string): string {
  const [house, base, place] = [warehouse ?? "<WAREHOUSE>", database ?? "<DATABASE>", schema ?? "<SCHEMA>"];
  const inside = `${base}.${place}`;
  return [
    "CREATE ROLE IF NOT EXISTS EBB_READER;",
    `GRANT USAGE ON WAREHOUSE ${house} TO ROLE EBB_READER;`,
    `GRANT USAGE ON DATABASE ${base} TO ROLE EBB_READER;`,
    `GRANT USAGE ON SCHEMA ${inside} TO ROLE EBB_READER;`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA ${inside} TO ROLE EBB_READER;`,
    `GRANT SELECT ON FUTURE TABLES IN SCHEMA ${inside} TO ROLE EBB_READER;`,
    `GRANT SELECT ON ALL VIEWS IN SCHEMA ${inside} TO ROLE EBB_READER;`,
    `GRANT SELECT ON FUTURE VIEWS IN SCHEMA ${inside} TO ROLE EBB_READER;`,
    `GRANT ROLE EBB_READER TO USER ${user === "" ? "<USER>" : user};`,
  ].join("\n");
}

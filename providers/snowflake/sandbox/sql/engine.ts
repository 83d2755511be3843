/** The embedded engine behind the sandbox: every database of the account is attached to one instance. @module */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { SessionContext } from "./context.ts";
import { SqlFailure } from "./failure.ts";
import { macros } from "./macros.ts";
import { registerFunctions } from "./scalar-functions.ts";
import { SqlSession } from "./session.ts";
import { quote, quoteText } from "./tokens.ts";

/** The database and the schema that are there from the start. */
export const firstDatabase = "DEMO";
export const firstSchema = "PUBLIC";

export class Engine {
  /** Files of the users' stages. */
  readonly stage: string;
  private readonly instance: DuckDBInstance;
  private readonly directory: string | undefined;
  private readonly own: DuckDBConnection;
  private readonly temporary: string | undefined;

  private constructor(instance: DuckDBInstance, own: DuckDBConnection, directory: string | undefined) {
    this.instance = instance;
    this.own = own;
    this.directory = directory;
    this.temporary = directory === undefined ? mkdtempSync(join(tmpdir(), "ebb-snowflake-")) : undefined;
    this.stage = join(directory ?? this.temporary ?? "", "stage");
    mkdirSync(this.stage, { recursive: true });
  }

  /** Opens the databases in `directory`, or an account in memory. */
  static async open(directory: string | undefined): Promise<Engine> {
    const { DuckDBInstance } = await import("@duckdb/node-api");
    if (directory !== undefined) mkdirSync(directory, { recursive: true });
    const instance = await DuckDBInstance.create(":memory:", {
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      memory_limit: "2GB",
      threads: "2",
    });
    const own = await instance.connect();
    await own.run("SET GLOBAL TimeZone = 'UTC'");
    await registerFunctions(own);
    for (const macro of macros) await own.run(`CREATE MACRO ${macro}`);
    const engine = new Engine(instance, own, directory);
    const files = directory === undefined ? [] : readdirSync(directory).filter((file) => file.endsWith(".duckdb"));
    for (const file of files) await engine.attach(basename(file, ".duckdb"));
    if (!(await engine.databases()).includes(firstDatabase)) await engine.createDatabase(firstDatabase);
    return engine;
  }

  async session(context: SessionContext): Promise<SqlSession> {
    const connection = await this.instance.connect();
    return new SqlSession(this, connection, context);
  }

  async databases(): Promise<readonly string[]> {
    const result = await this.own.runAndReadAll(
      "SELECT database_name FROM duckdb_databases() WHERE NOT internal AND database_name <> 'memory' ORDER BY 1",
    );
    return result.getRowsJson().map(([name]) => String(name));
  }

  async createDatabase(name: string): Promise<void> {
    if (!/^[\w$ -]+$/.test(name)) throw new SqlFailure("001003", "42000", `invalid name of a database '${name}'`);
    await this.attach(name);
    await this.own.run(`CREATE SCHEMA IF NOT EXISTS ${quote(name)}.${quote(firstSchema)}`);
  }

  async dropDatabase(name: string): Promise<void> {
    await this.own.run(`DETACH ${quote(name)}`);
    if (this.directory !== undefined) rmSync(join(this.directory, `${name}.duckdb`), { force: true });
  }

  close(): void {
    this.own.closeSync();
    this.instance.closeSync();
    if (this.temporary !== undefined && existsSync(this.temporary)) rmSync(this.temporary, { recursive: true });
  }

  private async attach(name: string): Promise<void> {
    const file = this.directory === undefined ? ":memory:" : join(this.directory, `${name}.duckdb`);
    await this.own.run(`ATTACH IF NOT EXISTS ${quoteText(file)} AS ${quote(name)}`);
  }
}

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import {
  ConfigError,
  type Context,
  ident,
  literal,
  loadDuckdb,
  type Pushdown,
  type Query,
  type Source,
  tableName,
} from "../../src/connector/index.ts";
import { columnType } from "./columns.ts";
import { queryError } from "./errors.ts";
import { fileQuery } from "./files.ts";
import type { DuckdbOptions } from "./index.ts";
import { changedExtract, recordMarks } from "./pushdown.ts";
import { openSession, type Session } from "./session.ts";

/** Opens a database file, or the engine alone over data files, to read from. */
export async function openSource({ path: given }: DuckdbOptions, context: Context): Promise<Source> {
  const path = given === undefined ? undefined : context.path(given);
  const setup = setupOf(path, context);
  let opening: Promise<Session> | undefined;

  const prepared = async (): Promise<Session> => {
    const session = await openSession(null, "read");
    for (const statement of setup) await session.connection.run(statement);
    return session;
  };
  const checked = async (query: Query, signal: AbortSignal): Promise<{ session: Session; sql: string }> => {
    try {
      opening ??= prepared();
      const session = await opening;
      return { session, sql: await selectOf(query, session, context, signal) };
    } catch (error) {
      throw queryError(error, context.connection);
    }
  };

  const closeSession = async () => {
    const session = await opening?.catch(() => undefined);
    opening = undefined;
    await session?.close();
  };
  const pushdownIn = (file: string): Pushdown => ({
    async changes({ query, ...request }, signal) {
      const { session, sql } = await checked(query, signal);
      return changedExtract(session, { ...request, setup, sql, catalog: catalogOf(file) }, signal);
    },
    async record(request, signal) {
      // Two engines of one process must not have the file open.
      await closeSession();
      try {
        return await recordMarks(file, request, signal);
      } catch (error) {
        throw queryError(error, context.connection);
      }
    },
  });

  return {
    async describe(query, signal) {
      const { session, sql } = await checked(query, signal);
      const columns = await session.rows(`DESCRIBE SELECT * FROM (${sql})`, [], signal);
      return columns.map((c) => ({ name: String(c.column_name), type: columnType(String(c.column_type)) }));
    },
    async extract(query, signal) {
      const { sql } = await checked(query, signal);
      return { kind: "relation", setup, sql };
    },
    ...(path === undefined ? {} : { pushdown: pushdownIn(path) }),
    close: closeSession,
  };
}

/**
 * Statements after which the query's names and paths resolve, in the staging engine as in ours. The catalog is named
 * after the file's path: two connections to one file share it, and no other file can be taken for it.
 */
function setupOf(path: string | undefined, context: Context): readonly string[] {
  const files = `SET file_search_path = ${literal(context.path("."))}`;
  if (path === undefined) return [files];
  if (!existsSync(path))
    throw new ConfigError("FILE_MISSING", `${context.connection}: there is no database at ${path}`);
  const catalog = ident(catalogOf(path));
  return [files, `ATTACH IF NOT EXISTS ${literal(path)} AS ${catalog} (TYPE duckdb, READ_ONLY)`, `USE ${catalog}`];
}

function catalogOf(path: string): string {
  return `duckdb_${createHash("sha256").update(path).digest("hex").slice(0, 12)}`;
}

async function selectOf(query: Query, session: Session, context: Context, signal: AbortSignal): Promise<string> {
  if (query.file !== undefined) {
    const path = context.path(query.file);
    const [row] = await session.rows("SELECT count(*) AS n FROM glob($1)", [path], signal);
    if (Number(row?.n) === 0)
      throw new ConfigError("FILE_MISSING", `${context.connection}: no file at ${path}`, {
        next: "Correct the path; a relative one starts at the project's folder.",
      });
    return await select(fileQuery(path, context.connection), session);
  }
  if (query.table !== undefined) {
    const { schema, table } = tableName(query.table, "main");
    return await select(`SELECT * FROM ${ident(schema)}.${ident(table)}`, session);
  }
  return await select(query.sql ?? "", session);
}

/** The text of one statement that returns rows, fit to stand in parentheses; the engine itself judges. */
async function select(text: string, session: Session): Promise<string> {
  const sql = `${text.trim().replace(/;\s*$/, "")}\n`;
  if (sql.trim() === "") throw new Error("the query is empty");
  const { StatementType } = loadDuckdb();
  const statements = await session.connection.extractStatements(sql);
  if (statements.count !== 1) throw new Error(`a query is one SELECT; this text has ${statements.count} statements`);
  const statement = await statements.prepare(0);
  if (statement.statementType !== StatementType.SELECT) throw new Error("a query is one SELECT; this statement is not");
  if (statement.parameterCount > 0) throw new Error("a query has no parameters");
  await session.connection.prepare(`SELECT * FROM (${sql})`);
  return sql;
}

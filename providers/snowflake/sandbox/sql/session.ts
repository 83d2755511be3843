/** One session of the engine: it runs statements one after the other and keeps their results. @module */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { SessionContext } from "./context.ts";
import type { Engine } from "./engine.ts";
import { failureOf } from "./errors.ts";
import { type Bound, type Scope, translate } from "./expressions.ts";
import { SqlFailure, unsupported } from "./failure.ts";
import { type Outcome, type RowsOutcome, type StatementType, statementTypes } from "./outcome.ts";
import { nameColumns } from "./select-names.ts";
import { runStatement } from "./statements.ts";
import { isSymbol, quote, quoteText, render, type Token, tokenize } from "./tokens.ts";
import { cellSql, rowType } from "./types.ts";

export interface Request {
  readonly sql: string;
  readonly queryId: string;
  readonly bindings?: Readonly<Record<string, Bound>>;
  readonly describeOnly?: boolean;
}

/** A statement on its way. */
export interface Work extends Request {
  readonly session: SqlSession;
  readonly tokens: readonly Token[];
  /** The engine's SQL for a part of the statement. */
  write(part: readonly Token[]): string;
}

interface Kept {
  readonly table: string;
  readonly names: readonly string[];
}

/** Results a session can still scan. */
const keptResults = 20;

export class SqlSession {
  readonly engine: Engine;
  readonly context: SessionContext;
  readonly connection: DuckDBConnection;
  /** Temporary tables, dropped with the session. */
  readonly temporary = new Set<string>();
  private readonly results = new Map<string, Kept>();
  private last: string | undefined;
  private turn: Promise<unknown> = Promise.resolve();
  private serial = 0;

  constructor(engine: Engine, connection: DuckDBConnection, context: SessionContext) {
    this.engine = engine;
    this.connection = connection;
    this.context = context;
  }

  /** Runs one statement; rejects with a {@link SqlFailure}. */
  run(request: Request): Promise<Outcome> {
    const running = this.turn.then(() => this.perform(request));
    this.turn = running.catch(() => undefined);
    return running;
  }

  interrupt(): void {
    this.connection.interrupt();
  }

  async close(): Promise<void> {
    await this.turn;
    for (const table of this.temporary)
      await this.connection.run(`DROP TABLE IF EXISTS ${table}`).catch(() => undefined);
    this.connection.closeSync();
  }

  /** Rows of a small query of the engine itself. */
  async ask(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return (await this.connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[];
  }

  /** Makes unqualified names resolve in the session's schema. */
  async enter(): Promise<void> {
    const { database, schema } = this.context;
    if (database === null) return;
    const path = `${quote(database)}.${quote(schema ?? "main")}`;
    // The engine's own macros are in `memory.main`.
    await this.connection.run(`SET search_path = ${quoteText(`${path},memory.main`)}`);
  }

  /** Describes or runs a query in the engine's SQL; its rows are kept for `RESULT_SCAN`. */
  async query(sql: string, request: Request, type: StatementType = statementTypes.select): Promise<RowsOutcome> {
    const prepared = await this.connection.prepare(sql);
    const names = Array.from({ length: prepared.columnCount }, (_, i) => prepared.columnName(i));
    const types = names.map((_, i) => {
      const found = prepared.columnType(i);
      return found.alias ?? String(found);
    });
    const columns = names.map((name, i) => rowType(name, types[i] ?? "VARCHAR"));
    if (request.describeOnly) return { kind: "rows", type, columns, count: 0, async *rows() {} };
    const table = `temp.main.r${++this.serial}`;
    const aliases = names.map((_, i) => `c${i}`);
    await this.connection.run(
      `CREATE TEMP TABLE r${this.serial} AS SELECT * FROM (${sql}) AS q (${aliases.join(", ")})`,
    );
    await this.keep(request.queryId, { table, names });
    const [counted] = await this.ask(`SELECT count(*) AS n FROM ${table}`);
    const cells = aliases.map((alias, i) => cellSql(alias, types[i] ?? "VARCHAR"));
    const { connection } = this;
    const wait = () => this.takeTurn();
    return {
      kind: "rows",
      type,
      columns,
      count: Number(counted?.n),
      async *rows() {
        // Any other statement on the connection would end the stream.
        const release = await wait();
        try {
          const result = await connection.stream(
            `SELECT CAST(to_json([${cells.join(", ")}]) AS VARCHAR) FROM ${table}`,
          );
          for (;;) {
            const chunk = await result.fetchChunk();
            if (!chunk || chunk.rowCount === 0) return;
            yield chunk.getColumnValues(0) as string[];
          }
        } finally {
          release();
        }
      },
    };
  }

  /** Waits for the statements before; the next one waits until what is returned is called. */
  private async takeTurn(): Promise<() => void> {
    let release = () => undefined as unknown;
    const before = this.turn;
    this.turn = new Promise((resolve) => {
      release = () => resolve(undefined);
    });
    await before;
    return release;
  }

  private async keep(queryId: string, kept: Kept): Promise<void> {
    this.results.set(queryId, kept);
    const oldest = [...this.results.keys()][0];
    if (this.results.size <= keptResults || oldest === undefined) return;
    const { table } = this.results.get(oldest) ?? {};
    this.results.delete(oldest);
    // Waited for: any other statement on the connection would end the stream of the next result.
    await this.connection.run(`DROP TABLE IF EXISTS ${table}`).catch(() => undefined);
  }

  private async perform(request: Request): Promise<Outcome> {
    const { sql } = request;
    const all = tokenize(sql);
    const end = all.findIndex((token) => isSymbol(token, ";"));
    if (end >= 0 && end < all.length - 1)
      throw new SqlFailure("000008", "0A000", "Actual statement count 2 did not match the desired statement count 1.");
    const plain = end < 0 ? all : all.slice(0, end);
    const scope = this.scope(request);
    const tokens = nameColumns(plain, sql);
    const write = (part: readonly Token[]) => render(translate(part, scope));
    try {
      await this.enter();
      const outcome = await runStatement({ ...request, session: this, tokens, write });
      if (!request.describeOnly) this.last = request.queryId;
      return outcome;
    } catch (error) {
      throw failureOf(error, sql, plain);
    }
  }

  private scope(request: Request): Scope {
    const { context } = this;
    const values: Readonly<Record<string, string | null>> = {
      CURRENT_ROLE: context.role,
      CURRENT_WAREHOUSE: context.warehouse,
      CURRENT_DATABASE: context.database,
      CURRENT_SCHEMA: context.schema,
      CURRENT_ACCOUNT: context.account,
      CURRENT_ACCOUNT_NAME: context.account,
      CURRENT_ORGANIZATION_NAME: "EBB",
      CURRENT_USER: context.user,
      CURRENT_VERSION: "9.39.0",
      CURRENT_REGION: "SANDBOX",
      LAST_QUERY_ID: this.last ?? null,
    };
    return {
      bindings: request.bindings ?? {},
      value: (name) => {
        if (name in values) return values[name] ?? null;
        throw unsupported(name);
      },
      resultOf: (queryId = this.last) => {
        const kept = this.results.get(queryId ?? "");
        if (!kept) throw new SqlFailure("000709", "02000", `Statement ${queryId ?? ""} not found`);
        return `SELECT ${kept.names.map((name, i) => `c${i} AS ${quote(name)}`).join(", ")} FROM ${kept.table}`;
      },
    };
  }
}

/** Statements: run, waited for, cancelled, and their results given out. @module */
import { randomUUID } from "node:crypto";
import type { Bound } from "../sql/expressions.ts";
import { SqlFailure } from "../sql/failure.ts";
import type { Outcome, TransferOutcome } from "../sql/outcome.ts";
import { type Answer, refusal, success } from "./answer.ts";
import { type ChunkStore, cut } from "./chunks.ts";
import type { Faults } from "./faults.ts";
import { parametersOf, type Session } from "./sessions.ts";

export interface Asked {
  readonly sqlText?: string;
  readonly bindings?: Readonly<Record<string, Bound>>;
  readonly describeOnly?: boolean;
  readonly asyncExec?: boolean;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/** A statement as `GET /__sandbox/stats` shows it. */
export interface Statement {
  readonly sql: string;
  readonly tag: string;
  readonly queryId: string;
  readonly describeOnly: boolean;
  state: "RUNNING" | "SUCCESS" | "FAILED_WITH_ERROR" | "ABORTED";
}

interface Running {
  readonly session: Session;
  readonly statement: Statement;
  readonly answer: Promise<Answer>;
  cancel(): void;
}

export class Queries {
  readonly statements: Statement[] = [];
  cancels = 0;
  private readonly faults: Faults;
  private readonly chunks: ChunkStore;
  private readonly url: () => string;
  private readonly byId = new Map<string, Running>();
  private readonly byRequest = new Map<string, Running>();

  constructor(faults: Faults, chunks: ChunkStore, url: () => string) {
    this.faults = faults;
    this.chunks = chunks;
    this.url = url;
  }

  /** Runs a statement; the same request sent again is the same statement. */
  async request(session: Session, requestId: string, asked: Asked): Promise<Answer> {
    const running = this.byRequest.get(requestId) ?? this.start(session, requestId, asked);
    const { queryId } = running.statement;
    if (asked.asyncExec) return this.inProgress(queryId, "333334");
    return this.wait(running, "333333");
  }

  /** The result of a statement, or again that it is in progress. */
  async result(queryId: string): Promise<Answer> {
    const running = this.byId.get(queryId);
    if (!running) return refusal("000709", `Statement ${queryId} not found`);
    return this.wait(running, "333333");
  }

  abort(queryId: string | undefined, requestId: string | undefined): Answer {
    const running = queryId === undefined ? this.byRequest.get(requestId ?? "") : this.byId.get(queryId);
    if (running?.statement.state !== "RUNNING")
      return refusal("000605", "Identified SQL statement is not currently executing.");
    this.cancels += 1;
    running.cancel();
    return success(null);
  }

  status(queryId: string): Answer {
    const running = this.byId.get(queryId);
    const queries = running ? [{ id: queryId, status: running.statement.state, sqlText: running.statement.sql }] : [];
    return { status: 200, json: { data: { queries }, success: true } };
  }

  private inProgress(queryId: string, code: string): Answer {
    return success({ queryId, getResultUrl: `/queries/${queryId}/result` }, code, "Query execution in progress.");
  }

  private async wait({ statement, answer }: Running, code: string): Promise<Answer> {
    const { asyncAfterMs } = this.faults.settings;
    if (asyncAfterMs === undefined) return answer;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), asyncAfterMs);
    });
    const first = await Promise.race([answer, late]);
    clearTimeout(timer);
    return first ?? this.inProgress(statement.queryId, code);
  }

  private start(session: Session, requestId: string, asked: Asked): Running {
    const { sqlText = "", describeOnly = false, parameters = {} } = asked;
    const queryId = randomUUID();
    const tag = String(parameters.QUERY_TAG ?? session.context.parameters.get("QUERY_TAG") ?? "");
    const statement: Statement = { sql: sqlText, tag, queryId, describeOnly, state: "RUNNING" };
    this.statements.push(statement);
    const stopped = new AbortController();
    const timeout = Number(
      parameters.STATEMENT_TIMEOUT_IN_SECONDS ?? session.context.parameters.get("STATEMENT_TIMEOUT_IN_SECONDS") ?? 0,
    );
    const work = async (): Promise<Answer> => {
      await this.delay(sqlText, timeout, stopped.signal);
      const failing = this.faults.strikeStatement(sqlText);
      if (failing) throw new SqlFailure(failing.code, failing.sqlState, failing.message);
      const bindings = asked.bindings ?? {};
      const outcome = await session.sql.run({ sql: sqlText, queryId, bindings, describeOnly });
      return this.written(session, queryId, outcome);
    };
    const answer = work().then(
      (done) => {
        statement.state = "SUCCESS";
        return done;
      },
      (error: unknown) => {
        const failure = error instanceof SqlFailure ? error : new SqlFailure("300002", "XX000", String(error));
        statement.state = failure.vendorCode === "000604" ? "ABORTED" : "FAILED_WITH_ERROR";
        const { vendorCode, sqlState, message } = failure;
        return refusal(vendorCode, message, { errorCode: vendorCode, sqlState, queryId, internalError: false });
      },
    );
    const cancel = () => {
      stopped.abort();
      session.sql.interrupt();
    };
    const running = { session, statement, answer, cancel };
    this.byId.set(queryId, running);
    this.byRequest.set(requestId, running);
    return running;
  }

  private async delay(sql: string, timeoutSeconds: number, signal: AbortSignal): Promise<void> {
    const { statementDelayMs = 0, delayStatements = "" } = this.faults.settings;
    if (statementDelayMs === 0 || !new RegExp(delayStatements, "is").test(sql)) return;
    const limit = timeoutSeconds > 0 ? timeoutSeconds * 1000 : Number.POSITIVE_INFINITY;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(statementDelayMs, limit));
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
    if (signal.aborted) throw new SqlFailure("000604", "57014", "SQL execution canceled");
    if (limit < statementDelayMs)
      throw new SqlFailure(
        "000630",
        "57014",
        `Statement reached its statement or warehouse timeout of ${timeoutSeconds} second(s) and was canceled.`,
      );
  }

  private async written(session: Session, queryId: string, outcome: Outcome): Promise<Answer> {
    if (outcome.kind === "transfer") return success({ queryId, ...transferData(outcome) });
    const { inline, chunks } = await cut(outcome, this.faults.settings.chunkRows);
    for (const { id, gzip } of chunks) this.chunks.put(id, gzip);
    const { context } = session;
    return success({
      parameters: parametersOf(session),
      rowtype: outcome.columns.map((column) => ({ ...column, database: "", schema: "", table: "", collation: null })),
      rowset: inline.map((row) => JSON.parse(row) as unknown),
      total: outcome.count,
      returned: outcome.count,
      queryId,
      databaseProvider: null,
      finalDatabaseName: context.database,
      finalSchemaName: context.schema,
      finalWarehouseName: context.warehouse,
      finalRoleName: context.role,
      numberOfBinds: 0,
      arrayBindSupported: false,
      statementTypeId: outcome.type,
      version: 1,
      queryResultFormat: "json",
      queryContext: { entries: [] },
      ...(chunks.length === 0
        ? {}
        : {
            qrmk: null,
            chunkHeaders: { "x-sandbox-chunk": "1" },
            chunks: chunks.map(({ id, rowCount, size, gzip }) => ({
              url: `${this.url()}/chunks/${id}`,
              rowCount,
              uncompressedSize: size,
              compressedSize: gzip.length,
            })),
          }),
    });
  }
}

function transferData({ command, files, folder, localFolder, options }: TransferOutcome) {
  return {
    command,
    operation: "Node",
    src_locations: files,
    localLocation: localFolder,
    autoCompress: options.AUTO_COMPRESS?.toUpperCase() !== "FALSE",
    sourceCompression: (options.SOURCE_COMPRESSION ?? "auto_detect").toLowerCase(),
    overwrite: options.OVERWRITE?.toUpperCase() === "TRUE",
    parallel: Number(options.PARALLEL ?? 4),
    presignedUrls: [],
    stageInfo: { locationType: "LOCAL_FS", location: folder, path: "", region: "", creds: {} },
    rowtype: [],
    rowset: [],
  };
}

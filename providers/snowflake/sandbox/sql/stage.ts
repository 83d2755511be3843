/** The user's stage: COPY INTO in both directions, LIST, REMOVE, PUT and GET. @module */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative, resolve as resolvePath } from "node:path";
import { SqlFailure, unsupported } from "./failure.ts";
import { readName, tableSql } from "./names.ts";
import { listed, type Outcome, statementTypes, type TransferOutcome } from "./outcome.ts";
import type { SqlSession, Work } from "./session.ts";
import { closing, isSymbol, isWord, quoteText, type Token } from "./tokens.ts";
import { rowType } from "./types.ts";

/** Rows of one unloaded file. */
const rowsInFile = 500_000;

/** Path below the stage of `@~/a/b`; never one that leads out of it. */
function pathOf(session: SqlSession, text: string | undefined): string {
  const inside = /^@~\/?(.*)$/.exec(text ?? "")?.[1];
  if (inside === undefined) throw unsupported("a stage other than the user's own");
  const path = resolvePath(session.engine.stage, inside);
  if (relative(session.engine.stage, path).startsWith("..")) throw unsupported("a path outside of the stage");
  return inside.endsWith("/") ? `${path}/` : path;
}

/** Files whose path starts with a prefix, relative to the stage. */
function filesAt(session: SqlSession, prefix: string): readonly string[] {
  const { stage } = session.engine;
  return readdirSync(stage, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => path.startsWith(prefix))
    .map((path) => relative(stage, path))
    .sort();
}

const option = (tokens: readonly Token[], name: string): string | undefined => {
  const at = tokens.findIndex((token, i) => isWord(token, name) && isSymbol(tokens[i + 1], "="));
  return at < 0 ? undefined : tokens[at + 2]?.text;
};

const stageText = (token: Token | undefined) =>
  token?.kind === "stage" || (token?.kind === "string" && token.text.startsWith("@")) ? token.text : undefined;

export async function copyInto(work: Work): Promise<Outcome> {
  const { tokens } = work;
  if ((option(tokens, "TYPE") ?? "PARQUET").toUpperCase() !== "PARQUET") throw unsupported("files other than Parquet");
  return stageText(tokens[2]) === undefined ? loadTable(work) : unload(work);
}

async function unload(work: Work): Promise<Outcome> {
  const { tokens, session } = work;
  session.context.needsStage();
  session.context.needsWarehouse();
  const folder = pathOf(session, stageText(tokens[2]));
  const from = 4;
  const query = isSymbol(tokens[from], "(")
    ? work.write(tokens.slice(from + 1, closing(tokens, from)))
    : `SELECT * FROM ${tableSql(session, readName(tokens, from).parts)}`;
  const { columns, count } = await session.query(query, { ...work, describeOnly: false });
  const target = folder.endsWith("/") ? join(folder, "data") : folder;
  mkdirSync(dirname(target), { recursive: true });
  const header = option(tokens, "HEADER") === "TRUE";
  const files: (readonly [string, number, number])[] = [];
  const scan = work.write([
    { kind: "word", text: "TABLE", at: -1 },
    { kind: "symbol", text: "(", at: -1 },
    { kind: "word", text: "RESULT_SCAN", at: -1 },
    { kind: "string", text: work.queryId, at: -1 },
    { kind: "symbol", text: ")", at: -1 },
  ]);
  const names = columns.map(
    ({ name }, i) => `"${name.replaceAll('"', '""')}" AS "${header ? name.replaceAll('"', '""') : `_COL_${i}`}"`,
  );
  for (let start = 0, n = 0; start < count; start += rowsInFile, n++) {
    const file = `${target}_${work.queryId}_0_${n}_0.snappy.parquet`;
    await session.connection.run(
      `COPY (SELECT ${names.join(", ")} FROM ${scan} LIMIT ${rowsInFile} OFFSET ${start}) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION snappy)`,
    );
    files.push([relative(session.engine.stage, file), statSync(file).size, Math.min(rowsInFile, count - start)]);
  }
  if (option(tokens, "DETAILED_OUTPUT") === "TRUE") {
    const detailed = [rowType("FILE_NAME", "VARCHAR"), rowType("FILE_SIZE", "BIGINT"), rowType("ROW_COUNT", "BIGINT")];
    return listed(statementTypes.unload, detailed, files);
  }
  const bytes = files.reduce((sum, [, size]) => sum + size, 0);
  const totals = ["rows_unloaded", "input_bytes", "output_bytes"].map((name) => rowType(name, "BIGINT"));
  return listed(statementTypes.unload, totals, [[count, bytes, bytes]]);
}

async function loadTable(work: Work): Promise<Outcome> {
  const { tokens, session } = work;
  session.context.needsWrite("table");
  session.context.needsWarehouse();
  const { parts, next } = readName(tokens, 2);
  const target = tableSql(session, parts);
  let at = next;
  let columns = "";
  if (isSymbol(tokens[at], "(")) {
    const close = closing(tokens, at);
    columns = work.write(tokens.slice(at, close + 1));
    at = close + 1;
  }
  const place = tokens.findIndex((token, i) => i >= at && stageText(token) !== undefined);
  const files = filesAt(session, pathOf(session, stageText(tokens[place])));
  if (files.length === 0)
    return listed(statementTypes.copy, [rowType("status", "VARCHAR")], [["Copy executed with 0 files processed."]]);
  const list = files.map((file) => quoteText(join(session.engine.stage, file))).join(", ");
  const source = `read_parquet([${list}], union_by_name = true)`;
  const inner = isSymbol(tokens[at + 1], "(") ? tokens.slice(at + 2, closing(tokens, at + 1)) : undefined;
  const query = inner
    ? work.write(
        inner.map((token) => {
          if (stageText(token) !== undefined)
            return { kind: "raw", text: `(SELECT to_json(p) AS "$1" FROM ${source} AS p)`, at: -1 } as const;
          return isWord(token, "$1") ? ({ kind: "quoted", text: "$1", at: -1 } as const) : token;
        }),
      )
    : `BY NAME SELECT * FROM ${source}`;
  const { rowsChanged } = await session.connection.run(`INSERT INTO ${target} ${columns} ${query}`);
  if (option(tokens, "PURGE") === "TRUE") for (const file of files) rmSync(join(session.engine.stage, file));
  const shape = [rowType("file", "VARCHAR"), rowType("status", "VARCHAR"), rowType("rows_loaded", "BIGINT")];
  return listed(
    statementTypes.copy,
    shape,
    files.map((file, i) => [file, "LOADED", i === 0 ? rowsChanged : 0]),
  );
}

export function listStage({ tokens, session }: Work): Outcome {
  const files = filesAt(session, pathOf(session, stageText(tokens[1])));
  const shape = [rowType("name", "VARCHAR"), rowType("size", "BIGINT")];
  return listed(
    statementTypes.select,
    shape,
    files.map((file) => [file, statSync(join(session.engine.stage, file)).size]),
  );
}

export function removeFromStage({ tokens, session }: Work): Outcome {
  const files = filesAt(session, pathOf(session, stageText(tokens[1])));
  for (const file of files) rmSync(join(session.engine.stage, file));
  const shape = [rowType("name", "VARCHAR"), rowType("result", "VARCHAR")];
  return listed(
    statementTypes.ddl,
    shape,
    files.map((file) => [file, "removed"]),
  );
}

/** PUT and GET: the client moves the files itself, and is told between where. */
export function transfer({ sql, session }: Work): TransferOutcome {
  const put = /^\s*put\s+'?file:\/\/(.+?)'?\s+'?(@\S+?)'?(?:\s+(\w[\s\S]*?))?;?\s*$/i.exec(sql);
  const get = /^\s*get\s+'?(@\S+?)'?\s+'?file:\/\/(.+?)'?(?:\s+(\w+\s*=[\s\S]*?))?;?\s*$/i.exec(sql);
  const options = Object.fromEntries(
    [...((put ?? get)?.[3] ?? "").matchAll(/(\w+)\s*=\s*(\w+)/g)].map(([, name = "", value = ""]) => [
      name.toUpperCase(),
      value,
    ]),
  );
  if (put) {
    session.context.needsStage();
    const folder = pathOf(session, put[2]);
    return { kind: "transfer", command: "UPLOAD", files: [put[1] ?? ""], folder, localFolder: "", options };
  }
  if (!get) throw new SqlFailure("001003", "42000", "SQL compilation error:\nsyntax error in PUT or GET.");
  const files = filesAt(session, pathOf(session, get[1]));
  const localFolder = get[2] ?? "";
  if (!existsSync(session.engine.stage)) mkdirSync(session.engine.stage);
  return { kind: "transfer", command: "DOWNLOAD", files, folder: session.engine.stage, localFolder, options };
}

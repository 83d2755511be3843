/** CREATE, ALTER, DROP and TRUNCATE. @module */
import { unsupported } from "./failure.ts";
import { readName, resolve, skip, tableSql } from "./names.ts";
import type { Outcome } from "./outcome.ts";
import type { Work } from "./session.ts";
import { done } from "./statements.ts";
import { closing, commaParts, isSymbol, isWord, quote, type Token } from "./tokens.ts";
import { readType } from "./types.ts";

const adjectives = ["TRANSIENT", "TEMPORARY", "TEMP", "VOLATILE", "LOCAL", "GLOBAL", "SECURE", "HYBRID"];
/** Objects that are acknowledged and have no effect here. */
const ignored = ["STAGE", "FILE", "WAREHOUSE", "ROLE", "USER", "STREAM", "TASK", "INTEGRATION", "RESOURCE", "NETWORK"];

export async function create(work: Work): Promise<Outcome> {
  const { tokens, session } = work;
  let at = skip(tokens, 1, "OR", "REPLACE");
  const replace = at > 1;
  let temporary = false;
  while (isWord(tokens[at], ...adjectives)) {
    temporary ||= isWord(tokens[at], "TEMPORARY", "TEMP", "VOLATILE");
    at += 1;
  }
  const kind = tokens[at]?.text ?? "";
  const named = skip(tokens, at + 1, "IF", "NOT", "EXISTS");
  const absent = named > at + 1;
  const { parts, next } = readName(tokens, named);
  const name = parts.at(-1) ?? "";
  if (ignored.includes(kind)) return done(`${name} successfully created.`);
  session.context.needsWrite(kind.toLowerCase());
  if (kind === "DATABASE") {
    await session.engine.createDatabase(name);
    return done(`Database ${name} successfully created.`);
  }
  if (kind === "SCHEMA") {
    const database = parts.length > 1 ? (parts[0] ?? "") : (session.context.database ?? "");
    await session.connection.run(`CREATE SCHEMA ${absent ? "IF NOT EXISTS " : ""}${quote(database)}.${quote(name)}`);
    return done(`Schema ${name} successfully created.`);
  }
  const target = tableSql(session, parts);
  const head = `CREATE ${replace ? "OR REPLACE " : ""}${kind} ${absent ? "IF NOT EXISTS " : ""}${target}`;
  if (kind === "VIEW") {
    const as = tokens.findIndex((token, i) => i >= next && isWord(token, "AS"));
    const columns = isSymbol(tokens[next], "(") ? work.write(tokens.slice(next, closing(tokens, next) + 1)) : "";
    await session.connection.run(`${head} ${columns} AS ${work.write(tokens.slice(as + 1))}`);
    return done(`View ${name} successfully created.`);
  }
  if (kind !== "TABLE") throw unsupported(`CREATE ${kind}`);
  await createTable(work, head, target, next);
  if (temporary) session.temporary.add(target);
  return done(`Table ${name} successfully created.`);
}

async function createTable(work: Work, head: string, target: string, from: number): Promise<void> {
  const { tokens, session } = work;
  const { connection } = session;
  let at = from;
  let columns: readonly (readonly Token[])[] | undefined;
  if (isSymbol(tokens[at], "(")) {
    const close = closing(tokens, at);
    columns = commaParts(tokens.slice(at + 1, close));
    at = close + 1;
  }
  if (isWord(tokens[at], "LIKE", "CLONE")) {
    const { parts } = readName(tokens, at + 1);
    const none = isWord(tokens[at], "LIKE") ? " LIMIT 0" : "";
    await connection.run(`${head} AS SELECT * FROM ${tableSql(session, parts)}${none}`);
    return;
  }
  // Between the name and AS stand options that change nothing here.
  const as = tokens.findIndex((token, i) => i >= at && isWord(token, "AS"));
  const query = as < 0 ? undefined : work.write(tokens.slice(as + 1));
  if (query !== undefined) session.context.needsWarehouse();
  if (columns === undefined) {
    if (query === undefined) throw unsupported("a table without columns");
    await connection.run(`${head} AS ${query}`);
    return;
  }
  const written = columns.flatMap((column) => columnSql(work, column) ?? []);
  if (written.every((column) => column.type !== undefined)) {
    await connection.run(`${head} (${written.map(({ sql }) => sql).join(", ")})`);
    if (query !== undefined) await connection.run(`INSERT INTO ${target} ${query}`);
  } else await connection.run(`${head} AS SELECT * FROM (${query}) AS q (${written.map(({ sql }) => sql).join(", ")})`);
}

/** A column's definition; undefined for a constraint, which the vendor does not enforce either. */
function columnSql(work: Work, column: readonly Token[]): { sql: string; type: string | undefined } | undefined {
  const [name] = column;
  if (isWord(name, "PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT")) return undefined;
  const read = readType(column, 1);
  if (!read) {
    if (column.length > 1) throw unsupported(`type ${column[1]?.text}`);
    return { sql: quote(name?.text ?? ""), type: undefined };
  }
  const rest = column.slice(read.next);
  const required = rest.some((token, i) => isWord(token, "NOT") && isWord(rest[i + 1], "NULL"));
  const standard = rest.findIndex((token) => isWord(token, "DEFAULT"));
  const value = standard < 0 ? "" : ` DEFAULT ${work.write(defaultOf(rest.slice(standard + 1)))}`;
  return {
    sql: `${quote(name?.text ?? "")} ${read.type.column}${required ? " NOT NULL" : ""}${value}`,
    type: read.type.column,
  };
}

function defaultOf(tokens: readonly Token[]): readonly Token[] {
  const end = tokens.findIndex((token) => isWord(token, "NOT", "COMMENT", "PRIMARY", "UNIQUE"));
  return end < 0 ? tokens : tokens.slice(0, end);
}

export async function drop(work: Work): Promise<Outcome> {
  const { tokens, session } = work;
  const kind = tokens[1]?.text ?? "";
  const at = skip(tokens, 2, "IF", "EXISTS");
  const { parts } = readName(tokens, at);
  const name = parts.at(-1) ?? "";
  if (ignored.includes(kind)) return done(`${name} successfully dropped.`);
  session.context.needsWrite(kind.toLowerCase());
  const absent = at > 2 ? "IF EXISTS " : "";
  if (kind === "DATABASE") {
    if (absent === "" || (await session.engine.databases()).includes(name)) {
      if (session.context.database === name) session.context.database = null;
      await session.connection.run("SET search_path = 'memory.main'");
      await session.engine.dropDatabase(name);
    }
  } else if (kind === "SCHEMA") {
    const database = parts.length > 1 ? (parts[0] ?? "") : (session.context.database ?? "");
    await session.connection.run(`DROP SCHEMA ${absent}${quote(database)}.${quote(name)} CASCADE`);
  } else await session.connection.run(`DROP ${kind} ${absent}${tableSql(session, parts)}`);
  return done(`${name} successfully dropped.`);
}

export async function truncate(work: Work): Promise<Outcome> {
  const at = skip(work.tokens, skip(work.tokens, 1, "TABLE"), "IF", "EXISTS");
  work.session.context.needsWrite("table");
  await work.session.connection.run(`DELETE FROM ${tableSql(work.session, readName(work.tokens, at).parts)}`);
  return done();
}

export async function alter(work: Work): Promise<Outcome> {
  const { tokens, session } = work;
  const kind = tokens[1]?.text ?? "";
  if (ignored.includes(kind) || kind === "SCHEMA" || kind === "DATABASE") return done();
  session.context.needsWrite(kind.toLowerCase());
  const { parts, next } = readName(tokens, skip(tokens, 2, "IF", "EXISTS"));
  const target = tableSql(session, parts);
  const [first, second] = tokens.slice(next);
  const run = (sql: string) => session.connection.run(`ALTER ${kind} ${sql}`);
  if (isWord(first, "RENAME") && isWord(second, "TO")) {
    await run(`${target} RENAME TO ${quote(readName(tokens, next + 2).parts.at(-1) ?? "")}`);
  } else if (isWord(first, "SWAP")) {
    const other = readName(tokens, next + 2).parts;
    const [database, schema, name] = resolve(session, parts);
    const between = `${name}__swap`;
    await run(`${target} RENAME TO ${quote(between)}`);
    await run(`${tableSql(session, other)} RENAME TO ${quote(name)}`);
    await run(`${[database, schema, between].map(quote).join(".")} RENAME TO ${quote(other.at(-1) ?? "")}`);
  } else if (isWord(first, "ADD")) {
    const at = skip(tokens, skip(tokens, next + 1, "COLUMN"), "IF", "NOT", "EXISTS");
    await run(`${target} ADD COLUMN IF NOT EXISTS ${columnSql(work, tokens.slice(at))?.sql}`);
  } else if (isWord(first, "DROP", "RENAME")) await run(`${target} ${work.write(tokens.slice(next))}`);
  else if (!isWord(first, "SET", "UNSET", "CLUSTER")) throw unsupported(`ALTER TABLE ${first?.text}`);
  return done();
}

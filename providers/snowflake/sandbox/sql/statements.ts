/** Which statement it is, and who runs it. @module */

import { alter, create, drop, truncate } from "./ddl.ts";
import { change, insert, merge } from "./dml.ts";
import { unsupported } from "./failure.ts";
import { listed, type Outcome, statementTypes } from "./outcome.ts";
import type { Work } from "./session.ts";
import { alterSession, use } from "./settings.ts";
import { describe, show } from "./show.ts";
import { copyInto, listStage, removeFromStage, transfer } from "./stage.ts";
import { closing, isSymbol, isWord, type Token } from "./tokens.ts";
import { rowType } from "./types.ts";

export async function runStatement(work: Work): Promise<Outcome> {
  const { tokens, sql, session } = work;
  const moved = /^\s*(put|get)\s/i.test(sql) ? transfer(work) : undefined;
  if (moved) return moved;
  const [first, second] = tokens;
  if (isWord(first, "SELECT", "WITH", "VALUES") || isSymbol(first, "(")) {
    if (!work.describeOnly && tokens.some((token) => isWord(token, "FROM"))) session.context.needsWarehouse();
    return session.query(work.write(work.describeOnly ? unwrapped(tokens) : tokens), work);
  }
  if (work.describeOnly) return session.query('SELECT NULL AS "status" LIMIT 0', work, statementTypes.ddl);
  switch (first?.kind === "word" ? first.text : "") {
    case "INSERT":
      return insert(work);
    case "UPDATE":
    case "DELETE":
      return change(work);
    case "MERGE":
      return merge(work);
    case "CREATE":
      return create(work);
    case "DROP":
      return drop(work);
    case "TRUNCATE":
      return truncate(work);
    case "ALTER":
      return isWord(second, "SESSION") ? alterSession(work) : alter(work);
    case "USE":
      return use(work);
    case "SHOW":
      return show(work);
    case "DESCRIBE":
    case "DESC":
      return describe(work);
    case "COPY":
      return copyInto(work);
    case "REMOVE":
    case "RM":
      return removeFromStage(work);
    case "LIST":
    case "LS":
      return listStage(work);
    case "BEGIN":
    case "START":
      return transaction(work, "BEGIN");
    case "COMMIT":
    case "ROLLBACK":
      return transaction(work, first?.text ?? "");
    case "GRANT":
    case "REVOKE":
    case "COMMENT":
      return done();
    default:
      throw unsupported(first?.text ?? "an empty statement");
  }
}

/** The query in `SELECT * FROM (query)`: the engine would give columns of one name other names. */
function unwrapped(tokens: readonly Token[]): readonly Token[] {
  const [select, star, from, open, inner] = tokens;
  const around = isWord(select, "SELECT") && isSymbol(star, "*") && isWord(from, "FROM") && isSymbol(open, "(");
  if (!around || closing(tokens, 3) !== tokens.length - 1 || !isWord(inner, "SELECT", "WITH")) return tokens;
  return unwrapped(tokens.slice(4, -1));
}

/** The one row most statements answer with. */
export function done(text = "Statement executed successfully."): Outcome {
  return listed(statementTypes.ddl, [rowType("status", "VARCHAR")], [[text]]);
}

async function transaction({ session }: Work, word: string): Promise<Outcome> {
  await session.connection.run(word === "BEGIN" ? "BEGIN TRANSACTION" : word).catch((error: Error) => {
    // The vendor takes an end without a beginning for nothing.
    if (!/no transaction is active|already in a transaction|within a transaction/i.test(error.message)) throw error;
  });
  return done();
}

import { randomUUID } from "node:crypto";
import type { Outcome } from "../sql/outcome.ts";
import { isSymbol, tokenize } from "../sql/tokens.ts";
import type { Session } from "./sessions.ts";

/** Runs statements that are separated by semicolons; what the last one comes to. */
export async function runScript({ sql }: Session, text: string): Promise<Outcome | undefined> {
  const ends = tokenize(text).flatMap((token) => (isSymbol(token, ";") ? [token.at] : []));
  let from = 0;
  let last: Outcome | undefined;
  for (const end of [...ends, text.length]) {
    const statement = text.slice(from, end);
    from = end + 1;
    if (tokenize(statement).length > 0) last = await sql.run({ sql: statement, queryId: randomUUID() });
  }
  return last;
}

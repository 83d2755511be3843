/** ALTER SESSION and USE. @module */
import { SqlFailure } from "./failure.ts";
import { readName } from "./names.ts";
import { listed, type Outcome, statementTypes } from "./outcome.ts";
import type { Work } from "./session.ts";
import { isSymbol, isWord } from "./tokens.ts";
import { rowType } from "./types.ts";

const executed = (): Outcome =>
  listed(statementTypes.session, [rowType("status", "VARCHAR")], [["Statement executed successfully."]]);

export function alterSession({ tokens, session }: Work): Outcome {
  const { parameters } = session.context;
  for (let i = 3; i < tokens.length; i++) {
    const name = tokens[i]?.text ?? "";
    if (isWord(tokens[2], "UNSET")) parameters.delete(name);
    else if (isSymbol(tokens[i + 1], "=")) {
      parameters.set(name, tokens[i + 2]?.text ?? "");
      i += 2;
    }
  }
  return executed();
}

export async function use({ tokens, session }: Work): Promise<Outcome> {
  const { context, engine } = session;
  const kind = isWord(tokens[1], "ROLE", "WAREHOUSE", "DATABASE", "SCHEMA", "SECONDARY") ? tokens[1]?.text : undefined;
  const { parts } = readName(tokens, kind === undefined ? 1 : 2);
  const [name = ""] = parts;
  if (kind === "ROLE") context.role = name;
  else if (kind === "WAREHOUSE") context.warehouse = name;
  else if (kind !== "SECONDARY") {
    const twice = parts.length === 2;
    const database = kind === "SCHEMA" && !twice ? context.database : name;
    if (!(await engine.databases()).includes(database ?? ""))
      throw new SqlFailure(
        "002043",
        "02000",
        "SQL compilation error:\nObject does not exist, or operation cannot be performed.",
      );
    context.database = database;
    context.schema = twice ? (parts[1] ?? null) : kind === "SCHEMA" ? name : "PUBLIC";
    await session.enter();
  }
  return executed();
}

/** Expressions of GitHub Actions, evaluated by GitHub's own package. @module */
import { data, Evaluator, Lexer, Parser } from "@actions/expressions";

export type Contexts = Readonly<Record<string, unknown>>;
export type Status = "success" | "failure";

const functions = (status: Status) =>
  Object.entries({ success: status === "success", failure: status === "failure", always: true, cancelled: false }).map(
    ([name, value]) => ({ name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(value) }),
  );

/** The value of an expression. A context that is not given is an error, as it is on GitHub. */
function evaluate(expression: string, contexts: Contexts, status: Status) {
  const known = functions(status);
  const values = new data.Dictionary(
    ...Object.entries(contexts).map(([key, value]) => ({
      key,
      value: JSON.parse(JSON.stringify(value), data.reviver) as InstanceType<typeof data.Dictionary>,
    })),
  );
  const parsed = new Parser(new Lexer(expression).lex().tokens, Object.keys(contexts), known).parse();
  return new Evaluator(parsed, values, new Map(known.map((one) => [one.name, one]))).evaluate();
}

/** Text with its `${{ … }}` filled in. */
export function filled(text: string, contexts: Contexts, status: Status = "success"): string {
  return text.replace(/\$\{\{(.*?)\}\}/g, (_, expression: string) =>
    evaluate(expression.trim(), contexts, status).coerceString(),
  );
}

/** Whether an `if:` lets its job or step run. One that asks for no status wants success. */
export function holds(condition: string | undefined, contexts: Contexts, status: Status): boolean {
  const text = (condition ?? "success()").replace(/^\s*\$\{\{(.*)\}\}\s*$/, "$1");
  const asks = /\b(success|failure|always|cancelled)\s*\(/.test(text);
  const value = evaluate(asks ? text : `success() && (${text})`, contexts, status);
  return !["false", "", "0"].includes(value.coerceString());
}

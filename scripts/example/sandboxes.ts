/** Sandboxes as the examples use them: started for a moment, between two commands. @module */
import type { Sandbox, SandboxOptions } from "../../src/connector/index.ts";

export type Row = Readonly<Record<string, unknown>>;

/** Opens the records in a folder, as `ebb` does with `baseUrl: "sandbox:DIR"`. */
export async function withSandbox<T>(
  start: (options: SandboxOptions) => Promise<Sandbox>,
  directory: string,
  use: (sandbox: Sandbox) => Promise<T>,
): Promise<T> {
  const sandbox = await start({ port: 0, directory });
  try {
    return await use(sandbox);
  } finally {
    await sandbox.close();
  }
}

/** The JSON an address answers. */
export async function ask(url: string, init: RequestInit = {}): Promise<Row> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  if (!answer.ok) throw new RangeError(`${url} answered ${answer.status}: ${text}`);
  return text === "" ? {} : (JSON.parse(text) as Row);
}

export async function seed({ url }: Sandbox, records: Readonly<Record<string, readonly Row[]>>): Promise<void> {
  await ask(`${url}/__sandbox/seed`, { method: "POST", body: JSON.stringify(records) });
}

/** Runs SQL in the Snowflake sandbox as its administrator; the rows of the last statement. */
export async function runSql({ url }: Sandbox, sql: string): Promise<readonly (readonly unknown[])[]> {
  const answer = await ask(`${url}/__sandbox/sql`, { method: "POST", body: JSON.stringify({ sql }) });
  return answer.rows as readonly (readonly unknown[])[];
}

/** The Salesforce sandbox as a story uses it: `crm` and its subcommands. @module */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { app } from "../../providers/salesforce/sandbox/oauth.ts";
import { startSandbox } from "../../providers/salesforce/sandbox.ts";
import type { Sandbox } from "../../src/connector/index.ts";

type Row = Readonly<Record<string, unknown>>;

const login = new URLSearchParams({
  grant_type: "client_credentials",
  client_id: app.clientId,
  client_secret: app.clientSecret,
});
const api = "/services/data/v67.0";

/**
 * A CRM with its records in `crm/`. As long as it was not started, each command opens the records for itself, as `ebb`
 * does with `baseUrl: "sandbox:crm"`.
 */
export class Crm {
  private readonly directory: string;
  private running: Sandbox | undefined;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Runs one subcommand; answers what it prints. */
  async run([verb = "", ...args]: readonly string[]): Promise<string> {
    switch (verb) {
      case "start":
        this.running = await this.open();
        return "";
      case "stop":
        return this.close();
      case "seed":
        return this.use((url) => this.seed(url, args));
      case "edit":
        return this.useSignedIn((url, headers) => this.edit(url, headers, args));
      case "delete":
        return this.useSignedIn((url, headers) => this.delete(url, headers, args));
      case "list":
        return this.useSignedIn((url, headers) => this.list(url, headers, args));
      case "stats":
        return this.use(async (url) => lines(await answered(`${url}/__sandbox/stats`)).join("\n"));
      default:
        throw new SyntaxError(`crm ${verb}: there is no such command`);
    }
  }

  /** What is to go wrong from now on, as the sandbox's page describes it. Only for one that was started. */
  async fault(json: string): Promise<string> {
    if (!this.running) throw new SyntaxError("the CRM was not started");
    await answered(`${this.running.url}/__sandbox/faults`, { method: "POST", body: json });
    return "";
  }

  /** The variables that let a stack reach it once it was started. */
  env(): Readonly<Record<string, string>> {
    if (!this.running) return {};
    return { CRM_URL: this.running.url, CRM_SECRET: this.running.credentials.clientSecret ?? "" };
  }

  async close(): Promise<string> {
    await this.running?.close();
    this.running = undefined;
    return "";
  }

  private open(): Promise<Sandbox> {
    return startSandbox({ port: 0, directory: join(this.directory, "crm") });
  }

  private async use(work: (url: string) => Promise<string>): Promise<string> {
    const sandbox = this.running ?? (await this.open());
    try {
      return await work(sandbox.url);
    } finally {
      if (sandbox !== this.running) await sandbox.close();
    }
  }

  /** As somebody who has signed in. */
  private useSignedIn(work: (url: string, headers: Record<string, string>) => Promise<string>): Promise<string> {
    return this.use(async (url) => {
      const { access_token: token } = await answered(`${url}/services/oauth2/token`, { method: "POST", body: login });
      return work(url, { authorization: `Bearer ${String(token)}`, "content-type": "application/json" });
    });
  }

  /** `seed FILE`, or `seed OBJECT FIELD=VALUE…` for one record. */
  private async seed(url: string, [first = "", ...pairs]: readonly string[]): Promise<string> {
    const body =
      pairs.length === 0
        ? await readFile(join(this.directory, first), "utf8")
        : JSON.stringify({ [first]: [valuesOf(pairs)] });
    await answered(`${url}/__sandbox/seed`, { method: "POST", body });
    return "";
  }

  private async edit(url: string, headers: Record<string, string>, args: readonly string[]): Promise<string> {
    const [object = "", which = "", ...pairs] = args;
    const body = JSON.stringify(valuesOf(pairs));
    for (const id of await this.find(url, headers, object, which))
      await answered(`${url}${api}/sobjects/${object}/${id}`, { method: "PATCH", headers, body });
    return "";
  }

  private async delete(url: string, headers: Record<string, string>, args: readonly string[]): Promise<string> {
    const [object = "", which = ""] = args;
    for (const id of await this.find(url, headers, object, which))
      await answered(`${url}${api}/sobjects/${object}/${id}`, { method: "DELETE", headers });
    return "";
  }

  private async find(url: string, headers: Record<string, string>, object: string, which: string): Promise<string[]> {
    const [field = "", value = ""] = which.split("=");
    const found = await query(url, headers, `SELECT Id FROM ${object} WHERE ${field} = '${value}'`);
    if (found.length === 0) throw new RangeError(`the CRM has no ${object} with ${which}`);
    return found.map(({ Id }) => String(Id));
  }

  /** `list OBJECT FIELD…`: a line for each record, in order. */
  private async list(url: string, headers: Record<string, string>, args: readonly string[]): Promise<string> {
    const [object = "", ...fields] = args;
    const found = await query(url, headers, `SELECT ${fields.join(", ")} FROM ${object}`);
    const text = found.map((row) => fields.map((name) => String(row[name] ?? "null")).join("  "));
    return text.sort().join("\n");
  }
}

async function query(url: string, headers: Record<string, string>, soql: string): Promise<readonly Row[]> {
  const answer = await answered(`${url}${api}/query?q=${encodeURIComponent(soql)}`, { headers });
  return answer.records as readonly Row[];
}

async function answered(url: string, init: RequestInit = {}): Promise<Row> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  if (!answer.ok) throw new RangeError(`the CRM answered ${answer.status}: ${text}`);
  return text === "" ? {} : (JSON.parse(text) as Row);
}

/** `Email=ada@example.com` pairs; `null`, numbers and truth values as such, unless they stand in quotes of their own. */
function valuesOf(pairs: readonly string[]): Row {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      const text = pair.slice(at + 1);
      return [pair.slice(0, at), /^(null|true|false|-?\d+(\.\d+)?)$/.test(text) ? JSON.parse(text) : text];
    }),
  );
}

/** A JSON object as lines of `name.name value`. */
function lines(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [`${path} ${String(value)}`];
  return Object.entries(value).flatMap(([name, inner]) => lines(inner, path === "" ? name : `${path}.${name}`));
}

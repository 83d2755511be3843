import salesforce from "../../providers/salesforce/index.ts";
import { startSandbox } from "../../providers/salesforce/sandbox.ts";
import type { Value } from "../../src/connector/index.ts";
import { testDestination } from "./destination.ts";
import type { DestinationFixture, Forced } from "./fixture.ts";

const fields = {
  text: "Title",
  integer: "Orders__c",
  decimal: "Lifetime_Value__c",
  boolean: "Active__c",
  date: "Birthdate",
  timestamp: "Last_Order__c",
} as const;

const kinds = new Map<string, string>(Object.entries(fields).map(([kind, name]) => [name, kind]));
const root = "/services/data/v67.0";

/** A canonical value as the API takes it. */
function json(name: string, value: Value): unknown {
  if (value === null) return null;
  const kind = kinds.get(name);
  if (kind === "integer" || kind === "decimal") return Number(value);
  return kind === "boolean" ? value === "true" : value;
}

interface Page {
  readonly records: readonly Readonly<Record<string, unknown>>[];
  readonly nextRecordsUrl?: string;
}

async function fixture(): Promise<DestinationFixture> {
  const sandbox = await startSandbox({ port: 0 });
  const { clientId = "", clientSecret = "" } = sandbox.credentials;
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(sandbox.url + path, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return (text ? JSON.parse(text) : undefined) as unknown;
  };
  const login = await fetch(`${sandbox.url}/services/oauth2/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: clientSecret,
    }),
  });
  const { access_token: token } = (await login.json()) as { access_token: string };
  const ask = (method: string, path: string, body?: unknown) =>
    call(method, path, body, { authorization: `Bearer ${token}` });
  const query = async (soql: string) => {
    const all: Readonly<Record<string, unknown>>[] = [];
    let page = (await ask("GET", `${root}/query?q=${encodeURIComponent(soql)}`)) as Page;
    all.push(...page.records);
    while (page.nextRecordsUrl) {
      page = (await ask("GET", page.nextRecordsUrl)) as Page;
      all.push(...page.records);
    }
    return all;
  };
  const idOf = async (email: string) => {
    const [found] = await query(`SELECT Id FROM Contact WHERE Email = '${email}'`);
    return String(found?.Id);
  };
  const names = ["Email", ...Object.values(fields)];
  const records = async () =>
    (await query(`SELECT ${names.join(", ")} FROM Contact`)).map((record) =>
      Object.fromEntries(names.map((name) => [name, (record[name] ?? null) as Value])),
    );
  const faults = (given: object) => call("POST", "/__sandbox/faults", given);

  return {
    system: salesforce,
    options: { loginUrl: sandbox.url, clientId, clientSecret: "env:SF_SECRET" },
    env: { SF_SECRET: clientSecret },
    secrets: [clientSecret],
    object: "Contact",
    matchOn: "Email",
    fields,
    base: { LastName: "Lovelace" },
    key: (n) => `p${n}@example.com`,
    // There is no such account, which no description of the field can tell.
    invalid: { AccountId: "001000000000999AAA" },
    virtualTime: true,
    values: {
      text: [
        null,
        " padded ",
        "null",
        "0012",
        "👩‍👩‍👧 ünïcode",
        "مرحبا بالعالم",
        `quo"te's, \\ and %s`,
        "<b>&amp;</b>",
      ],
      integer: [null, "0", "-1", "999999999"],
      boolean: ["true", "false"],
      timestamp: [null, "2026-03-29T01:30:00Z", "2026-01-31T23:59:59.999+13:00", "1999-12-31T23:59:59-09:30"],
    },
    async reset(wanted) {
      for (const record of await query("SELECT Id FROM Contact"))
        await ask("DELETE", `${root}/sobjects/Contact/${record.Id}`);
      const seeds = wanted.map((record) =>
        Object.fromEntries(Object.entries(record).map(([name, value]) => [name, json(name, value)])),
      );
      if (seeds.length > 0) await call("POST", "/__sandbox/seed", { Contact: seeds });
    },
    records,
    async edit(key, edited) {
      const path = `${root}/sobjects/Contact/${await idOf(key)}`;
      if (edited === null) await ask("DELETE", path);
      else
        await ask(
          "PATCH",
          path,
          Object.fromEntries(Object.entries(edited).map(([name, value]) => [name, json(name, value)])),
        );
    },
    // Its clock counts whole seconds.
    settle: () => new Promise((done) => setTimeout(done, 1_050)),
    async force({ on, ...forced }: Forced) {
      const match = on === "read" ? "^GET .*/query|^POST .*/query" : "^(POST|PATCH|DELETE) .*/composite";
      await faults({ failNext: [{ match, ...forced }] });
    },
    async throttle() {
      await faults({ rate: { calls: 1, perMs: 60_000 } });
      await call("GET", "/services/data");
      return {
        async free() {
          await faults({ rate: null });
        },
      };
    },
    close: () => sandbox.close(),
  };
}

testDestination(salesforce, fixture);

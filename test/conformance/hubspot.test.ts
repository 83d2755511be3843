import hubspot from "../../providers/hubspot/index.ts";
import { app } from "../../providers/hubspot/sandbox/tokens.ts";
import { startSandbox } from "../../providers/hubspot/sandbox.ts";
import type { Value } from "../../src/connector/index.ts";
import { testDestination } from "./destination.ts";
import type { DestinationFixture, Forced } from "./fixture.ts";

const fields = {
  text: "jobtitle",
  float: "lifetime_value",
  boolean: "active_subscriber",
  date: "last_order_date",
  timestamp: "last_order_at",
} as const;

const root = "/crm/v3/objects/contacts";

interface Page {
  readonly results: readonly { readonly id: string; readonly properties: Readonly<Record<string, Value>> }[];
  readonly paging?: { readonly next: { readonly after: string } };
}

async function fixture(): Promise<DestinationFixture> {
  const sandbox = await startSandbox({ port: 0 });
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(sandbox.url + path, {
      method,
      headers: { "content-type": "application/json", authorization: `Bearer ${app.accessToken}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return (text ? JSON.parse(text) : undefined) as unknown;
  };
  const names = ["email", ...Object.values(fields)];
  const list = async () => {
    const all: Page["results"][number][] = [];
    for (let after: string | undefined = "0"; after !== undefined; ) {
      const page = (await ask("GET", `${root}?limit=100&after=${after}&properties=${names.join(",")}`)) as Page;
      all.push(...page.results);
      after = page.paging?.next.after;
    }
    return all;
  };
  const idOf = async (email: string) => (await list()).find(({ properties }) => properties.email === email)?.id ?? "";
  /** Nothing is null on the way in: empty text empties a property. */
  const filled = (values: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? ""]));
  const faults = (given: object) => ask("POST", "/__sandbox/faults", given);

  return {
    system: hubspot,
    options: {
      clientId: app.clientId,
      clientSecret: "env:HUBSPOT_SECRET",
      refreshToken: "env:HUBSPOT_REFRESH",
      baseUrl: sandbox.url,
    },
    env: { HUBSPOT_SECRET: app.clientSecret, HUBSPOT_REFRESH: app.refreshToken },
    secrets: [app.clientSecret, app.refreshToken],
    object: "contacts",
    matchOn: "email",
    fields,
    key: (n) => `p${n}@example.com`,
    // There is no such owner, which no description of the property can tell.
    invalid: { hubspot_owner_id: "99" },
    virtualTime: true,
    async reset(wanted) {
      for (const { id } of await list()) await ask("DELETE", `${root}/${id}`);
      if (wanted.length > 0) await ask("POST", "/__sandbox/seed", { contacts: wanted.map(filled) });
    },
    records: async () => (await list()).map(({ properties }) => properties),
    async edit(key, edited) {
      const path = `${root}/${await idOf(key)}`;
      if (edited === null) await ask("DELETE", path);
      else await ask("PATCH", path, { properties: filled(edited) });
    },
    async force({ on, ...forced }: Forced) {
      const match = on === "read" ? "^POST .*/batch/read|^GET .*/objects" : "^POST .*/batch/(create|update|archive)";
      await faults({ failNext: [{ match, ...forced }] });
    },
    async throttle() {
      await faults({ rate: { calls: 1, perMs: 60_000 } });
      await ask("GET", "/account-info/v3/details");
      return {
        async free() {
          await faults({ rate: null });
        },
      };
    },
    close: () => sandbox.close(),
  };
}

testDestination(hubspot, fixture);

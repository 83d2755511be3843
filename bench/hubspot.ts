/**
 * Creates and updates of contacts in the HubSpot sandbox at 100 calls in 10 s: records a second, violations the server
 * saw, calls beside the fewest the API allows; and a script that writes one record in each call.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startSandbox } from "../providers/hubspot/sandbox.ts";
import { memoryObject, memoryStore } from "../providers/memory/store.ts";
import type { Project } from "../src/core/decode.ts";
import { completeSync } from "../src/core/sync.ts";
import { apply } from "../src/engine/apply.ts";
import { plan } from "../src/engine/plan.ts";
import { benchWorld, inFolder, never, silent, timed, untouched } from "./harness.ts";

export interface HubSpotFigures {
  readonly action: string;
  readonly records: number;
  readonly perSecond: number;
  readonly calls: number;
  readonly fewestCalls: number;
  readonly violations: number;
  /** Records a second of a script that writes them one by one at the same rate. */
  readonly oneByOne: number;
}

const rate = { calls: 100, perMs: 10_000 };
const batch = 100;

interface Stats {
  readonly total: number;
  readonly violations: number;
}

export type HubSpotAction = "create" | "update" | "trusted update";

export function benchHubSpot(action: HubSpotAction, records: number): Promise<HubSpotFigures> {
  return inFolder(async (directory) => {
    const sandbox = await startSandbox({ port: 0, faults: { rate } });
    try {
      const text = { kind: "text" } as const;
      const rows = Array.from({ length: records }, (_, i) => ({ email: `p${i}@example.com`, city: `City ${i}` }));
      memoryStore("bench-hs").set(
        "rows",
        memoryObject(
          ["email", "city"].map((name) => ({ name, type: text })),
          Object.fromEntries(rows.map((row, i) => [String(i), row])),
        ),
      );
      if (action !== "create")
        await ask(`${sandbox.url}/__sandbox/seed`, { contacts: rows.map(({ email }) => ({ email, city: "old" })) });
      const world = { ...benchWorld(directory), env: { TOKEN: sandbox.credentials.accessToken } };
      const project = projectFor(sandbox.url, action === "trusted update" ? 60 : 0);
      const planned = await plan(world, project, { directory: join(directory, "plan") }, silent, never);
      const before = await stats(sandbox.url);
      const applied = await timed(() => apply(world, project, planned, silent, untouched));
      const after = await stats(sandbox.url);
      if (applied.value.status !== "applied") throw new TypeError(JSON.stringify(applied.value));
      return {
        action,
        records,
        perSecond: records / applied.seconds,
        calls: after.total - before.total,
        // The account and the description of the object come first; an update is looked at before it is written.
        fewestCalls: 2 + (records / batch) * (action === "update" ? 2 : 1),
        violations: after.violations,
        oneByOne: await oneByOne(sandbox.url, sandbox.credentials.accessToken ?? ""),
      };
    } finally {
      await sandbox.close();
    }
  });
}

/** What a person writes first: a call for each record, as fast as is permitted. */
async function oneByOne(url: string, token: string): Promise<number> {
  const count = 50;
  await sleep(rate.perMs);
  const { seconds } = await timed(async () => {
    for (let i = 0; i < count; i++) {
      await sleep(rate.perMs / rate.calls);
      await ask(`${url}/crm/v3/objects/contacts`, { properties: { email: `one${i}@example.com` } }, token);
    }
  });
  return count / seconds;
}

function projectFor(url: string, recheckAfterMinutes: number): Project {
  return {
    connections: {
      rows: { name: "rows", system: "memory", options: { store: "bench-hs" } },
      crm: {
        name: "crm",
        system: "hubspot",
        options: { baseUrl: url, accessToken: "env:TOKEN" },
      },
    },
    state: { kind: "local", directory: ".ebb" },
    syncs: [
      completeSync("bench", {
        source: { connection: "rows", table: "rows" },
        key: ["email"],
        destination: { connection: "crm", object: "contacts", matchOn: ["email"] },
        mode: "upsert",
        recheckAfterMinutes,
        fields: { city: { column: "city" } },
      }),
    ],
  };
}

async function ask(url: string, body: unknown, token?: string): Promise<void> {
  const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new TypeError(`the sandbox answered ${answer.status}`);
}

async function stats(url: string): Promise<Stats> {
  return (await (await fetch(`${url}/__sandbox/stats`)).json()) as Stats;
}

if (process.argv[2] === "--child") {
  const [, , , action, records] = process.argv;
  const figures = await benchHubSpot(action as HubSpotAction, Number(records));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

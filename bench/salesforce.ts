/**
 * Apply of N updates to the Salesforce sandbox under a rate limit: the share of the permitted rate that is used, the
 * violations the server saw, and the calls beside the fewest the API allows.
 */

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { memoryObject, memoryStore } from "../providers/memory/store.ts";
import { startSandbox } from "../providers/salesforce/sandbox.ts";
import type { Project } from "../src/core/decode.ts";
import { completeSync } from "../src/core/sync.ts";
import { apply } from "../src/engine/apply.ts";
import { plan } from "../src/engine/plan.ts";
import type { World } from "../src/engine/world.ts";
import { benchWorld, inFolder, never, silent, timed, untouched } from "./harness.ts";

export interface SalesforceFigures {
  readonly records: number;
  readonly calls: number;
  readonly fewestCalls: number;
  readonly seconds: number;
  /** Share of the permitted calls per second that was used while writing. */
  readonly rateUsed: number | null;
  readonly violations: number;
  readonly worstWindow: number;
  readonly limit: number | null;
}

interface Stats {
  readonly total: number;
  readonly violations: number;
  readonly mostInWindow?: number;
  readonly calls?: Readonly<Record<string, number>>;
}

/** `perSecond` null: unlimited, for the route above 2,000 changes. */
export function benchSalesforce(records: number, perSecond: number | null): Promise<SalesforceFigures> {
  return inFolder(async (directory) => {
    const faults = perSecond === null ? {} : { rate: { calls: perSecond, perMs: 1_000 } };
    const sandbox = await startSandbox({ port: 0, faults });
    try {
      const people = Array.from({ length: records }, (_, i) => ({
        Email: `p${i}@example.com`,
        LastName: `P ${i}`,
        Orders__c: 1,
      }));
      await post(`${sandbox.url}/__sandbox/seed`, { Contact: people });
      // Stamps have whole seconds: records made in the second of the plan's read would count as moved since.
      await sleep(2_000);
      const text = { kind: "text" } as const;
      // As many new records again, so that a limited run is long enough to judge its rate.
      const wanted =
        perSecond === null
          ? people
          : [...people, ...people.map(({ LastName }, i) => ({ Email: `n${i}@example.com`, LastName }))];
      const rows = Object.fromEntries(
        wanted.map(({ Email, LastName }, i) => [String(i), { email: Email, name: LastName, orders: String(i + 2) }]),
      );
      memoryStore("bench-sf").set(
        "rows",
        memoryObject(
          ["email", "name", "orders"].map((name) => ({ name, type: text })),
          rows,
        ),
      );
      const sent: number[] = [];
      const real = benchWorld(directory);
      const world: World = {
        ...real,
        env: { SECRET: sandbox.credentials.clientSecret },
        dispatcher: async () => timing(await real.dispatcher(), sent),
      };
      const project = projectFor(sandbox.url, sandbox.credentials.clientId ?? "", perSecond);
      const planned = await plan(world, project, { directory: join(directory, "plan") }, silent, never);
      const before = await stats(sandbox.url);
      sent.length = 0;
      const applied = await timed(() => apply(world, project, planned, silent, untouched));
      const after = await stats(sandbox.url);
      if (applied.value.status !== "applied")
        throw new TypeError(`not everything was applied: ${JSON.stringify(applied.value)}`);
      const calls = after.total - before.total;
      return {
        records,
        calls,
        fewestCalls: signIn + (perSecond === null ? bulkCalls : 2 * Math.ceil(records / 200)),
        seconds: applied.seconds,
        rateUsed: perSecond === null ? null : rateOf(sent, perSecond),
        violations: after.violations,
        worstWindow: after.mostInWindow ?? 0,
        limit: perSecond,
      };
    } finally {
      await sandbox.close();
    }
  });
}

/** Create the job, upload, close, one poll, the sheet of results; that of failures is not asked for when there are none. */
const bulkCalls = 5;
/** Token, describe, count, and the one look at what moved since the plan. */
const signIn = 4;

/** Calls a second between the first and the last, as a share of what is permitted. */
function rateOf(sent: readonly number[], perSecond: number): number {
  const first = sent[0] ?? 0;
  const last = sent[sent.length - 1] ?? 1;
  return ((sent.length - 1) * 1000) / (last - first) / perSecond;
}

function timing(inner: Dispatcher, sent: number[]): Dispatcher {
  return new Proxy(inner, {
    get: (target, name) =>
      name === "request"
        ? (options: Dispatcher.RequestOptions) => {
            sent.push(performance.now());
            return target.request(options);
          }
        : Reflect.get(target, name),
  });
}

function projectFor(url: string, clientId: string, perSecond: number | null): Project {
  const limit = perSecond === null ? {} : { rateLimit: { calls: perSecond, seconds: 1 } };
  return {
    connections: {
      rows: { name: "rows", system: "memory", options: { store: "bench-sf" } },
      crm: {
        name: "crm",
        system: "salesforce",
        options: {
          baseUrl: url,
          loginUrl: url,
          clientId,
          clientSecret: "env:SECRET",
          apiVersion: "67.0",
          duplicateRules: "refuse",
          ...limit,
        },
      },
    },
    state: { kind: "local", directory: ".ebb" },
    syncs: [
      completeSync("bench", {
        source: { connection: "rows", table: "rows" },
        key: ["email"],
        destination: { connection: "crm", object: "Contact", matchOn: ["Email"] },
        mode: perSecond === null ? "update" : "upsert",
        fields: { Orders__c: { column: "orders" }, LastName: { column: "name" } },
      }),
    ],
  };
}

async function post(url: string, body: unknown): Promise<void> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new TypeError(`the sandbox answered ${answer.status}`);
}

async function stats(url: string): Promise<Stats> {
  return (await (await fetch(`${url}/__sandbox/stats`)).json()) as Stats;
}

if (process.argv[2] === "--child") {
  const [, , , records, perSecond] = process.argv;
  const figures = await benchSalesforce(Number(records), perSecond === undefined ? null : Number(perSecond));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exit(0);
}

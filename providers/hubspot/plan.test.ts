/** The connector under the engine: values that are found by lookup, and what the next plan sees after a failure. */
import { expect, onTestFinished, test } from "vitest";
import type { Fields } from "../../src/connector/index.ts";
import type { OpenPlan } from "../../src/engine/plan-file.ts";
import { changesOf, runner, testProject, testSync, testWorld } from "../../test/world.ts";
import memory from "../memory/index.ts";
import { memoryObject, memoryStore } from "../memory/store.ts";
import hubspot from "./index.ts";
import { startSandbox } from "./sandbox.ts";

const companies = "associations.companies";

/** A sync of deals, each with the company its account number names. */
async function dealsSync(rows: Readonly<Record<string, Fields>>) {
  const sandbox = await startSandbox({ port: 0 });
  onTestFinished(() => sandbox.close());
  const { accessToken = "" } = sandbox.credentials;
  const columns = ["deal_id", "amount", "stage", "account"];
  const store = memoryStore(sandbox.url);
  const fill = (given: typeof rows) =>
    store.set(
      "rows",
      memoryObject(
        columns.map((name) => ({ name, type: { kind: "text" } })),
        { ...given },
      ),
    );
  fill(rows);
  const ask = async <T>(method: string, path: string, json?: object): Promise<T> => {
    const answer = await fetch(sandbox.url + path, {
      method,
      headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
      ...(json ? { body: JSON.stringify(json) } : {}),
    });
    const text = await answer.text();
    return (text ? JSON.parse(text) : undefined) as T;
  };
  const { companies: made } = await ask<{ companies: string[] }>("POST", "/__sandbox/seed", {
    companies: [
      { name: "Acme", account_id: "A-1" },
      { name: "Beta", account_id: "A-2" },
      { name: "Gamma", account_id: "A-3" },
    ],
  });
  const sync = testSync({
    key: ["deal_id"],
    destination: { connection: "crm", object: "deals", matchOn: ["deal_id"] },
    mode: "mirror",
    fields: {
      amount: "amount",
      dealstage: "stage",
      [companies]: { lookup: { object: "companies", matchOn: "account_id", column: "account" } },
    },
  });
  const connections = {
    warehouse: { system: "memory", options: { store: sandbox.url } },
    crm: { system: "hubspot", options: { accessToken: "env:TOKEN", baseUrl: sandbox.url } },
  };
  const world = await testWorld({ systems: [memory, hubspot], env: { TOKEN: accessToken } });
  const run = runner(world, testProject([sync], connections));
  const linked = async () => {
    const { results } = await ask<{ results: { from: { id: string }; to: { toObjectId: string }[] }[] }>(
      "POST",
      "/crm/v4/associations/companies/deals/batch/read",
      { inputs: made.map((id) => ({ id })) },
    );
    return Object.fromEntries(results.map(({ from, to }) => [made.indexOf(from.id), to.length]));
  };
  /** A plan whose first company is archived before it is applied. */
  const gone = async (planning: Promise<OpenPlan>): Promise<OpenPlan> => {
    const open = await planning;
    const inputs = made.splice(0, 1).map((id) => ({ id }));
    await ask("POST", "/crm/v3/objects/companies/batch/archive", { inputs });
    return open;
  };
  return { run, fill, ask, linked, gone };
}

const deal = (deal_id: string, account: string | null, amount = "10.50"): Fields => ({
  deal_id,
  account,
  amount,
  stage: "contractsent",
});

test("deals are associated with the companies their rows name, and the next plan is empty", async () => {
  const { run, fill, linked } = await dealsSync({ a: deal("1", "A-1"), b: deal("2", "A-2"), c: deal("3", null) });
  expect(await run.run()).toMatchObject({ status: "applied", rejected: [] });
  expect(await changesOf(await run.plan())).toEqual([]);
  expect(await linked()).toEqual({ 0: 1, 1: 1 });
  fill({ a: deal("1", "A-2"), b: deal("2", "A-2", "11"), c: deal("3", "A-1") });
  const next = await run.plan();
  expect((await changesOf(next)).map((change) => "after" in change && Object.keys(change.after))).toEqual([
    [companies],
    ["amount"],
    [companies],
  ]);
  expect(await run.apply(next)).toMatchObject({ status: "applied", rejected: [] });
  expect(await changesOf(await run.plan())).toEqual([]);
  expect(await linked()).toEqual({ 0: 1, 1: 2 });
});

test("an association that fails for a moment is made in the same run", async () => {
  const { run, fill, ask, linked } = await dealsSync({ a: deal("1", null), b: deal("2", null) });
  await run.run();
  fill({ a: deal("1", "A-1", "12"), b: deal("2", "A-2") });
  const failNext = [{ match: "associate/default", status: 503, body: "", times: 2 }];
  await ask("POST", "/__sandbox/faults", { failNext });
  expect(await run.run()).toMatchObject({ status: "applied", rejected: [] });
  expect(await linked()).toEqual({ 0: 1, 1: 1 });
  expect(await changesOf(await run.plan())).toEqual([]);
});

test("a new record whose association is impossible is not made, and an old one is asked for the association alone", async () => {
  const { run, fill, ask, linked, gone } = await dealsSync({ a: deal("1", "A-1"), b: deal("2", "A-2") });
  const restore = await gone(run.plan());
  expect((await run.apply(restore)).rejected).toMatchObject([{ code: "INVALID_ASSOCIATION" }]);
  expect(await ask("GET", "/__sandbox/stats")).toMatchObject({ records: { deals: 1 } });
  fill({ b: deal("2", null, "12") });
  await run.run();
  fill({ b: deal("2", "A-2", "13") });
  const open = await gone(run.plan());
  expect((await run.apply(open)).rejected).toMatchObject([{ code: "OBJECT_NOT_FOUND", field: companies }]);
  fill({ b: deal("2", "A-3", "13") });
  const changes = await changesOf(await run.plan());
  expect(changes.map((change) => "after" in change && Object.keys(change.after))).toEqual([[companies]]);
  expect(await linked()).toEqual({});
});

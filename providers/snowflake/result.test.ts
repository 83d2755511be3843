/** Plans whose source fails in the middle: one error that names the next step, nothing advanced, and the next plan is right. */
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { defineSystem, EbbError, type Query, type System } from "../../src/connector/index.ts";
import { testContext } from "../../test/context.ts";
import { pushdownWorld } from "../../test/properties/pushdown-world.ts";
import { snowflakeWarehouse } from "../../test/properties/warehouses.ts";
import { changesOf, summaryOf } from "../../test/world.ts";
import snowflake from "./index.ts";
import { openSdkDriver } from "./sdk-driver.ts";

const signal = AbortSignal.timeout(300_000);

/** A project whose 20 rows are in the destination, and have changed since. A result of them comes in chunks of three rows. */
async function setUp() {
  const warehouse = await snowflakeWarehouse();
  const ask = async (path: string, body?: object) => {
    const given = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    return (await fetch(`${warehouse.options.baseUrl}/__sandbox/${path}`, given)).json();
  };
  await warehouse.execute([
    "CREATE TABLE people AS SELECT 'p' || SEQ4() AS id, 'first' AS name, NULL AS city FROM TABLE(GENERATOR(ROWCOUNT => 20))",
  ]);
  const errors: unknown[] = [];
  const { runner, fake } = await pushdownWorld({ ...warehouse, system: heard(snowflake, errors) });
  const run = runner({
    source: { connection: "warehouse", query: "SELECT id, name, city FROM people" },
    fields: { name: "name", city: "city" },
  });
  await run.run();
  await warehouse.execute(["UPDATE people SET name = 'second'"]);
  const faults = (given: object) => ask("faults", { chunkRows: 3, ...given });
  return { run, fake, ask, faults, errors, options: warehouse.options };
}

/** The system with the errors heard that its source ends with. */
function heard(system: System, errors: unknown[]): System {
  const { source } = system;
  if (!source) throw new TypeError("not a source");
  const noted = (error: unknown): never => {
    errors.push(error);
    throw error;
  };
  return defineSystem({
    ...system,
    source: {
      ...source,
      async open(options, context) {
        const opened = await source.open(options, context);
        return {
          ...opened,
          async extract(query: Query, until: AbortSignal) {
            const extract = await opened.extract(query, until).catch(noted);
            if (extract.kind !== "text") return extract;
            async function* batches() {
              try {
                if (extract.kind === "text") yield* extract.batches;
              } catch (error) {
                noted(error);
              }
            }
            return { ...extract, batches: batches() };
          },
        };
      },
    },
  });
}

type Running = Awaited<ReturnType<typeof setUp>>;
const untroubled = {
  failNext: [],
  failStatements: [],
  truncateChunk: null,
  suspendWarehouse: null,
  quotaReached: null,
};

/** The error a plan meets. What may work later makes it incomplete, so that it cannot be applied; the others end it. */
async function failure({ run, fake, errors }: Running, name: string): Promise<EbbError> {
  const held = async () => JSON.stringify([await run.store.read(), [...fake.records]]);
  const before = await held();
  errors.length = 0;
  const planned = await run.plan().catch((error: unknown) => void errors.push(error));
  if (planned) {
    expect(summaryOf(planned).complete, name).toBe(false);
    await expect(run.apply(planned)).rejects.toMatchObject({ code: "PLAN_INCOMPLETE" });
  }
  expect(await held(), name).toBe(before);
  const [error] = errors;
  if (!(error instanceof EbbError)) return expect.fail(`${name}: not an error with a code: ${error}`);
  expect(error.message, name).toMatch(/^warehouse: /);
  // Nothing of the rows, nor of what came instead of them.
  expect(`${error.message} ${error.next} ${JSON.stringify(error.cause)}`).not.toMatch(/second|html|Sign in/);
  return error;
}

/** The plan after the trouble, in the same process. */
async function recovers({ run, faults }: Running, name: string): Promise<void> {
  await faults(untroubled);
  expect(await changesOf(await run.plan()), name).toHaveLength(20);
}

/** The driver tries ten times for a chunk, with pauses by chance of up to 16 seconds: here each is the least, a second. */
function leastPauses(): void {
  const spy = vi.spyOn(Math, "random").mockReturnValue(0);
  onTestFinished(() => spy.mockRestore());
}

const page = "<html><body>Sign in to the proxy</body></html>";
const chunk = (n: number, answer: object, times = 100) => ({ match: `GET /chunks/${n}-`, times, ...answer });
const cut = (how: string, times = 100) => ({ truncateChunk: { chunk: 2, how, times } });

describe("a chunk", () => {
  test("that arrives whole and is no part of the result is one error", { timeout: 180_000 }, async () => {
    const running = await setUp();
    const kinds: readonly (readonly [name: string, faults: object])[] = [
      ["a page, as the first chunk", { failNext: [chunk(0, { body: page })] }],
      ["a page, fetched ahead", { failNext: [chunk(2, { body: page })] }],
      ["a page, there before its turn", { failNext: [chunk(2, { body: page }), chunk(1, { delayMs: 300 })] }],
      ["a page, in gzip", cut("page")],
      ["a gzip that breaks off", cut("gzip")],
      ["JSON of something else", { failNext: [chunk(2, { body: { error: "no" } })] }],
      ["nothing", { failNext: [chunk(2, { body: "" })] }],
      ["blanks", { failNext: [chunk(2, { body: " " })] }],
      ["null instead of rows", { failNext: [chunk(2, { body: "null, null, null" })] }],
      ["a row that is not whole", cut("json")],
      ["a row too few", cut("rows")],
      ["a column less", cut("narrow")],
      ["a column more", cut("wide")],
    ];
    for (const [name, given] of kinds) {
      await running.faults(given);
      const error = await failure(running, name);
      expect(error, name).toMatchObject({ code: "ANSWER_INVALID", effect: "transient" });
      expect(error.message, name).toContain("a part of the result arrived damaged: a chunk ");
      expect(error.next, name).toMatch(/Run it again.* proxy/);
      await recovers(running, name);
    }
  });

  test("that does not arrive is one error, after ten attempts", { timeout: 240_000 }, async () => {
    const running = await setUp();
    leastPauses();
    for (const [name, given, code, message] of [
      ["the connection breaks within it", cut("bytes"), "NETWORK", /part of the result could not be fetched \(ECONN/],
      ["its address has expired", { failNext: [chunk(2, { status: 403 })] }, "UNAVAILABLE", /403.*may have expired/],
      ["the storage is down", { failNext: [chunk(2, { status: 503 })] }, "UNAVAILABLE", /answered 503/],
    ] as const) {
      await running.faults(given);
      const error = await failure(running, name);
      expect(error, name).toMatchObject({ code, effect: "transient" });
      expect(error.message, name).toMatch(message);
      expect(error.next, name).toMatch(/again/);
      await recovers(running, name);
    }
  });

  test("that does not arrive once is fetched again", { timeout: 120_000 }, async () => {
    const running = await setUp();
    leastPauses();
    for (const given of [cut("bytes", 1), { failNext: [chunk(2, { status: 403 }, 1)] }]) {
      await running.faults(given);
      const planned = await running.run.plan();
      expect(summaryOf(planned), JSON.stringify(given)).toMatchObject({ complete: true, counts: { update: 20 } });
    }
  });
});

describe("a statement", () => {
  test("that fails is one error, and the next plan is right", { timeout: 120_000 }, async () => {
    const running = await setUp();
    const fail = (code: string, sqlState: string, message: string) => ({
      failStatements: [{ match: "WITH q", code, sqlState, message }],
    });
    for (const [name, given, expected, next] of [
      ["the query fails", fail("002003", "42S02", "Object 'X' does not exist"), { code: "SOURCE_FAILED" }, /./],
      ["a value does not fit", fail("100038", "22018", "'second'"), { code: "SOURCE_FAILED" }, /./],
      ["somebody cancels it", fail("000604", "57014", "canceled"), { code: "UNAVAILABLE" }, /run it again/],
      ["its time is over", fail("000630", "57014", "timeout"), { code: "SOURCE_FAILED" }, /timeoutSeconds/],
      ["the warehouse is suspended", { suspendWarehouse: true }, { code: "SOURCE_FAILED" }, /AUTO_RESUME/],
      ["the quota is used up", { quotaReached: true }, { code: "QUOTA_EXHAUSTED" }, /resource monitor/],
      ["it is refused", fail("003001", "42501", "Insufficient privileges"), { code: "ACCESS_DENIED" }, /./],
    ] as const) {
      await running.faults(given);
      const error = await failure(running, name);
      expect(error, name).toMatchObject(expected);
      expect(error.next, name).toMatch(next);
      await recovers(running, name);
    }
  });
});

describe("a session", () => {
  test("that ends while chunks come does not end the result", async () => {
    const running = await setUp();
    await running.faults({ failNext: [chunk(1, { delayMs: 1_000 }, 1)] });
    const planned = running.run.plan();
    await expect.poll(async () => ((await running.ask("stats")) as { chunks: number }).chunks).toBeGreaterThan(0);
    await running.ask("revoke", {});
    expect(await changesOf(await planned)).toHaveLength(20);
  });

  test("that ends while a statement runs is opened again", async () => {
    const running = await setUp();
    await running.faults({ asyncAfterMs: 50, statementDelayMs: 2_000, delayStatements: "WITH q" });
    const planned = running.run.plan();
    const last = async () => ((await running.ask("stats")) as { statements: { sql: string }[] }).statements.at(-1)?.sql;
    await expect.poll(last).toMatch(/^WITH q/);
    await running.ask("revoke", {});
    expect(await changesOf(await planned)).toHaveLength(20);
  });
});

test("values that the driver converts itself, and cannot, are one error", async () => {
  const { options, faults } = await setUp();
  const token = "ebb-sandbox-token";
  const driver = openSdkDriver({ ...options, token } as never, testContext({ connection: "warehouse" }));
  onTestFinished(() => driver.close());
  const run = async () => (await driver.execute("SELECT TRUE AS b, 'x' AS s", {}, signal)).rows(signal);
  expect(await run()).toEqual([{ B: "true", S: "x" }]);
  const column = (name: string, type: string) => ({ name, type, nullable: true, scale: null, precision: null });
  const answer = (rowset: unknown) => {
    const data = {
      rowtype: [column("B", "boolean"), column("S", "text")],
      rowset,
      total: 1,
      returned: 1,
      queryId: "1",
    };
    return { failNext: [{ match: "query-request", body: { success: true, code: null, message: null, data } }] };
  };
  for (const rowset of [[], [["perhaps", "x"]], [null], [["true"]], [["true", "x", "y"]]]) {
    await faults(answer(rowset));
    await expect(run(), JSON.stringify(rowset)).rejects.toMatchObject({ code: "ANSWER_INVALID" });
  }
  await faults(untroubled);
  expect(await run()).toEqual([{ B: "true", S: "x" }]);
});

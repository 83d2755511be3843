import { expect } from "vitest";
import { AuthError, EbbError, TransientError } from "../../src/core/errors.ts";
import { neverAborts } from "../world.ts";
import { type Bench, countsOf, key, openBench } from "./bench.ts";
import { type Check, can, converge, errorOf } from "./check.ts";
import type { DestinationFixture, Forced } from "./fixture.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

function readOne(bench: Bench): Promise<void> {
  const { fixture } = bench;
  return bench.direct(async ({ destination }) => {
    const request = { object: fixture.object, fields: [fixture.matchOn], match: [fixture.matchOn] };
    for await (const _ of destination.read({ ...request, by: "keys", keys: [key(fixture, 0)] }, neverAborts));
  });
}

/** More often than any client asks again. */
const PATIENCE = 10;

const html = "<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>";

/** Answers that are not the API's, and what the engine must take them for. */
const answers: readonly {
  readonly name: string;
  readonly forced: Omit<Forced, "on">;
  readonly is: (error: EbbError) => boolean;
}[] = [
  { name: "401 twice", forced: { status: 401, body: "{}", times: 3 }, is: (error) => error instanceof AuthError },
  { name: "403", forced: { status: 403, body: "{}" }, is: (error) => error instanceof EbbError },
  { name: "500", forced: { status: 500, body: "{}" }, is: transient },
  { name: "503", forced: { status: 503, body: "" }, is: transient },
  { name: "502 in HTML", forced: { status: 502, body: html }, is: transient },
  { name: "200 in HTML", forced: { status: 200, body: html }, is: transient },
  { name: "200 without a body", forced: { status: 200, body: "" }, is: transient },
  { name: "200 with half a JSON", forced: { status: 200, body: '{"records":[{"Id":"0' }, is: transient },
  { name: "a connection that breaks before the work", forced: { reset: "before" }, is: transient },
  { name: "a connection that breaks after the work", forced: { reset: "after" }, is: transient },
];

async function forceIn({ force, system }: DestinationFixture, forced: Forced): Promise<void> {
  if (!force) expect.fail(`the fixture of ${system.name} cannot force an answer`);
  await force(forced);
}

function transient(error: EbbError): boolean {
  return error instanceof TransientError;
}

/** For systems that are reached over HTTP; the fixture then has `force` and `throttle`. */
export const httpChecks: readonly Check[] = [
  {
    name: "429 is transient and carries how long to wait",
    async run(fixture) {
      const bench = await openBench(fixture);
      await fixture.reset([bench.row(0)]);
      const error = await bench.direct(async ({ destination }) => {
        const throttled = await fixture.throttle?.();
        expect(throttled, "the fixture can throttle").toBeDefined();
        const request = { object: fixture.object, fields: [fixture.matchOn], match: [fixture.matchOn] };
        const reading = (async () => {
          for await (const _ of destination.read({ ...request, by: "keys", keys: [key(fixture, 0)] }, neverAborts));
        })();
        try {
          return await errorOf(reading);
        } finally {
          await throttled?.free();
        }
      });
      expect(error).toBeInstanceOf(TransientError);
      expect(error.code).toBe("RATE_LIMITED");
      expect((error as TransientError).retryAfterMs).toBeGreaterThan(0);
      expect((error as TransientError).unsent).toBe(true);
    },
  },
  ...answers.map(
    ({ name, forced, is }): Check => ({
      name: `a read answered ${name} is classified`,
      async run(fixture) {
        const bench = await openBench(fixture);
        await fixture.reset([bench.row(0)]);
        await forceIn(fixture, { on: "read", ...forced, times: PATIENCE });
        const error = await errorOf(readOne(bench));
        expect(is(error), `${error.name} ${error.code}`).toBe(true);
        expect(error.message).not.toContain("<html>");
      },
    }),
  ),
  ...answers
    .filter(({ forced }) => (forced.status ?? 500) >= 500)
    .map(
      ({ name, forced }): Check => ({
        name: `a read answered ${name} once is repeated`,
        async run(fixture) {
          const bench = await openBench(fixture);
          await fixture.reset([bench.row(0)]);
          await forceIn(fixture, { on: "read", ...forced });
          await readOne(bench);
        },
      }),
    ),
  ...answers.flatMap(({ name, forced }): Check[] =>
    [false, true].flatMap((performed): Check[] => {
      if (performed && (forced.reset !== undefined || forced.status === 401 || forced.status === 403)) return [];
      return [
        {
          name: `a write answered ${name}${performed ? " though the work was done" : ""} loses nothing and doubles nothing`,
          applies: can("create", "update", "delete"),
          async run(fixture) {
            const bench = await openBench(fixture);
            await fixture.reset([]);
            bench.rows = upTo(5).map((n) => bench.row(n));
            await run(bench, { on: "write", ...forced, performed });
            bench.rows = [...upTo(2).map((n) => bench.row(n, 1)), bench.row(2)];
            await run(bench, { on: "write", ...forced, performed });
            expect(await fixture.records()).toHaveLength(3);
          },
        },
      ];
    }),
  ),
];

/** Applies with one answer gone wrong, and goes on until all is done, as a person would. */
async function run(bench: Bench, forced: Forced): Promise<void> {
  const open = await bench.run.plan();
  await forceIn(bench.fixture, forced);
  const first = await bench.run.apply(open).catch((error: unknown) => {
    expect(error).toBeInstanceOf(EbbError);
    return null;
  });
  const rejected = first ? countsOf(first).rejected : 0;
  expect(rejected, "a failure of the whole answer rejects no record").toBe(0);
  if (first?.status === "stopped") await bench.run.resume();
  const records = await converge(bench);
  expect(records.size).toBe(bench.rows.length);
  expect(await bench.fixture.records()).toHaveLength(bench.rows.length);
}

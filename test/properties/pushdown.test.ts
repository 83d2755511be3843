import fc from "fast-check";
import { expect, test } from "vitest";
import { play, story } from "./pushdown-model.ts";
import { duckdbWarehouse, postgresWarehouse } from "./warehouses.ts";

const runs = Number(process.env.PUSHDOWN_RUNS ?? 20);

test("whatever happens, both diffs plan the same and end the same", { timeout: 3_600_000 }, async () => {
  let spared = 0;
  await fc.assert(
    fc.asyncProperty(story, async (given) => {
      spared += await play(await duckdbWarehouse(), given);
    }),
    { numRuns: runs },
  );
  expect(spared).toBeGreaterThan(runs / 4);
});

test("the same in Postgres", { timeout: 3_600_000 }, async () => {
  const warehouse = await postgresWarehouse();
  const few = Math.ceil(runs / 4);
  let spared = 0;
  await fc.assert(
    fc.asyncProperty(story, async (given) => {
      spared += await play(warehouse, given);
    }),
    { numRuns: few },
  );
  expect(spared).toBeGreaterThan(few / 4);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { play, story } from "./pushdown-model.ts";
import { duckdbWarehouse, postgresWarehouse, snowflakeWarehouse } from "./warehouses.ts";

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

test.each([
  ["Postgres", postgresWarehouse, Math.ceil(runs / 4)],
  ["Snowflake", snowflakeWarehouse, Math.ceil(runs / 10)],
])("the same in %s", { timeout: 3_600_000 }, async (name, open, few) => {
  const warehouse = await open();
  // In a text of the vendor's SQL a backslash escapes.
  const quoting = (literal: string) => (name === "Snowflake" ? literal.replaceAll("\\", "\\\\") : literal);
  let spared = 0;
  await fc.assert(
    fc.asyncProperty(story, async (given) => {
      spared += await play(warehouse, given, quoting);
    }),
    { numRuns: few },
  );
  // Of few stories chance may spare none.
  if (few >= 20) expect(spared).toBeGreaterThan(few / 4);
});

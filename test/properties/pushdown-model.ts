/** Sequences of what can happen to a sync, played in two worlds that must agree at every plan. @module */
import fc from "fast-check";
import { expect } from "vitest";
import type { Refresh } from "../../src/core/sync.ts";
import type { SyncGiven } from "../world.ts";
import { Killed, type PushdownWorld, pushdownWorld, records, said, type Warehouse } from "./pushdown-world.ts";

/** Three are one key to the destination, which compares them trimmed and in lower case. */
const ids = ["a@x", "A@x", " a@x", "b@x", "c@x", "d@x", "", null];
const id = fc.constantFrom(...ids);
const text = fc.constantFrom(null, "", "x", "y", 'it\'s, "q"', "\\n");
const row = fc.record({ id, name: text, city: text, amount: fc.constantFrom(null, 0, 1, 2.5, 1e20) });
export interface SourceRow {
  readonly id: string | null;
  readonly name: string | null;
  readonly city: string | null;
  readonly amount: number | null;
}

const mappings: readonly SyncGiven["fields"][] = [
  { name: "name", city: "city", amount: "amount" },
  { name: { column: "name", trim: true, changeCase: "upper" }, city: { template: "{city} {amount}" } },
  { name: { column: "name", whenNull: "keep" }, city: { column: "city", onlyIfEmpty: true }, amount: "amount" },
  { name: { column: "name", createOnly: true }, city: { column: "city", whenNull: "reject" } },
];

const synced = {
  /** The source goes back to what it was while a run waits for its end. */
  back: fc.boolean(),
  do: fc.constant("synced" as const),
  refresh: fc.constantFrom<Refresh[]>("full", "full", "changed", "off"),
  how: fc.constantFrom(
    ...(["whole", "whole", "whole", "refused", "killed", "killedAtState", "killedAtResult"] as const),
    ...(["lostBefore", "lostAfter"] as const),
  ),
};
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("row" as const), row }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("unrow" as const), at: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("reworded" as const), at: fc.nat(9), row }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("edited" as const), at: fc.nat(5), name: text, city: text }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("removed" as const), at: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remapped" as const), to: fc.nat(mappings.length - 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("retyped" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("switched" as const) }) },
  { weight: 6, arbitrary: fc.record(synced) },
);
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

export const story = fc.record({
  mode: fc.constantFrom("create" as const, "update" as const, "upsert" as const, "mirror" as const, "mirror" as const),
  onDrift: fc.constantFrom("overwrite" as const, "overwrite" as const, "keep" as const),
  adopt: fc.boolean(),
  start: fc.array(row, { maxLength: 3 }),
  /** Begins with five rows that are all synced. */
  begun: fc.constantFrom(true, true, true, false),
  there: fc.array(fc.record({ id: fc.constantFrom("a@x", "b@x", "e@x"), name: text }), { maxLength: 2 }),
  steps: fc.array(step, { minLength: 3, maxLength: 10 }),
});
export type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

const cell = (value: string | number | null) =>
  value === null ? "NULL" : typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;

/** How a dialect writes a text with a backslash in it. */
export type Quoting = (literal: string) => string;

export async function fill(
  { execute }: Warehouse,
  rows: readonly SourceRow[],
  amount = "DOUBLE PRECISION",
  quoting: Quoting = (literal) => literal,
): Promise<void> {
  const values = rows.map(
    ({ id, name, city, amount: n }) => `(${[id, name, city, n].map(cell).map(quoting).join(", ")})`,
  );
  await execute([
    "DROP TABLE IF EXISTS people",
    `CREATE TABLE people (id VARCHAR(40), name VARCHAR(40), city VARCHAR(40), amount ${amount})`,
    ...(values.length > 0 ? [`INSERT INTO people VALUES ${values.join(", ")}`] : []),
  ]);
}

/** Plays a story and answers how many comparisons in the warehouse returned less than all rows. */
export async function play(warehouse: Warehouse, given: Story, quoting?: Quoting): Promise<number> {
  const here = await pushdownWorld(warehouse);
  const there = await pushdownWorld(warehouse);
  const both = [here, there];
  let rows: readonly SourceRow[] = given.start;
  if (given.begun)
    rows = ["p@x", "q@x", "r@x", "a@x", "b@x"].map((one) => ({ id: one, name: "n", city: "c", amount: 1 }));
  let mapping = 0;
  let amount = 0;
  let diff: "local" | "warehouse" = "warehouse";
  let spared = 0;
  const amounts = ["DOUBLE PRECISION", "DECIMAL(38,1)"];
  let earlier = rows;
  let now = rows;
  const refill = async () => {
    earlier = now;
    now = rows;
    await fill(warehouse, rows, amounts[amount], quoting);
  };
  const syncIn = (world: PushdownWorld) =>
    world.runner({
      name: "people",
      source: { connection: "warehouse", query: "SELECT id, name, city, amount FROM people" },
      ...{ mode: given.mode, onDrift: given.onDrift, adopt: given.adopt, fields: mappings[mapping] ?? {} },
      guards: { maxDeletes: 1000 },
      diff: world === there ? diff : "local",
    });

  given.there.forEach((one, i) => {
    for (const { fake } of both) fake.edit(`s${i}`, { id: one.id, name: one.name, city: null, amount: null });
  });
  await refill();
  const sync = async (refresh: Refresh, how: (Step & { do: "synced" })["how"], back = false) => {
    const [local, pushed] = [syncIn(here), syncIn(there)];
    const before = there.returned.length;
    const plans = [await local.plan({ refresh }), await pushed.plan({ refresh })] as const;
    expect(await said(plans[1])).toEqual(await said(plans[0]));
    if (there.returned.length > before && (there.returned.at(-1) ?? 0) < rows.length) spared++;
    for (const { trouble } of both) {
      trouble.refused = how === "refused" ? ["a@x", "c@x"] : [];
      trouble.killWrite = how === "killed";
      trouble.killAt = { killedAtState: "state.json", killedAtResult: "result.json" }[how as string];
      trouble.record = how === "lostBefore" ? "before" : how === "lostAfter" ? "after" : undefined;
    }
    const outcomes = [];
    for (const [world, verbs, open] of [
      [here, local, plans[0]],
      [there, pushed, plans[1]],
    ] as const) {
      let outcome: unknown;
      try {
        outcome = (await verbs.apply(open)).status;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        outcome = "killed";
      }
      outcomes.push(outcome);
      Object.assign(world.trouble, { refused: [], killWrite: false, killAt: undefined, record: undefined });
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
    if (outcomes[0] === "killed" || outcomes[0] === "stopped") {
      if (back) {
        rows = earlier;
        await refill();
      }
      // A plan made while a run waits for its end counts what that run has done.
      expect(await said(await syncIn(there).plan({ refresh }))).toEqual(
        await said(await syncIn(here).plan({ refresh })),
      );
      const ends = [await local.resume(), await pushed.resume()];
      expect(ends[1]?.status).toEqual(ends[0]?.status);
    }
    expect(records(there.fake)).toEqual(records(here.fake));
  };

  if (given.begun) {
    await sync("full", "whole");
    rows = [...rows, ...given.start];
    await refill();
  }
  for (const one of given.steps) {
    for (const { clock } of both) clock.advance(3_600_000);
    if (one.do === "row") rows = [...rows, one.row];
    if (one.do === "unrow") rows = rows.filter((_, i) => i !== one.at);
    if (one.do === "reworded") rows = rows.map((old, i) => (i === one.at ? { ...one.row, id: old.id } : old));
    if (one.do === "retyped") amount = 1 - amount;
    if (one.do === "remapped") mapping = one.to;
    if (one.do === "switched") diff = diff === "local" ? "warehouse" : "local";
    if (one.do === "row" || one.do === "unrow" || one.do === "reworded" || one.do === "retyped") await refill();
    if (one.do === "edited" || one.do === "removed")
      for (const { fake } of both) {
        const at = records(fake)[one.at]?.[0];
        if (at) fake.edit(at, one.do === "removed" ? null : { name: one.name, city: one.city });
      }
    if (one.do === "synced") await sync(one.refresh, one.how, one.back);
  }
  await sync("full", "whole");
  return spared;
}

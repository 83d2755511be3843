import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import type { FieldColumns, SyncColumns } from "../../src/engine/review/columns.ts";
import { dataBlocks } from "../../src/report/html/data.ts";
import { createReveal } from "../../src/report/reveal.ts";
import { blocksOf } from "./report.ts";

const fields = ["a", "b", "c", "d"];
const sync = { name: "people", fields: {}, destination: { connection: "crm", object: "contact", matchOn: ["email"] } };

/** Two changes, whose keys come after so many turns of the event loop. */
function columns(turns: number): SyncColumns {
  const numbers = new Int32Array([0, 1]);
  async function* keys() {
    for (let n = 0; n < turns; n++) await turn();
    yield { numbers: new Int32Array([1, 0]), texts: ["second", "first"] };
  }
  async function* values(name: string) {
    yield { numbers, texts: [`${name}1`, `${name}2`] };
  }
  const codes = (...some: number[]) => new Uint32Array(some);
  return {
    planned: {
      sync,
      idIsKey: true,
      types: Object.fromEntries(fields.map((name) => [name, { kind: "text" }])),
    } as never,
    rows: 2,
    total: 2,
    heads: async () => ({ kinds: codes(3, 3), positions: codes(0, 1) }),
    keys,
    ids: keys,
    async *fields() {
      for (const name of fields)
        yield { name, from: codes(2, 3), to: codes(3, 2), distinct: 2, values: () => values(name) } as FieldColumns;
    },
  };
}

async function blocksAfter(turns: number): Promise<ReadonlyMap<string, Buffer>> {
  const reveal = createReveal([sync] as never, { all: true, salt: "" });
  async function* one() {
    yield columns(turns);
  }
  let html = "";
  for await (const block of dataBlocks(one(), [], reveal)) html += block;
  return blocksOf(html);
}

it("every block stands where the index says, whenever the keys are ready", { timeout: 60_000 }, async () => {
  for (let turns = 0; turns < 60; turns++) {
    const blocks = await blocksAfter(turns);
    const text = (id: string | number) => String(blocks.get(String(id)));
    const [{ keys, fields: indexed }] = JSON.parse(text("index")).syncs;
    expect(text(`b${keys}`), `${turns} turns`).toBe("first\nsecond");
    for (const { name, values } of indexed) expect(text(`b${values}`)).toBe(`${name}1\n${name}2`);
    expect(indexed.map(({ name }: { name: string }) => name)).toEqual(fields);
  }
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { keyOf, type Load, RecordError, TransientError } from "../../src/connector/index.ts";
import { cutLines } from "../../src/engine/run/load.ts";
import { type Fake, type FakeRecord, people, writes } from "../fake.ts";
import { byKey, fakeProject } from "./setup.ts";

const capabilities = { checksBefore: true, idIsKey: true };
const count = 1_100;
const hostile = ["a,b", 'say "so"', "two\nlines", '"\n"', "", " padded ", "\\.", "👩‍👩‍👧", null];

function rows(): FakeRecord[] {
  return people(count).map((row, i) => ({ ...row, city: hostile[i % hostile.length] ?? null }));
}

/** RFC 4180: an unquoted empty cell is null. */
function parse(text: string): (string | null)[][] {
  return [...text.matchAll(/((?:"(?:[^"]|"")*"|[^",\n]*)(?:,|\n))/g)].reduce<(string | null)[][]>(
    (lines, [cell]) => {
      const raw = cell.slice(0, -1);
      const value = raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw || null;
      lines.at(-1)?.push(value);
      if (cell.endsWith("\n")) lines.push([]);
      return lines;
    },
    [[]],
  );
}

async function store({ columns, csv }: Load, fake: Fake): Promise<boolean> {
  for (const cells of parse(Buffer.concat(csv).toString()).filter(({ length }) => length > 0)) {
    const record = Object.fromEntries(columns.map((name, i) => [name, cells[i] ?? null]));
    const id = String(record.id);
    fake.creates.set(id, (fake.creates.get(id) ?? 0) + 1);
    fake.records.set(keyOf([id]), record);
  }
  return true;
}

async function project(load: (load: Load, fake: Fake) => Promise<boolean>) {
  const made = await fakeProject({}, { capabilities });
  made.fake.rows = rows();
  made.fake.script.load = load;
  return made;
}

const landed = ({ records }: Fake) => byKey(records.values());

test("a first plan is loaded as columns, and no value is lost on the way", async () => {
  const { fake, run } = await project(store);
  expect(await run.run()).toMatchObject({ status: "applied" });
  expect(writes(fake)).toEqual([]);
  expect(landed(fake)).toEqual(byKey(rows()));
  expect((await run.plan()).summary.syncs[0]?.counts).toEqual({ create: 0, update: 0, delete: 0 });
});

test("what a load refuses is written record by record", async () => {
  const { fake, run } = await project(async () => {
    throw new RecordError("23514", "a check refuses one of them");
  });
  expect(await run.run()).toMatchObject({ status: "applied" });
  expect(landed(fake)).toEqual(byKey(rows()));
  expect(Math.max(...fake.creates.values())).toBe(1);
});

test("a load whose answer is lost is read back and not sent again", async () => {
  const { fake, run } = await project(async (load, to) => {
    await store(load, to);
    throw new TransientError("NETWORK", "the connection broke");
  });
  expect(await run.run()).toMatchObject({ status: "applied" });
  expect(landed(fake)).toEqual(byKey(rows()));
  expect(Math.max(...fake.creates.values())).toBe(1);
});

test("CSV is cut after whole records, whatever is quoted and however the bytes come", async () => {
  const cell = fc.constantFrom("a", "a\nb", 'a"b', '"\n"', "", "ü");
  await fc.assert(
    fc.asyncProperty(
      fc.array(cell, { maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 9 }),
      async (cells, records, size) => {
        const lines = cells.map((text) => `"${text.replaceAll('"', '""')}",1\n`);
        const bytes = Buffer.from(lines.join(""));
        const pieces = (async function* () {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
        })();
        const cut: string[] = [];
        for await (const chunk of cutLines(pieces, records)) {
          const text = Buffer.concat(chunk.csv).toString();
          expect(parse(text).length - 1).toBe(chunk.count);
          expect(chunk.count).toBeLessThanOrEqual(records);
          cut.push(text);
        }
        expect(cut.join("")).toBe(lines.join(""));
        expect(cut).toHaveLength(Math.ceil(lines.length / records));
      },
    ),
  );
});

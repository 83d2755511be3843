import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mappingSql, templateParts } from "../../src/core/mapping.ts";
import { isEmpty } from "../../src/core/plan.ts";
import { ident, literal } from "../../src/core/sql.ts";
import type { FieldMapping } from "../../src/core/sync.ts";
import type { Value } from "../../src/core/types.ts";
import { makeFake } from "../fake.ts";
import { changesOf, runner, testProject, testSync, testWorld } from "../world.ts";
import { sharedStaging } from "./setup.ts";

const staging = sharedStaging();

interface Mapped {
  readonly value: Value;
  readonly fails: boolean;
}

/** What a mapping makes of some rows of text columns. */
async function mapped(
  field: FieldMapping,
  rows: readonly Readonly<Record<string, Value>>[],
): Promise<readonly Mapped[]> {
  const names = Object.keys(rows[0] ?? {});
  const tuples = rows.map((row, n) => `(${[n, ...names.map((name) => row[name] ?? null)].map(literal).join(", ")})`);
  const columns = names.map((name) => `CAST(${ident(name)} AS VARCHAR) AS ${ident(name)}`).join(", ");
  const { sql, fails } = mappingSql(field);
  const lost = fails.map((one) => `coalesce(${one}, false)`).join(" OR ") || "false";
  const found = await staging().rows<{ v: Value; f: boolean }>(
    `SELECT CAST(${sql} AS VARCHAR) AS v, (${lost}) AS f
     FROM (SELECT n, ${columns} FROM (VALUES ${tuples.join(", ")}) t(n, ${names.map(ident).join(", ")})) ORDER BY n`,
  );
  return found.map(({ v, f }) => ({ value: v, fails: f }));
}

const word = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "Ada",
    "lost",
    "\tx\n",
    "  padded  ",
    "ÉCOLE",
    "мир",
    "a'b",
    "{name}",
    "\u0024{1+1}",
    "`x`",
    "constructor",
    "__proto__",
  ),
  fc.string({ unit: "grapheme-ascii", maxLength: 10 }),
);
const column = fc.option(word, { nil: null });

const textSteps = fc.record(
  {
    trim: fc.boolean(),
    changeCase: fc.constantFrom("lower" as const, "upper" as const),
    values: fc.dictionary(fc.constantFrom("Ada", "ada", "", "__proto__", "constructor", "toString"), word, {
      maxKeys: 3,
    }),
    otherwise: word,
    hash: fc.constantFrom("sha256" as const, "md5" as const),
    truncate: fc.integer({ min: 1, max: 5 }),
    default: word,
  },
  { requiredKeys: [] },
);

/** The steps in their documented order: trim, case, values, hash, truncate, default. */
function naive(field: FieldMapping, given: Value): Mapped {
  let value = given;
  let fails = false;
  if (field.trim) value = value?.replace(/^[ \t\n\r\f\v]+|[ \t\n\r\f\v]+$/g, "") ?? null;
  if (field.changeCase === "lower") value = value?.toLowerCase() ?? null;
  if (field.changeCase === "upper") value = value?.toUpperCase() ?? null;
  if (field.values && value !== null) {
    const to = new Map(Object.entries(field.values)).get(value) ?? field.otherwise ?? null;
    fails = to === null;
    value = to;
  }
  if (field.hash && value !== null) value = createHash(field.hash).update(value).digest("hex");
  if (field.truncate !== undefined && value !== null) value = [...value].slice(0, field.truncate).join("");
  return { value: value ?? field.default ?? null, fails };
}

describe("a mapping", () => {
  test("does its steps in the documented order, whatever the values", async () => {
    await fc.assert(
      fc.asyncProperty(textSteps, fc.array(column, { minLength: 1, maxLength: 20 }), async (steps, values) => {
        const field = { column: "c", ...steps } as FieldMapping;
        if (field.values === undefined) delete (field as { otherwise?: string }).otherwise;
        const found = await mapped(
          field,
          values.map((c) => ({ c })),
        );
        expect(found).toEqual(values.map((value) => naive(field, value)));
      }),
      { numRuns: 200 },
    );
  });

  test("rounds half away from zero, once", async () => {
    const digits = fc.stringMatching(/^-?[0-9]{1,9}\.[0-9]{1,10}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 6 }),
        fc.array(digits, { minLength: 1, maxLength: 20 }),
        async (round, values) => {
          const found = await mapped(
            { column: "c", round },
            values.map((c) => ({ c })),
          );
          expect(found).toEqual(values.map((value) => ({ value: half(value, round), fails: false })));
        },
      ),
      { numRuns: 100 },
    );
    expect((await mapped({ column: "c", round: 0 }, [{ c: "0.4999999999" }]))[0]?.value).toBe("0");
    expect(
      (await mapped({ column: "c", round: 2 }, [{ c: "x" }, { c: null }, { c: "2.675" }])).map(({ fails, value }) => [
        fails,
        value,
      ]),
    ).toEqual([
      [true, null],
      [false, null],
      [false, "2.68"],
    ]);
  });

  test.each([
    ["integer", "12", "12"],
    ["integer", "1.5x", null],
    ["boolean", "true", "true"],
    ["boolean", "maybe", null],
    ["date", "2026-02-30", null],
    ["date", "2026-02-28", "2026-02-28"],
    ["float", "1e2", "100.0"],
    ["decimal", "0.10", "0.1000000000"],
    ["timestamp", "yesterday", null],
  ] as const)("casts to %s: %s", async (cast, given, expected) => {
    expect(await mapped({ column: "c", cast }, [{ c: given }, { c: null }])).toEqual([
      { value: expected, fails: expected === null },
      { value: null, fails: false },
    ]);
  });

  test("a default does not hide a value that was lost", async () => {
    const field: FieldMapping = { column: "c", cast: "integer", default: "0" };
    expect(await mapped(field, [{ c: "x" }, { c: null }])).toEqual([
      { value: "0", fails: true },
      { value: "0", fails: false },
    ]);
  });
});

describe("a template", () => {
  test("puts columns in and evaluates nothing", async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "\u0024{a}",
        "`",
        "{{",
        "}}",
        "{",
        "}",
        "constructor",
        "__proto__",
        "' || 1 || '",
        "{{a}}",
        "\\",
        "%s",
        "$1",
        "{ a }",
      ),
      fc.constantFrom("{a}", "{b}"),
      fc.string({ maxLength: 5 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), column, column, async (pieces, a, b) => {
        const template = pieces.join("");
        const parts = templateParts(template);
        if (parts.some((part) => "column" in part && !["a", "b"].includes(part.column))) return;
        const values: Readonly<Record<string, Value>> = { a, b };
        const texts = parts.map((part) => ("text" in part ? part.text : (values[part.column] ?? null)));
        const expected = texts.includes(null) ? null : texts.join("");
        expect(await mapped({ template }, [{ a, b }])).toEqual([{ value: expected, fails: false }]);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ["Hello {name}!", [{ text: "Hello " }, { column: "name" }, { text: "!" }]],
    ["{{name}}", [{ text: "{name}" }]],
    ["{{{name}}}", [{ text: "{" }, { column: "name" }, { text: "}" }]],
    ["\u0024{name}", [{ text: "$" }, { column: "name" }]],
    ["{}", [{ text: "{}" }]],
    ["{ first name }", [{ column: "first name" }]],
    ["", []],
  ])("%s", (template, parts) => {
    expect(templateParts(template)).toEqual(parts);
  });
});

/** Rounds a decimal text half away from zero. */
function half(text: string, scale: number): string {
  const [, minus, whole = "0", fraction = ""] = /^(-?)(\d*)\.(\d*)$/.exec(text) ?? [];
  const all = (BigInt(`${whole}${fraction.padEnd(scale + 1, "0").slice(0, scale + 1)}`) + 5n) / 10n;
  const out = all.toString().padStart(scale + 1, "0");
  const value = scale === 0 ? out : `${out.slice(0, -scale)}.${out.slice(-scale)}`;
  return minus && all !== 0n ? `-${value}` : value;
}

const hostileNames = [
  "id",
  "key",
  "n",
  "h",
  "f0",
  "m0",
  "p0",
  "b0",
  "x0",
  "d0",
  "o0",
  "a0",
  "c0",
  "s0",
  "present",
  "deleted",
  "gone",
  "known",
  "owned",
  "action",
  "reason",
  "before",
  "after",
  "select",
  'quo"te',
  "it's",
  "semi;colon",
  "--",
  "a b",
  "ñ",
  "👍",
  "f:name",
  "match_key",
  "known_id",
  "problem",
  "first",
  "last",
  "value",
  "__proto__",
  "constructor",
  "\u0024{x}",
  "$1",
  "dot.ted",
];

describe("hostile names and values", () => {
  test("identifiers and literals go through SQL unharmed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.constantFrom(...hostileNames),
          fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !name.includes("\0")),
        ),
        fc.oneof(
          word,
          fc.string({ unit: "binary", maxLength: 20 }).filter((text) => !/[\0\ud800-\udfff]/.test(text)),
        ),
        async (name, value) => {
          const rows = await staging().rows<{ v: string }>(
            `SELECT ${ident(name)} AS v FROM (SELECT ${literal(value)} AS ${ident(name)})`,
          );
          expect(rows).toEqual([{ v: value }]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("fields and columns may have any name, and the second plan is empty", async () => {
    const fake = makeFake();
    const text = { kind: "text" } as const;
    const names = [...hostileNames, "plain"];
    fake.fields = names.map((name) => ({ name, type: text }));
    fake.columns = names.map((name) => ({ name, type: text }));
    fake.rows = Array.from({ length: 3 }, (_, n) =>
      Object.fromEntries(names.map((name) => [name, `${name}'"; ${n}`] as const)),
    );
    const sync = testSync({
      name: 'sy"nc; drop',
      fields: Object.fromEntries(names.filter((name) => name !== "id").map((name) => [name, name])),
      mode: "mirror",
    });
    const world = await testWorld({ systems: [fake.system] });
    const run = runner(
      world,
      testProject([sync], { warehouse: { system: "fake", options: {} }, crm: { system: "fake", options: {} } }),
    );
    await run.run();
    expect([...fake.records.values()].map((record) => ({ ...record }))).toEqual(fake.rows);
    expect(isEmpty((await run.plan()).summary)).toBe(true);
    fake.rows = fake.rows.map((row) => ({ ...row, after: "changed", h: null }));
    await run.run();
    expect(await changesOf(await run.plan({ refresh: "off" }))).toEqual([]);
    expect([...fake.records.values()]).toEqual(fake.rows);
  });
});

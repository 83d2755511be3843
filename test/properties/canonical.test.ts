import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalSql, sqlType, textSql } from "../../src/core/canonical.ts";
import { keyOf, keyParts } from "../../src/core/key.ts";
import { literal } from "../../src/core/sql.ts";
import type { FieldType, Value } from "../../src/core/types.ts";
import { keySql } from "../../src/engine/diff/desired.ts";
import { sharedStaging } from "./setup.ts";

const staging = sharedStaging();

/** Canonical texts of some values of one column type. */
async function canonical(
  values: readonly (Value | number | boolean)[],
  from: string,
  to: FieldType,
): Promise<readonly Value[]> {
  const rows = values.map((value, i) => `(${i}, CAST(${literal(value)} AS ${from}))`).join(", ");
  const { sql } = canonicalSql("v", from, to);
  const found = await staging().rows<{ c: Value }>(
    `SELECT ${textSql(sql, to)} AS c FROM (VALUES ${rows}) t(n, v) ORDER BY n`,
  );
  return found.map(({ c }) => c);
}

const hostile = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "null",
    "NULL",
    "👩‍👩‍👧",
    "مرحبا",
    "a\nb",
    "a\tb",
    "'",
    '"',
    "\\",
    "\u0024{x}",
    "%",
    "0",
    "00",
    "1e3",
    "é",
    "e\u0301",
  ),
  fc.string({ unit: "grapheme", maxLength: 12 }),
);

interface Case {
  readonly name: string;
  readonly type: FieldType;
  readonly from?: string;
  readonly input: fc.Arbitrary<string>;
  /** The canonical text, or null where the value has none. */
  readonly expected: (text: string) => Value;
}

const spaced = (inner: fc.Arbitrary<string>) =>
  fc.tuple(fc.constantFrom("", " ", "  "), inner, fc.constantFrom("", " ")).map((parts) => parts.join(""));
const digits = (min: number, max: number) => fc.stringMatching(new RegExp(`^[0-9]{${min},${max}}$`));
const sign = fc.constantFrom("", "-", "+");

/** Rounds a decimal text half away from zero, with whole numbers only. */
function rounded(text: string, scale: number): string {
  const [, minus, whole = "0", fraction = ""] = /^([+-]?)(\d*)\.?(\d*)$/.exec(text.trim()) ?? [];
  const all = BigInt(`${whole}${fraction.padEnd(scale + 1, "0").slice(0, scale + 1)}` || "0");
  const half = (all + 5n) / 10n;
  const out = half.toString().padStart(scale + 1, "0");
  const head = out.slice(0, out.length - scale);
  const value = scale === 0 ? head : `${head}.${out.slice(-scale)}`;
  return minus === "-" && half !== 0n ? `-${value}` : value;
}

const decimalText = fc
  .tuple(sign, digits(1, 12), fc.option(digits(1, 9), { nil: undefined }))
  .map(([s, whole, fraction]) => `${s}${whole}${fraction === undefined ? "" : `.${fraction}`}`);

const moment = fc.integer({ min: Date.UTC(1, 0, 1), max: Date.UTC(9999, 11, 30) });
const pad = (n: number, width = 2) => String(n).padStart(width, "0");
const isoAt = (ms: number, micros: number, minutes: number) => {
  const local = new Date(ms + minutes * 60_000).toISOString().slice(0, 23);
  const zone = minutes === 0 ? "Z" : `${minutes < 0 ? "-" : "+"}${pad(Math.floor(Math.abs(minutes) / 60))}`;
  const rest = minutes === 0 ? "" : `:${pad(Math.abs(minutes) % 60)}`;
  return `${local}${pad(micros, 3)}${zone}${rest}`;
};
const zoned = fc
  .tuple(moment, fc.nat(999), fc.constantFrom(0, 60, -300, 330, 345, -570, 840))
  .map(([ms, micros, minutes]) => isoAt(ms, micros, minutes));
const inUtc = (text: string, keep: 0 | 3 | 6) => {
  const at = new Date(text.replace(/\.(\d{3})\d{3}/, ".$1")).toISOString();
  const micros = /\.\d{3}(\d{3})/.exec(text)?.[1] ?? "000";
  return keep === 0 ? `${at.slice(0, 19)}Z` : keep === 3 ? at : `${at.slice(0, 23)}${micros}Z`;
};

const cases: readonly Case[] = [
  { name: "text", type: { kind: "text" }, input: hostile, expected: (text) => text },
  {
    name: "text that a destination trims and empties",
    type: { kind: "text", trim: true, emptyIsNull: true },
    input: fc
      .tuple(fc.constantFrom("", " ", "\t", "\n "), hostile, fc.constantFrom("", " ", "\r\n"))
      .map((p) => p.join("")),
    expected: (text) => text.replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, "") || null,
  },
  {
    name: "email",
    type: { kind: "email" },
    input: spaced(fc.emailAddress()),
    expected: (text) => text.trim().toLowerCase(),
  },
  {
    name: "integer",
    type: { kind: "integer" },
    input: spaced(
      fc.oneof(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
        fc.tuple(sign, digits(1, 20)).map((p) => p.join("")),
        fc.constantFrom("1.0", "1.5", "x", "", "1e3", "0x10", "1_000", "9007199254740993"),
      ),
    ),
    expected: (text) => {
      const whole = /^ *([+-]?[0-9]+)(\.0*)? *$/.exec(text)?.[1];
      if (whole === undefined) return null;
      const value = BigInt(whole.replace("+", ""));
      return value >= -(2n ** 63n) && value < 2n ** 63n ? String(value) : null;
    },
  },
  ...[0, 2, 6].map(
    (scale): Case => ({
      name: `decimal with ${scale} digits`,
      type: { kind: "decimal", precision: 20, scale },
      input: decimalText,
      expected: (text) => rounded(text.replace("+", ""), scale),
    }),
  ),
  {
    name: "float",
    type: { kind: "float" },
    from: "DOUBLE",
    input: fc.double({ noNaN: false }).map(String),
    expected: (text) => (Number.isFinite(Number(text)) ? text : null),
  },
  {
    name: "boolean",
    type: { kind: "boolean" },
    input: fc.constantFrom("true", "TRUE", "t", "1", "yes", " false", "F", "0", "no", "", "2", "maybe"),
    expected: (text) => {
      const word = text.trim().toLowerCase();
      if (["true", "t", "1", "yes"].includes(word)) return "true";
      return ["false", "f", "0", "no"].includes(word) ? "false" : null;
    },
  },
  {
    name: "date",
    type: { kind: "date" },
    input: fc.oneof(
      moment.map((ms) => new Date(ms).toISOString().slice(0, 10)),
      fc.constantFrom("2024-02-29", "2023-02-29", "2026-13-01", "", "x"),
    ),
    expected: (text) => {
      const at = new Date(`${text}T00:00:00Z`);
      return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text) && text !== "" ? text : null;
    },
  },
  ...([0, 3, 6] as const).map(
    (keep): Case => ({
      name: `instant to ${keep} digits`,
      type: { kind: "timestamp", digits: keep, zone: true },
      input: zoned,
      expected: (text) => inUtc(text, keep),
    }),
  ),
  {
    name: "instant with a zone as +0100",
    type: { kind: "timestamp", digits: 3, zone: true },
    input: zoned.map((text) => text.replace(/([+-]\d\d):(\d\d)$/, "$1$2")),
    expected: (text) => inUtc(text.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"), 3),
  },
  {
    name: "time of day without zone",
    type: { kind: "timestamp", digits: 3, zone: false },
    input: moment.map((ms) => new Date(ms).toISOString().slice(0, 23)),
    expected: (text) => text,
  },
  {
    name: "bytes",
    type: { kind: "bytes" },
    input: fc.oneof(
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("hex")),
      fc.constantFrom("AB", "abc", "zz"),
    ),
    expected: (text) => (/^([0-9a-fA-F]{2})*$/.test(text) ? text.toLowerCase() : null),
  },
  {
    name: "json",
    type: { kind: "json" },
    input: fc.oneof(
      fc.json({ maxDepth: 3 }),
      fc.constantFrom(
        '{"b":1,"a":{"__proto__":1,"constructor":[2]}}',
        "{",
        "",
        '{"n":9007199254740993}',
        "1.10",
        '"\\u0041"',
      ),
    ),
    expected: (text) => {
      try {
        return sorted(text);
      } catch {
        return null;
      }
    },
  },
];

/** JSON with sorted keys, numbers as they are written where a double would change them. */
function sorted(text: string): string {
  const put = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(put).join(",")}]`;
    if (value === null || typeof value !== "object") return JSON.stringify(value);
    const keys = Object.keys(value).sort();
    return `{${keys.map((key) => `${JSON.stringify(key)}:${put((value as Record<string, unknown>)[key])}`).join(",")}}`;
  };
  // A number that a double cannot hold has to come out as it went in.
  if (text === '{"n":9007199254740993}') return text;
  return put(JSON.parse(text));
}

describe("canonical values", () => {
  describe.each(cases)("$name", ({ type, from = "VARCHAR", input, expected }) => {
    test("are what the plain rule says, and canonical text stays as it is", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(input, { minLength: 1, maxLength: 40 }), async (texts) => {
          const found = await canonical(texts, from, type);
          if (type.kind === "float")
            expect(found.map((text) => (text === null ? null : Number(text)))).toEqual(
              texts.map((text) => (expected(text) === null ? null : Number(text) + 0)),
            );
          else expect(found).toEqual(texts.map(expected));
          expect(await canonical(found, "VARCHAR", type)).toEqual(found);
        }),
        { numRuns: 60 },
      );
    });
  });

  test("do not depend on the form in which a side gives them", async () => {
    const decimal: FieldType = { kind: "decimal", precision: 18, scale: 2 };
    const same: readonly [FieldType, readonly (readonly [Value | number | boolean, string])[]][] = [
      [
        decimal,
        [
          ["10.5", "VARCHAR"],
          ["10.50", "DECIMAL(10,2)"],
          [10.5, "DOUBLE"],
          ["10.499999", "DECIMAL(18,6)"],
        ],
      ],
      [
        decimal,
        [
          ["7", "VARCHAR"],
          [7, "INTEGER"],
          [7, "BIGINT"],
          [7, "HUGEINT"],
          [7, "UTINYINT"],
        ],
      ],
      [
        decimal,
        [
          ["2.68", "VARCHAR"],
          [2.675, "DOUBLE"],
          ["2.675", "VARCHAR"],
          ["2.675", "DECIMAL(10,3)"],
        ],
      ],
      [
        decimal,
        [
          ["-0.01", "VARCHAR"],
          ["-0.005", "DECIMAL(10,3)"],
          [-0.01, "DOUBLE"],
        ],
      ],
      [
        { kind: "integer" },
        [
          ["9007199254740993", "VARCHAR"],
          ["9007199254740993", "BIGINT"],
          ["9007199254740993", "HUGEINT"],
          ["9007199254740993.0", "DECIMAL(20,1)"],
        ],
      ],
      [
        { kind: "boolean" },
        [
          ["true", "VARCHAR"],
          [true, "BOOLEAN"],
          [1, "INTEGER"],
        ],
      ],
      [
        { kind: "text" },
        [
          ["true", "VARCHAR"],
          [true, "BOOLEAN"],
        ],
      ],
      [
        { kind: "text" },
        [
          ["12", "VARCHAR"],
          [12, "INTEGER"],
        ],
      ],
      [
        { kind: "timestamp", digits: 3, zone: true },
        [
          ["2026-01-31T08:00:00.123Z", "VARCHAR"],
          ["2026-01-31T09:00:00.123456+01:00", "VARCHAR"],
          ["2026-01-31 08:00:00.123999", "TIMESTAMP"],
          ["2026-01-31T08:00:00.123Z", "TIMESTAMPTZ"],
        ],
      ],
      [
        { kind: "date" },
        [
          ["2026-01-31", "VARCHAR"],
          ["2026-01-31", "DATE"],
          ["2026-01-31 10:00:00", "TIMESTAMP"],
        ],
      ],
      [
        { kind: "float" },
        [
          ["0", "VARCHAR"],
          ["-0.0", "DOUBLE"],
          [0, "INTEGER"],
        ],
      ],
    ];
    for (const [type, forms] of same) {
      const found = await Promise.all(
        forms.map(
          async ([value, from]) =>
            (await canonical([value], from === "TIMESTAMPTZ" ? "TIMESTAMP WITH TIME ZONE" : from, type))[0],
        ),
      );
      expect(new Set(found), JSON.stringify([type, forms, found])).toEqual(new Set([found[0]]));
      expect(found[0]).not.toBeNull();
    }
  });

  test("canFail is true for every input that can be lost", async () => {
    const types: readonly FieldType[] = [...cases.map(({ type }) => type), { kind: "time" }];
    const inputs: readonly (readonly [string, Value | number | boolean])[] = [
      ["VARCHAR", "no such value"],
      ["BIGINT", "9223372036854775807"],
      ["DOUBLE", "1e300"],
      ["DECIMAL(38,10)", "1234567890123456789012345678.5"],
      ["HUGEINT", "170141183460469231731687303715884105727"],
      ["BOOLEAN", true],
      ["DATE", "2026-01-31"],
      ["TIMESTAMP", "2026-01-31 10:11:12"],
    ];
    for (const type of types)
      for (const [from, value] of inputs) {
        const { sql, canFail } = canonicalSql("v", from, type);
        if (canFail) continue;
        const [row] = await staging().rows<{ lost: boolean }>(
          `SELECT (${sql}) IS NULL AS lost FROM (SELECT CAST(${literal(value)} AS ${from}) AS v)`,
        );
        expect(row?.lost, `${from} to ${sqlType(type)}`).toBe(false);
      }
  });
});

describe("keys", () => {
  const parts = fc.array(hostile, { minLength: 1, maxLength: 4 });

  test("keyParts is the inverse of keyOf, and different parts give different keys", () => {
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(keyParts(keyOf(one), one.length)).toEqual(one);
        if (one.length === other.length && one.some((part, i) => part !== other[i]))
          expect(keyOf(one)).not.toBe(keyOf(other));
      }),
      { numRuns: 2_000 },
    );
  });

  test("are the same text as the staging engine makes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(parts, { minLength: 1, maxLength: 20 }), async (keys) => {
        for (const length of new Set(keys.map((one) => one.length))) {
          const same = keys.filter((one) => one.length === length);
          const names = Array.from({ length }, (_, i) => `p${i}`);
          const sql = keySql(
            names.map((name) => ({ sql: name, from: "VARCHAR", type: { kind: "text" } as const })),
            "VARCHAR",
          );
          const tuples = same.map((one, n) => `(${[n, ...one].map(literal).join(", ")})`).join(", ");
          const rows = await staging().rows<{ key: string }>(
            `SELECT ${sql} AS key FROM (VALUES ${tuples}) t(n, ${names.join(", ")}) ORDER BY n`,
          );
          expect(rows.map(({ key }) => key)).toEqual(same.map((one) => keyOf(one)));
        }
      }),
      { numRuns: 100 },
    );
  });

  test("a key with an empty part is a key, one with a null part is none", async () => {
    const sql = keySql(
      ["a", "b"].map((name) => ({ sql: name, from: "VARCHAR", type: { kind: "text" } as const })),
      "VARCHAR",
    );
    const rows = await staging().rows<{ key: string | null }>(
      `SELECT ${sql} AS key FROM (VALUES (1, '', 'x'), (2, NULL, 'x')) t(n, a, b) ORDER BY n`,
    );
    expect(rows.map(({ key }) => key)).toEqual(['["","x"]', null]);
  });
});

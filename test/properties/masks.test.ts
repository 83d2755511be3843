import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mappingSql } from "../../src/core/mapping.ts";
import type { NormalForm } from "../../src/core/mask-options.ts";
import { bucketLabels } from "../../src/core/masks.ts";
import { ident, literal } from "../../src/core/sql.ts";
import type { FieldMapping } from "../../src/core/sync.ts";
import type { FieldType, Value } from "../../src/core/types.ts";
import { maskSecrets, withSecrets } from "../../src/engine/diff/masks.ts";
import { localDisk } from "../../src/engine/state/disk.ts";
import { testSync } from "../world.ts";
import { sharedStaging } from "./setup.ts";

const staging = sharedStaging();
const reference = "env:KEY";

interface Given {
  readonly secret?: string;
  readonly type?: FieldType;
  readonly field?: string;
  /** SQL type of the column `c`. */
  readonly column?: string;
}

/** What a mapping makes of the column `c` in records k0, k1, …: the value, or "lost". */
async function masked(mapping: FieldMapping, values: readonly Value[], given: Given = {}): Promise<readonly Value[]> {
  const world = { env: { KEY: given.secret ?? "sixteen bytes or more" }, directory: "/", disk: localDisk };
  const secrets = await maskSecrets(world, testSync({ fields: { f: mapping } }));
  const target = { field: given.field ?? "f", key: "k", type: given.type };
  const { sql, fails } = mappingSql(mapping, undefined, target);
  const rows = values.map((value, n) => `(${n}, 'k${n}', ${literal(value)})`).join(", ");
  const from = `SELECT n, k, CAST(c AS ${given.column ?? "VARCHAR"}) AS c FROM (VALUES ${rows}) t(n, k, c)`;
  const lost = fails.map((one) => `coalesce(${one}, false)`).join(" OR ") || "false";
  return withSecrets(staging(), secrets, async () => {
    const found = await staging().rows<{ v: Value; f: boolean }>(
      `SELECT CAST(${sql} AS VARCHAR) AS v, (${lost}) AS f FROM (${from}) ORDER BY n`,
    );
    return found.map(({ v, f }) => (f ? "lost" : v));
  });
}

const numbered = (values: readonly number[]) =>
  values.map((value) => (Number.isInteger(value) ? `${value}` : value.toString()));
/** Text that the engine can hold. */
const text = fc.string({ unit: "binary", maxLength: 200 }).filter((one) => !/[\0\ud800-\udfff]/.test(one));
const key = fc
  .oneof(fc.string({ minLength: 16, maxLength: 63 }), fc.string({ unit: "grapheme", minLength: 64, maxLength: 200 }))
  .filter((one) => Buffer.byteLength(one) >= 16 && !/[\ud800-\udfff]/.test(one));

describe("tokenise", () => {
  test("is HMAC-SHA-256, whatever the value and however long the key", async () => {
    const long = fc.constantFrom("x".repeat(100_000), "é".repeat(5_000), "👍🏽", "", "'; --");
    await fc.assert(
      fc.asyncProperty(
        key,
        fc.array(fc.option(fc.oneof(text, long), { nil: null }), { minLength: 1, maxLength: 10 }),
        async (secret, values) => {
          const expected = values.map((one) => one && createHmac("sha256", secret).update(one).digest("hex"));
          const blank = createHmac("sha256", secret).update("").digest("hex");
          expect(await masked({ column: "c", tokenise: { secret: reference } }, values, { secret })).toEqual(
            expected.map((one, i) => (values[i] === "" ? blank : one)),
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each([63, 64, 65, 131])("with a key of %i bytes", async (bytes) => {
    const secret = "k".repeat(bytes);
    const token = createHmac("sha256", secret).update("Ada").digest("hex");
    expect(await masked({ column: "c", tokenise: { secret: reference } }, ["Ada"], { secret })).toEqual([token]);
    const short = { secret: reference, length: 20 };
    expect(await masked({ column: "c", tokenise: short }, ["Ada"], { secret })).toEqual([token.slice(0, 20)]);
  });

  test("without its key loses the value, instead of clearing the field", async () => {
    const { sql, fails } = mappingSql({ column: "c", tokenise: { secret: reference } });
    const noise = mappingSql({ column: "c", noise: { epsilon: 1, sensitivity: 1, secret: reference, min: 0 } });
    const found = await staging().rows(
      `SELECT ${sql} AS v, ${fails[0]} AS f, ${noise.sql} AS nv, ${noise.fails[0]} AS nf FROM (SELECT '1' AS c)`,
    );
    expect(found).toMatchObject([{ v: null, f: true, nf: true }]);
  });
});

describe("hash in a vendor's form", () => {
  const sha256 = (one: string) => createHash("sha256").update(one).digest("hex");

  // The first five with the digests that Meta prints beside its rules; the others are the vendors' own examples.
  test.each<[NormalForm, string, string]>([
    ["email", "John_Smith@gmail.com", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"],
    ["phone", "+1 (650)555-1212", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"],
    ["name", "Mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"],
    ["name", "정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"],
    ["name", "Vale\u0301ry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"],
    ["googleEmail", " cloudy.sanfrancisco+shopping@Gmail.com", sha256("cloudysanfrancisco@gmail.com")],
    ["googleEmail", "user.name+NYC@Example.com", sha256("user.name+nyc@example.com")],
    ["googlePhone", "+1 (800)555-0100", sha256("+18005550100")],
    ["tiktokEmail", "Firstname-Lastname+news@gmail.com", sha256("firstname-lastname@gmail.com")],
    ["phone", "374-93-828222", sha256("37493828222")],
  ])("%s of %s", async (hashAs, given, expected) => {
    expect(await masked({ column: "c", hash: "sha256", hashAs }, [given])).toEqual([expected]);
  });

  test.each<[NormalForm, string, string | null]>([
    ["email", "\u00a0 ADA.L+x@Example.com\u200b\n", "ada.l+x@example.com"],
    ["email", "   ", null],
    ["googleEmail", "a . b+c@GOOGLEMAIL.com", "ab@googlemail.com"],
    ["googleEmail", "a.b@gmail.com.example", "a.b@gmail.com.example"],
    ["googleEmail", "no address", "noaddress"],
    ["tiktokEmail", "a+b+c@x.io", "a@x.io"],
    ["name", " O'Brien-Smith, Jr. ", "obriensmith jr"],
    ["name", "-.,", null],
    ["googleName", " O'Brien ", "o'brien"],
    ["phone", "0044 20 7031 3000", "442070313000"],
    ["phone", "+49 (0)30 123456", "4930123456"],
    ["googlePhone", "0049 (0)30 123456", "+4930123456"],
    ["phone", "030 123456", "lost"],
    ["phone", "(0)30 123456", "lost"],
    ["phone", "12345", "lost"],
    ["phone", "1234567890123456", "lost"],
    ["phone", "none", "lost"],
    ["phone", "  ", null],
  ])("%s of %j", async (hashAs, given, expected) => {
    const digest = expected === null || expected === "lost" ? expected : sha256(expected);
    expect(await masked({ column: "c", hash: "sha256", hashAs }, [given])).toEqual([digest]);
  });

  test("is a form once and for all: a second time changes nothing", async () => {
    const forms: readonly NormalForm[] = ["email", "googleEmail", "tiktokEmail", "googlePhone", "name", "googleName"];
    const { normalSql } = await import("../../src/core/normalise.ts");
    // Lower case of a few letters grows combining marks, which another pass may compose.
    const plain = fc.string({ unit: fc.constantFrom(..."aBcÉß .+@-'(0)17\u00a0"), maxLength: 24 });
    await fc.assert(
      fc.asyncProperty(fc.array(plain, { minLength: 1, maxLength: 60 }), async (values) => {
        const rows = values.map((one) => `(${literal(one)})`).join(", ");
        for (const form of forms) {
          const once = `SELECT ${normalSql("c", form)} AS c FROM (VALUES ${rows}) t(c)`;
          const moved = await staging().rows(
            `SELECT c FROM (${once}) WHERE (${normalSql("c", form)}) IS DISTINCT FROM c`,
          );
          expect(moved, form).toEqual([]);
        }
      }),
      { numRuns: 15 },
    );
  });
});

test("redact leaves nothing but that there is a value", async () => {
  const redact = "it's gone";
  expect(await masked({ column: "c", redact }, ["Ada", "", null])).toEqual([redact, redact, null]);
  expect(await masked({ column: "c", redact, default: "none" }, [null])).toEqual(["none"]);
});

describe("bucket", () => {
  test("of a width is the lower bound, exactly, below zero as above", async () => {
    const units = fc.integer({ min: -1_000_000, max: 1_000_000 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 10, 0.1, 0.25, 7.5),
        fc.array(units, { minLength: 1, maxLength: 20 }),
        async (width, hundredths) => {
          const values = hundredths.map((n) => `${n < 0 ? "-" : ""}${(Math.abs(n) / 100).toFixed(2)}`);
          const wide = Math.round(width * 100);
          const expected = hundredths.map((n) => (Math.floor(n / wide) * wide) / 100);
          for (const column of ["VARCHAR", "DECIMAL(18,2)", "DOUBLE"]) {
            const found = await masked({ column: "c", bucket: { width } }, values, { column });
            expect(found.map(Number)).toEqual(expected.map((one) => one + 0));
          }
        },
      ),
      { numRuns: 30 },
    );
    expect(await masked({ column: "c", bucket: { width: 10 } }, ["19", "x", null])).toEqual(["10", "lost", null]);
  });

  test("between edges is a label", async () => {
    const bucket = { edges: [0, 100, 1000] };
    const values = ["-0.01", "0", "99.99", "100", "999", "1000", "1e9", "many", null];
    expect(await masked({ column: "c", bucket }, values)).toEqual([
      "<0",
      "0-99",
      "0-99",
      "100-999",
      "100-999",
      "1000+",
      "1000+",
      "lost",
      null,
    ]);
    expect(bucketLabels([-10, 0, 1, 2])).toEqual(["<-10", "-10 to -1", "0", "1", "2+"]);
    expect(bucketLabels([0.5, 1.5])).toEqual(["<0.5", "0.5-<1.5", "1.5+"]);
  });

  test.each([
    ["day", "2026-02-11"],
    ["week", "2026-02-09"],
    ["month", "2026-02-01"],
    ["year", "2026-01-01"],
  ] as const)("by %s is its first day, in UTC", async (by, expected) => {
    const mapping = { column: "c", bucket: { by } };
    const late = "2026-02-10T23:30:00-05:00";
    expect(await masked(mapping, [late, "2026-02-11", "soon", null])).toEqual([expected, expected, "lost", null]);
    for (const column of ["DATE", "TIMESTAMP", "TIMESTAMPTZ"])
      expect(await masked(mapping, ["2026-02-11"], { column })).toEqual([expected]);
  });

  test("of what is neither a number nor a date is lost", async () => {
    expect(await masked({ column: "c", bucket: { width: 10 } }, ["true"], { column: "BOOLEAN" })).toEqual(["lost"]);
    expect(await masked({ column: "c", bucket: { by: "day" } }, ["12"], { column: "INTEGER" })).toEqual(["lost"]);
  });
});

describe("noise", () => {
  const noise = (more: object = {}) =>
    ({ column: "c", noise: { epsilon: 0.5, sensitivity: 10, secret: reference, ...more } }) satisfies FieldMapping;
  const float = { kind: "float" } as const;

  test("is Laplace noise of scale sensitivity / epsilon", async () => {
    const count = 20_000;
    const values = Array.from({ length: count }, () => "1000");
    const found = (await masked(noise(), values, { type: float })).map((one) => Number(one) - 1000);
    const b = 20;
    const mean = found.reduce((sum, one) => sum + one, 0) / count;
    const deviation = found.reduce((sum, one) => sum + Math.abs(one), 0) / count;
    // Standard errors: of the mean b·√2/√n = 0.2, of the mean absolute deviation b/√n = 0.14.
    expect(Math.abs(mean)).toBeLessThan(0.8);
    expect(Math.abs(deviation - b)).toBeLessThan(0.6);
    // The whole distribution: its largest distance from Laplace's own (Kolmogorov and Smirnov, 1 % at 1.63/√n).
    const sorted = found.toSorted((one, other) => one - other);
    const laplace = (x: number) => (x < 0 ? Math.exp(x / b) / 2 : 1 - Math.exp(-x / b) / 2);
    const distance = Math.max(...sorted.map((x, i) => Math.abs(laplace(x) - (i + 0.5) / count)));
    expect(distance).toBeLessThan(1.63 / Math.sqrt(count));
  });

  test("is the same for the same record, field, value and key, and another otherwise", async () => {
    const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    await fc.assert(
      fc.asyncProperty(key, fc.array(number, { minLength: 3, maxLength: 10 }), async (secret, numbers) => {
        const values = numbered(numbers);
        const first = await masked(noise(), values, { secret, type: float });
        expect(await masked(noise(), values, { secret, type: float })).toEqual(first);
        const others = [
          await masked(noise(), values, { secret: `${secret}!`, type: float }),
          await masked(noise(), values, { secret, type: float, field: "g" }),
          await masked(noise(), ["0", ...values], { secret, type: float }).then((all) => all.slice(1)),
        ];
        for (const other of others) expect(other.filter((one, i) => one === first[i])).toEqual([]);
      }),
      { numRuns: 20 },
    );
    const spelled = await Promise.all(
      [
        ["1", "VARCHAR"],
        ["1.00", "VARCHAR"],
        ["1", "INTEGER"],
        ["1.000", "DECIMAL(18,3)"],
        ["1", "DOUBLE"],
      ].map(([value = "", column = ""]) => masked(noise(), [value], { column, type: float })),
    );
    expect(new Set(spelled.flat()).size).toBe(1);
    const [one, next] = await Promise.all(["1", "2"].map((value) => masked(noise(), [value], { type: float })));
    expect(Number(next) - Number(one)).not.toBeCloseTo(1);
  });

  test("is rounded as the field is, or as round says, and kept within bounds", async () => {
    const values = Array.from({ length: 200 }, (_, n) => String(n));
    const kinds = (type: FieldType, more: object = {}, round?: number) =>
      masked({ ...noise(more), ...(round === undefined ? {} : { round }) }, values, { type });
    expect((await kinds({ kind: "integer" })).every((one) => /^-?\d+$/.test(one ?? ""))).toBe(true);
    const decimal: FieldType = { kind: "decimal", precision: 18, scale: 2 };
    expect((await kinds(decimal)).every((one) => /^-?\d+\.\d\d$/.test(one ?? ""))).toBe(true);
    expect((await kinds(float, {}, 1)).every((one) => /^-?\d+\.\d$/.test(one ?? ""))).toBe(true);
    const bounded = (await kinds({ kind: "integer" }, { min: 50, max: 60 })).map(Number);
    expect([Math.min(...bounded), Math.max(...bounded)]).toEqual([50, 60]);
  });

  test("of null is null, with bounds too, and of what is no number is lost", async () => {
    for (const more of [{}, { min: 0, max: 9 }])
      for (const type of [float, { kind: "integer" }] satisfies FieldType[])
        expect(await masked(noise(more), [null, "", "x", "nan", "inf", "1e300"], { type })).toEqual([
          null,
          ...Array.from({ length: 5 }, () => "lost"),
        ]);
  });
});

test("a column's name does no harm to a mask", async () => {
  const name = `k"); --`;
  const { sql } = mappingSql({ column: name, noise: { epsilon: 1, sensitivity: 1, secret: "file:it's/here" } });
  const rows = await staging().rows<{ v: unknown }>(`SELECT ${sql} AS v FROM (SELECT 1 AS ${ident(name)})`);
  expect(rows).toEqual([{ v: null }]);
});

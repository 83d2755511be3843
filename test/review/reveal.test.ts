import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SyncSummary } from "../../src/core/plan.ts";
import { completeSync, type Privacy } from "../../src/core/sync.ts";
import type { NumbersShape, TransitionsShape } from "../../src/engine/review/shapes.ts";
import { shapeFigures } from "../../src/report/html/shapes.ts";
import { createReveal, type Reveal } from "../../src/report/reveal.ts";
import { shapeOf } from "../../src/report/shape.ts";
import { shownNumbers, shownTransitions, shownWhere } from "../../src/report/statistics.ts";

const classes = ["public", "internal", "pii", "secret"] as const;

function syncKeyedBy(privacy: Privacy) {
  return completeSync("people", {
    source: { connection: "warehouse", table: "person" },
    key: ["id"],
    destination: { connection: "crm", object: "Contact", matchOn: [privacy] },
    mode: "upsert",
    fields: Object.fromEntries(classes.map((one) => [one, { column: one, privacy: one }])),
  });
}

const masked = (key: Privacy = "internal") => createReveal([syncKeyedBy(key)], { all: false, salt: "s" });
const open = createReveal([syncKeyedBy("internal")], { all: true, salt: "s" });

/** As it is defined: piece by piece. */
function shapeByPieces(value: string): string {
  const pieces = /[\p{L}\p{M}\p{N}]+|@+|\.+|\++|-+|\s+|[^\p{L}\p{M}\p{N}@.+\-\s]+/gu;
  const signOf = (piece: string) => {
    const letters = /[\p{L}\p{M}]/u.test(piece) ? "x" : "";
    const digits = /\p{N}/u.test(piece) ? "0" : "";
    if (letters || digits) return `${letters}${digits}…`;
    return "@.+-".includes(piece.charAt(0)) ? piece.charAt(0) : /\s/.test(piece) ? " " : "*";
  };
  let shape = "";
  for (const sign of (value.slice(0, 400).trim().match(pieces) ?? []).map(signOf)) {
    if (shape.length + sign.length > 24) {
      shape = `${shape.replace(/…$/, "")}…`;
      break;
    }
    shape += sign;
  }
  const length = [1_000, 200, 40].find((step) => value.length > step);
  return length === undefined ? shape : `${shape} (>${length})`;
}

describe("the shape of a value", () => {
  it("is made of its pieces, whatever it is", () => {
    const piece = fc.constantFrom(
      "ab",
      "Zoë",
      "e\u0301",
      "１２",
      "7",
      "@",
      "..",
      "++",
      "-",
      " ",
      "\u00a0\t",
      "😀",
      "\ud83d",
      "%&",
      "中文",
      "²",
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 300 }).map((all) => all.join("")),
      fc.string({ unit: "binary", maxLength: 500 }),
      fc.string({ unit: "grapheme", maxLength: 60 }),
    );
    fc.assert(
      fc.property(text, (value) => {
        expect(shapeOf(value)).toBe(shapeByPieces(value));
      }),
      { numRuns: 3_000 },
    );
  });

  it("holds no letter and no digit of it, and not how many there are", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.emailAddress(), fc.string({ unit: "grapheme" })),
        (text) => {
          expect(shapeOf(text)).toMatch(/^[x0…@.+\- *]{0,26}( \(>\d+\))?$/);
        },
      ),
      { numRuns: 2_000 },
    );
    expect(["DE", "Germany", "Zoë"].map(shapeOf)).toEqual(["x…", "x…", "x…"]);
    expect(["7", "7000"].map(shapeOf)).toEqual(["0…", "0…"]);
    expect(["true", "false"].map(shapeOf)).toEqual(["x…", "x…"]);
  });

  it("keeps what kind of text it is", () => {
    expect(shapeOf("ada@example.com")).toBe("x…@x….x…");
    expect(shapeOf("-1234.50")).toBe("-0….0…");
    expect(shapeOf("+49 30 123456")).toBe("+0… 0… 0…");
    expect(shapeOf("c0000123")).toBe("x0…");
    expect(shapeOf("Ada Lovelace")).toBe("x… x…");
    expect(shapeOf("word ".repeat(50))).toBe("x… x… x… x… x… x… x… x… … (>200)");
  });
});

describe("what a reader may see of a value", () => {
  it("goes by the field's class", () => {
    const seen = classes.map((one) => masked().value("people", one, "ada@example.com"));
    expect(seen).toEqual([
      "ada@example.com",
      expect.stringMatching(/^x…@x….x…•••[0-9a-f]{4}$/),
      expect.stringMatching(/^x…@x….x…•••[0-9a-f]{4}$/),
      "(secret)",
    ]);
    expect(masked().value("people", "secret", null)).toBe("(secret)");
    expect(masked().value("people", "pii", null)).toBe("null");
    expect(masked().value("people", "not declared", "Ada")).toMatch(/^x…•••/);
    expect(classes.map((one) => open.value("people", one, "Ada"))).toEqual(["Ada", "Ada", "Ada", "Ada"]);
  });

  it("is the same mark for the same value, within one plan", () => {
    const other = createReveal([syncKeyedBy("internal")], { all: false, salt: "t" });
    expect(masked().value("people", "pii", "Ada")).toBe(masked().value("people", "internal", "Ada"));
    expect(masked().value("people", "pii", "Ada")).not.toBe(masked().value("people", "pii", "Bob"));
    expect(masked().value("people", "pii", "Ada")).not.toBe(other.value("people", "pii", "Ada"));
  });

  it("of a key, goes by the field it is matched with", () => {
    expect(classes.map((one) => masked(one).key("people", "k1"))).toEqual([
      "k1",
      expect.stringMatching(/^x0…•••/),
      expect.stringMatching(/^x0…•••/),
      "(secret)",
    ]);
  });
});

describe("what a reader may see of a field as a whole", () => {
  const side = (mean: number, buckets: readonly number[]) => ({ count: 40, mean, p50: mean, p95: 2 * mean, buckets });
  const numbers = (field: string, buckets = [20, 11, 9, 0, 0, 0, 0, 0]): NumbersShape => ({
    kind: "numbers",
    field,
    changed: 40,
    range: [1, 777],
    estimated: false,
    before: side(333, buckets),
    after: side(444, buckets),
  });
  const transitions = (field: string): TransitionsShape => ({
    kind: "transitions",
    field,
    changed: 43,
    top: [
      { from: "lead", to: "customer", count: 34 },
      { from: "lead", to: "lost", count: 9 },
    ],
  });

  it("is every number of a public field, how an internal one moved, and nothing of the others", () => {
    const seen = shownNumbers("people", numbers("public"), masked());
    expect(seen).toMatchObject({ words: "mean 333 -> 444 (+33.3 %)", scale: "bars from 1 to 777" });
    expect(seen?.sides[1]?.words).toBe("p50 444, p95 888");
    const moved = shownNumbers("people", numbers("internal"), masked());
    expect(moved?.words).toBe("mean +33.3 %, p50 +33.3 %, p95 +33.3 %");
    expect(JSON.stringify(moved)).not.toMatch(/333|444|777|888/);
    for (const reveal of [masked(), open])
      for (const field of ["pii", "secret"]) {
        expect(shownNumbers("people", numbers(field), reveal)).toBeNull();
        expect(shownTransitions("people", transitions(field), reveal)).toBeNull();
      }
  });

  it("leaves out groups of fewer than ten", () => {
    const bars = (reveal: Reveal) => shownNumbers("people", numbers("public"), reveal)?.sides[0]?.bars;
    expect(bars(masked())).toBe("█▅▁▁▁▁▁▁");
    expect(bars(open)).toBe("█▅▅▁▁▁▁▁");
    const few = { ...numbers("public"), before: { ...side(1, []), count: 9 } };
    expect(shownNumbers("people", few, masked())).toMatchObject({ words: "fewer than 10", scale: null, sides: [] });
    const shown = (reveal: Reveal) => shownTransitions("people", transitions("public"), reveal);
    const became = { from: "lead", to: "customer", count: 34 };
    expect(shown(masked())).toMatchObject({ shown: [became], others: "fewer than 10" });
    expect(shown(open)).toMatchObject({ shown: [became, { from: "lead", to: "lost", count: 9 }], others: null });
  });

  it("masks the values of an internal field", () => {
    const mask = expect.stringMatching(/^x…•••\w{4}$/);
    expect(shownTransitions("people", transitions("internal"), masked())?.shown).toEqual([
      { from: mask, to: mask, count: 34 },
    ]);
    const where = { value: "DE", updates: 91, share: 0.91, lift: 7.9 };
    expect(shownWhere("people", { ...where, field: "public" }, masked())).toEqual({
      field: "public",
      value: "DE",
      words: "in 91 % of the updates (91 records), 7.9 times as often as in all rows",
    });
    expect(shownWhere("people", { ...where, field: "internal" }, masked())?.value).toMatch(/^x…•••\w{4}$/);
    expect(shownWhere("people", { ...where, field: "pii" }, open)).toBeNull();
  });
});

it("a picture of numbers says where it is estimated", () => {
  const side = { count: 400_000, mean: 3, p50: 3, p95: 6, buckets: [200_000, 200_000, 0, 0, 0, 0, 0, 0] };
  const figures = (estimated: boolean) =>
    shapeFigures(
      { name: "people" } as SyncSummary,
      [{ kind: "numbers", field: "age", changed: 400_000, range: [1, 9], estimated, before: side, after: side }],
      createReveal([], { all: true, salt: "" }),
    );
  expect(figures(true)).toContain("estimated from an even sample of the values");
  expect(figures(false)).not.toContain("estimated");
});

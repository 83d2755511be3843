import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toJson } from "../../src/report/json.ts";
import { widthOf, wrap } from "../../src/report/layout.ts";
import { createMask, sanitise, sanitiseLines } from "../../src/report/sanitise.ts";
import { plain } from "../../src/report/style.ts";
import { wordDiff } from "../../src/report/word-diff.ts";

const harmful = /(?!\uFE0F)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.string({
    unit: fc.constantFrom("\u001b", "[2J", "\n", "\r", "::", "##[", "##vso[", "\u202e", "\u200b", "\u009b", " ", "a"),
  }),
);

describe("sanitise", () => {
  it("leaves nothing that controls a terminal or a log, whatever comes in", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const safe = sanitise(text);
        expect(safe).not.toMatch(harmful);
        expect(safe).not.toMatch(/^\s*::/);
        expect(safe).not.toMatch(/##\[|##vso\[/i);
        expect(sanitiseLines(text).replaceAll("\n", "")).not.toMatch(harmful);
        expect(sanitiseLines(text)).not.toMatch(/^\s*::/m);
      }),
      { numRuns: 2_000 },
    );
  });

  it("makes what is hidden visible", () => {
    expect(sanitise("a\u001b[2Jb\n\t\u007f")).toBe("a␛[2Jb␊␉␡");
    expect(sanitise("abc\u202Edcba")).toBe("abc<U+202E>dcba");
    expect(sanitise("zero\u200bwidth no\u00a0break")).toBe("zero<U+200B>width no<U+00A0>break");
    expect(sanitise("Grüße, 名前, ❤️ 👍")).toBe("Grüße, 名前, ❤️ 👍");
  });

  it("cuts what is long", () => {
    expect(sanitise("x".repeat(1_000_000), { max: 10 })).toBe(`${"x".repeat(10)}…`);
    expect([...sanitise("👍".repeat(500))]).toHaveLength(201);
  });

  it("takes commands of CI systems for text", () => {
    expect(sanitise("::set-output name=a::b")).toBe(": :set-output name=a::b");
    expect(sanitise("a ##vso[task] ##[error]")).toBe("a # #vso[task] # #[error]");
    expect(sanitise("Namespace::Name")).toBe("Namespace::Name");
  });

  it("masks equal values alike, and differently with another salt", () => {
    const mask = createMask("plan 1");
    expect(mask("ada@example.com")).toMatch(/^•••[0-9a-f]{4}$/);
    expect(mask("ada@example.com")).toBe(mask("ada@example.com"));
    expect(mask("ada@example.com")).not.toBe(createMask("plan 2")("ada@example.com"));
  });
});

describe("what is made of it", () => {
  it("is JSON that says the same and controls nothing", () => {
    fc.assert(
      fc.property(fc.dictionary(hostile, hostile), (value) => {
        const text = toJson({ ...value });
        expect(JSON.parse(text)).toEqual({ ...value });
        expect(text.replaceAll("\n", "")).not.toMatch(harmful);
      }),
    );
  });

  it("is wrapped within the width, and loses nothing but space", () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom("a", "名", " ", "é", "-"), maxLength: 120 }));
    fc.assert(
      fc.property(words, (texts) => {
        const lines = wrap(
          texts.map((text) => ({ text })),
          "first ",
          "  ",
          plain,
          40,
        );
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(40);
        expect(lines.join("").replaceAll(" ", "")).toBe(`first${texts.join("")}`.replaceAll(" ", ""));
      }),
    );
  });

  it("is a word diff that shows what went and what came", () => {
    const before = "The customer asked in March for a new contract and was told to wait.";
    const [line, ...more] = wordDiff(before, before.replace("March", "May"), "    ", plain);
    expect([line, ...more].join(" ")).toContain("[-March-]{+May+}");
  });
});

import fc from "fast-check";
import type { Nodes } from "mdast";
import { describe, expect, it } from "vitest";
import { fill } from "../../src/report/markdown/blocks.ts";
import { type MarkdownView, renderMarkdown } from "../../src/report/markdown/plan.ts";
import { createReveal } from "../../src/report/reveal.ts";
import { anyNames, hostile, parsed } from "./hostile.ts";
import { type Names, strangePlan } from "./strange-plan.ts";

const reveal = createReveal([], { all: false, salt: "s" });
const open = createReveal([], { all: true, salt: "s" });
const ways = { reveal, name: "acme", apply: "ebb apply plan.ebb", show: "ebb show plan.ebb" };

/** The tree without what is said in it: neighbours that are text or code spans are one. */
function skeleton(node: Nodes): unknown {
  if (node.type === "html") return node.value.replace(/\d[\d,]*/g, "N");
  if (!("children" in node)) return node.type;
  const children: unknown[] = [];
  for (const child of node.children) {
    const one = child.type === "text" || child.type === "inlineCode" ? "phrase" : skeleton(child);
    if (one !== "phrase" || children.at(-1) !== "phrase") children.push(one);
  }
  return [node.type, ...children];
}

function textsOf(node: Nodes): readonly string[] {
  if (node.type === "text") return [node.value];
  return "children" in node ? node.children.flatMap((child) => textsOf(child)) : [];
}

const plainNames: Names = {
  sync: "ltv",
  field: "Score",
  object: "Contact",
  key: "k1",
  before: "one",
  after: "two",
  message: "what was found",
};

describe("a plan as a comment", () => {
  it("has the structure we made, whatever the names and values are", () => {
    const expected = skeleton(parsed(renderMarkdown({ ...strangePlan(plainNames), ...ways })));
    fc.assert(
      fc.property(anyNames(hostile), fc.boolean(), (given, all) => {
        const markdown = renderMarkdown({ ...strangePlan(given), ...ways, reveal: all ? open : reveal });
        const tree = parsed(markdown);
        expect(skeleton(tree)).toEqual(expected);
        for (const said of textsOf(tree)) expect(said).not.toMatch(/[@#][\w-]|GH-\d|www\.|:\/\//i);
        expect(markdown).not.toMatch(/(?!\n|\uFE0F)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(markdown).not.toMatch(/^\s*::/m);
      }),
      { numRuns: 200 },
    );
  });

  it("keeps within the limit, tells what matters first, and says what is left out", () => {
    const one = strangePlan({ ...plainNames, message: "m".repeat(390), object: "o".repeat(300) });
    const syncs = Array.from({ length: 400 }, (_, i) => ({ ...one.summary.syncs[0], name: `sync${i}` }));
    const reviews = syncs.map(({ name }) => ({ ...one.reviews[0], sync: name }));
    const many = { summary: { ...one.summary, syncs }, reviews } as Pick<MarkdownView, "summary" | "reviews">;
    const markdown = renderMarkdown({ ...many, ...ways });
    expect(markdown.length).toBeGreaterThan(50_000);
    expect(markdown.length).toBeLessThanOrEqual(60_000);
    expect(markdown).toMatch(/^<!-- ebb:plan acme digest=[0-9a-f]{64} verdict=incomplete deletes=\d+ -->\n/);
    expect(markdown).toMatch(/_Left out or shortened here: .*samples of updates \(400 times\)/);
    expect(markdown.split("**STOPPED** MAX_DELETES").length).toBeGreaterThan(30);
    expect(markdown).toContain("ebb apply plan.ebb");
    const kinds = (parsed(markdown) as { children: readonly Nodes[] }).children.map(({ type }) => type);
    expect(new Set(kinds)).toEqual(new Set(["html", "heading", "paragraph", "table", "list", "thematicBreak", "code"]));
  });

  it("leaves a block out, or takes a shorter form of it, and never cuts it", () => {
    const block = (what: string, priority: number, ...forms: string[]) => ({ what, priority, heading: null, forms });
    const blocks = [block("a", 2, "aaaaaaaaaa", "aaa"), block("b", 1, "bbbbb"), block("c", 3, "ccccc")];
    expect(fill(blocks, 100)).toEqual({ text: "aaaaaaaaaa\n\nbbbbb\n\nccccc", left: new Map() });
    expect(fill(blocks, 14)).toEqual({
      text: "aaa\n\nbbbbb",
      left: new Map([
        ["a", 1],
        ["c", 1],
      ]),
    });
  });

  it("tells two syncs apart whose names begin alike", () => {
    const { summary, reviews } = strangePlan({ ...plainNames, sync: "n".repeat(100) });
    const headings = renderMarkdown({ summary, reviews, ...ways }).match(/^####/gm);
    // One of the policies besides.
    expect(headings).toHaveLength(3);
  });
});

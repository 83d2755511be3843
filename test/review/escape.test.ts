import fc from "fast-check";
import type { Nodes } from "mdast";
import { describe, expect, it } from "vitest";
import {
  codeBlock,
  codeSpan,
  escapeCsv,
  escapeHtml,
  proseMarkdown,
  workflowMessage,
  workflowProperty,
} from "../../src/report/escape.ts";
import { sanitise } from "../../src/report/sanitise.ts";
import { hostile, parsed } from "./hostile.ts";

const runs = { numRuns: 500 };

function nodesOf(node: Nodes): readonly Nodes[] {
  return [node, ...("children" in node ? node.children.flatMap((child) => nodesOf(child)) : [])];
}

const typesOf = (markdown: string) => nodesOf(parsed(markdown)).map(({ type }) => type);

describe("data in markdown", () => {
  it("is one code span, which says the same", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const nodes = nodesOf(parsed(`a ${codeSpan(text)} b`));
        expect(nodes.map(({ type }) => type)).toEqual(["root", "paragraph", "text", "inlineCode", "text"]);
        const code = nodes.find((node) => node.type === "inlineCode");
        expect(code?.type === "inlineCode" && code.value).toBe(sanitise(text) || " ");
      }),
      runs,
    );
  });

  it("is one cell of a table", () => {
    fc.assert(
      fc.property(hostile, hostile, (one, two) => {
        const row = `| ${codeSpan(one, { inTable: true })} | ${proseMarkdown(`a ${two}`, { inTable: true })} |`;
        const nodes = nodesOf(parsed(`| x | y |\n| --- | --- |\n${row}`));
        expect(nodes.filter(({ type }) => type === "tableCell")).toHaveLength(4);
        expect(nodes.filter(({ type }) => type === "tableRow")).toHaveLength(2);
      }),
      runs,
    );
  });

  it("is lines of one block", () => {
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 1, maxLength: 5 }), (lines) => {
        expect(typesOf(codeBlock(lines, "diff"))).toEqual(["root", "code"]);
      }),
      runs,
    );
  });

  it("is nothing but text and code within a sentence, whatever it begins with", () => {
    const allowed = new Set(["root", "paragraph", "text", "inlineCode", "list", "listItem", "strong"]);
    fc.assert(
      fc.property(hostile, (text) => {
        const nodes = nodesOf(parsed(`- **STOPPED** ${proseMarkdown(text)}`));
        expect(nodes.filter(({ type }) => !allowed.has(type))).toEqual([]);
        expect(nodes.filter(({ type }) => type === "list")).toHaveLength(1);
        for (const node of nodes) if (node.type === "text") expect(node.value).not.toMatch(/[@#]\w|GH-\d|www\.|:\/\//i);
        expect(typesOf(proseMarkdown(text) || "x").filter((type) => !allowed.has(type) || type === "list")).toEqual([]);
      }),
      runs,
    );
    expect(proseMarkdown("field Plan_Tier: 5.3 % (of 12), see @acme")).toBe(
      "field Plan_Tier: 5.3 % (of 12), see `@acme`",
    );
  });
});

describe("data elsewhere", () => {
  it("is text in HTML", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const safe = escapeHtml(text, { max: 20_000 });
        expect(safe).not.toMatch(/[<>"'`]|&(?!(amp|lt|gt|quot|#39|#96);)/);
      }),
      runs,
    );
    expect(escapeHtml("<b class='x'>&amp;")).toBe("&lt;b class=&#39;x&#39;&gt;&amp;amp;");
  });

  it("is no formula in CSV, and a number stays one", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(escapeCsv(text)).not.toMatch(/^"?\s*[=@|%]/);
        expect(escapeCsv(text)).not.toMatch(/^"?\s*[+-](?![\d.eE+-]+$)/);
      }),
      runs,
    );
    expect(["=1+1", "-5.25", "+49 30 1234", "@x", 'a "b", c'].map((text) => escapeCsv(text))).toEqual([
      "'=1+1",
      "-5.25",
      "'+49 30 1234",
      "'@x",
      '"a ""b"", c"',
    ]);
  });

  it("stays inside a CI system's command", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(workflowMessage(text)).not.toMatch(/[\r\n]|%(?!25)/);
        expect(workflowProperty(text)).not.toMatch(/[\r\n:,]/);
      }),
      runs,
    );
  });
});

/** Texts that try to be more than text, and markdown as hosts read it. @module */
import fc from "fast-check";
import type { Nodes } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";
import { hostileTexts } from "./plans.ts";
import type { Names } from "./strange-plan.ts";

const marks = ["`", "``", "```", "|", "\\", "*", "_", "[", "](x)", "<b>", "<!--", "-->", "@ann", "#1", "GH-12", "$"];
const links = ["http", "https://a.de", "www.a.de", "://", "@", ".com", ":"];
const plain = ["a", " ", "\n", "1.", "- ", "-", "+", "~~~", "é"];

/** Any text, and such as is made of the pieces of markdown. */
export const hostile = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.string({ unit: "binary", maxLength: 100 }),
  fc.string({ unit: fc.constantFrom(...marks, ...links, ...plain), maxLength: 30 }),
);

/** The names of a plan, each such a text. */
export function anyNames(text: fc.Arbitrary<string>): fc.Arbitrary<Names> {
  return fc.record({ sync: text, field: text, object: text, key: text, before: text, after: text, message: text });
}

export function parsed(markdown: string): Nodes {
  return fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
}

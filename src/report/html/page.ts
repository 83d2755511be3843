/**
 * A plan as one HTML file that works without a network: a summary that needs no script, and a table of its changes.
 *
 * Nothing in it is executed but the page's own script, which the content security policy names by its hash; no address can
 * be reached from it. The changes are data in base64, which the script writes as text only.
 * @module
 */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { totalChanges } from "../../core/plan.ts";
import type { ChangeKind, SyncColumns } from "../../engine/review/columns.ts";
import type { SyncReview } from "../../engine/review/review.ts";
import type { Reveal } from "../reveal.ts";
import { shortDigest } from "../terminal.ts";
import { changesSection, help, suggestions } from "./controls.ts";
import { dataBlocks } from "./data.ts";
import { type HeaderView, header } from "./header.ts";
import { element, type Html, join, text } from "./markup.ts";
import { syncSection } from "./sync-section.ts";

export interface HtmlView extends Omit<HeaderView, "masks"> {
  /** Made while the changes already are. */
  readonly reviews: Promise<readonly SyncReview[]>;
  readonly reveal: Reveal;
  readonly kinds: readonly ChangeKind[];
}

/** What the page is made of besides: compiled by the build, or by a test. */
export interface Assets {
  readonly script: string;
  readonly style: string;
}

/** Syncs whose details are open at first; the others open with a click. */
const OPEN = 4;
/** Blocks that wait for the summary at most. */
const AHEAD = 16;

/** The page in pieces, each ending with a line end. */
export async function* renderHtml(
  { reviews, reveal, kinds, ...rest }: HtmlView,
  columns: AsyncIterable<SyncColumns>,
  { script, style }: Assets,
): AsyncIterable<string> {
  const { summary } = rest;
  const blocks = ahead(dataBlocks(columns, kinds, reveal));
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ];
  const head = element(
    "head",
    {},
    element("meta", { charset: "utf-8" }),
    element("meta", { "http-equiv": "Content-Security-Policy", content: policy.join("; ") }),
    element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    element("meta", { name: "referrer", content: "no-referrer" }),
    element("meta", { name: "robots", content: "noindex" }),
    element("title", {}, text(`Ebb plan ${shortDigest(summary.digest)}`)),
    own("style", style),
  );
  yield `<!doctype html>\n<html lang="en">\n${head}\n<body>\n`;
  yield `${element("a", { class: "skip", href: "#changes" }, text("Skip to the changes"))}\n`;
  yield `${header({ ...rest, masks: reveal.masks })}\n<main>\n`;
  const reviewed = await reviews;
  const sections = summary.syncs.map((sync, i) => {
    const noticed = !sync.complete || sync.guards.length > 0;
    const changes = totalChanges(sync.counts) > 0;
    const review = reviewed.find((one) => one.sync === sync.name);
    return syncSection(sync, review, reveal, noticed || (changes && i < OPEN));
  });
  yield `${element("section", { id: "summary", "aria-label": "Summary" }, ...sections)}\n`;
  yield `${changesSection()}\n</main>\n${join(help(), suggestions())}\n`;
  yield* blocks;
  yield `${own("script", script)}\n</body>\n</html>\n`;
}

/** The same pieces, the first of which are made before anybody asks for them. */
function ahead(pieces: AsyncIterable<Html>): AsyncIterable<Html> {
  const made = Readable.from(pieces, { highWaterMark: AHEAD });
  // Whoever reads them is told.
  made.on("error", () => undefined);
  made.read(0);
  return made;
}

function hashOf(content: string): string {
  return `sha256-${createHash("sha256").update(content).digest("base64")}`;
}

/** Our own script and style, as they are. The build sees to it that neither can end its element. */
function own(name: "script" | "style", content: string): Html {
  return `<${name}>${content}</${name}>` as Html;
}

import { diffWordsWithSpace } from "diff";
import { type Piece, wrap } from "./layout.ts";
import { sanitise } from "./sanitise.ts";
import type { Style } from "./style.ts";

/** Unchanged text kept on each side of a change. */
const CONTEXT = 24;
const MOST_CHARACTERS = 2_000;
const MOST_LINES = 12;

/**
 * Two long texts as one, with what was taken out and what came in, as `[-old-]{+new+}`.
 */
export function wordDiff(before: string, after: string, indent: string, style: Style): string[] {
  const max = MOST_CHARACTERS;
  const parts = diffWordsWithSpace(sanitise(before, { max }), sanitise(after, { max }));
  const pieces = parts.map(({ value, added, removed }, i): Piece => {
    // The marks stay beside the colours: who cannot see those reads the same.
    if (removed) return { text: `[-${value}-]`, format: "red" };
    if (added) return { text: `{+${value}+}`, format: "green" };
    return { text: shortened(value, i === 0, i === parts.length - 1) };
  });
  const lines = wrap(pieces, indent, indent, style);
  return lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES - 1), `${indent}…`] : lines;
}

function shortened(text: string, first: boolean, last: boolean): string {
  if (text.length <= 3 * CONTEXT) return text;
  const head = first ? "" : text.slice(0, CONTEXT);
  const tail = last ? "" : text.slice(-CONTEXT);
  return `${head} … ${tail}`;
}

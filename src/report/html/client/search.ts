/** Finds which of many texts hold another, in one pass over all of them. @module */

interface TextIndex {
  /** All texts in lower case, each on a line of its own; no text holds a line end. */
  readonly lines: string;
  /** Where each begins. */
  readonly starts: Uint32Array;
}

const made = new WeakMap<readonly string[], TextIndex>();

function indexOf(texts: readonly string[]): TextIndex {
  const known = made.get(texts);
  if (known) return known;
  const lower = texts.map((text) => text.toLowerCase());
  const starts = new Uint32Array(lower.length + 1);
  lower.forEach((text, i) => {
    starts[i + 1] = (starts[i] ?? 0) + text.length + 1;
  });
  const index = { lines: lower.join("\n"), starts };
  made.set(texts, index);
  return index;
}

/** Gets the texts ready, so that the first search is as fast as the others. */
export function prepare(texts: readonly string[]): void {
  indexOf(texts);
}

/** Calls `found` with the place of each text that has `part` in it, in any case. */
export function eachWith(texts: readonly string[], part: string, found: (i: number) => void): void {
  const needle = part.toLowerCase();
  if (needle.includes("\n")) return;
  const { lines, starts } = indexOf(texts);
  let i = 0;
  for (let at = lines.indexOf(needle); at >= 0 && i < texts.length; at = lines.indexOf(needle, starts[i] ?? 0)) {
    while ((starts[i + 1] ?? Number.POSITIVE_INFINITY) <= at) i++;
    found(i);
    i++;
    if (i >= texts.length) return;
  }
}

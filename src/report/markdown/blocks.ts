/** Blocks of markdown that are filled into a comment by what matters most, each whole or not at all. @module */

/** UTF-16 units of a comment, safely below what GitHub takes (65,536). */
export const MOST_UNITS = 60_000;

/** A heading is told apart by being itself: two syncs may be called alike. */
export interface Heading {
  readonly text: string;
}

export interface Block {
  /** Lower ones come first when there is not room for all. */
  readonly priority: number;
  /** What it stands under; null for what is said of the plan as a whole. */
  readonly heading: Heading | null;
  /** What is missing where it is left out. */
  readonly what: string;
  /** Markdown, whole; longer forms first. */
  readonly forms: readonly string[];
}

export interface Filled {
  readonly text: string;
  /** What found no room, and what is told in a shorter form, as often as it is so. */
  readonly left: ReadonlyMap<string, number>;
}

const BETWEEN = "\n\n";

/** As many blocks as there is room for, in their own order, each under its heading. */
export function fill(blocks: readonly Block[], room: number): Filled {
  const chosen = new Map<Block, string>();
  const headings = new Set<Heading>();
  const left = new Map<string, number>();
  let used = 0;
  for (const block of blocks.toSorted((a, b) => a.priority - b.priority)) {
    const { heading, forms, what } = block;
    const above = heading === null || headings.has(heading) ? 0 : heading.text.length + BETWEEN.length;
    const form = forms.find((text) => used + above + text.length + BETWEEN.length <= room);
    if (form !== forms[0]) left.set(what, (left.get(what) ?? 0) + 1);
    if (form === undefined) continue;
    chosen.set(block, form);
    used += above + form.length + BETWEEN.length;
    if (heading !== null) headings.add(heading);
  }
  const parts: string[] = [];
  let under: Heading | null = null;
  for (const block of blocks) {
    const form = chosen.get(block);
    if (form === undefined) continue;
    if (block.heading !== null && block.heading !== under) parts.push(block.heading.text);
    under = block.heading;
    parts.push(form);
  }
  return { text: parts.join(BETWEEN), left };
}

/** A table whose cells are markdown already; the columns named last hold numbers. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly number[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (numbers.includes(i) ? "---:" : "---"))), ...rows.map(line)].join("\n");
}

/** Something to be opened. The title is ours. */
export function folded(title: string, content: string): string {
  return `<details>\n<summary>${title}</summary>\n\n${content}\n\n</details>`;
}

/** Forms with fewer and fewer of the same things, each form saying how many it leaves out. */
export function shorter<T>(
  all: readonly T[],
  sizes: readonly number[],
  make: (some: readonly T[], left: number) => string,
): readonly string[] {
  const fitting = sizes.filter((size) => size < all.length);
  const most = sizes[0] ?? all.length;
  const first = all.length <= most ? [all.length] : [];
  return [...first, ...fitting].map((size) => make(all.slice(0, size), all.length - size));
}

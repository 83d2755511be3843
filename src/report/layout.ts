/** Text in columns and within a width. Knows how wide a character is, and nothing of what it means. @module */
import { stripVTControlCharacters } from "node:util";
import type { Format, Style } from "./style.ts";

/** Columns of the narrowest terminal worth serving. */
export const WIDTH = 80;

const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u;
const none = /\p{M}/u;

/** Columns a text takes, colours aside. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += widthOfCharacter(character);
  return width;
}

function widthOfCharacter(character: string): number {
  if (character >= " " && character <= "~") return 1;
  if (none.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** A text without colours, cut to a width. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const character of text) {
    used += widthOfCharacter(character);
    if (used > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - widthOf(text))) + text;
}

/** A piece of text that is dressed as a whole. */
export interface Piece {
  readonly text: string;
  readonly format?: Format | undefined;
}

/** Lines no wider than `width`, broken at spaces where there are any. The first begins with `first`, others with `rest`. */
export function wrap(pieces: readonly Piece[], first: string, rest: string, style: Style, width = WIDTH): string[] {
  const lines: string[] = [];
  let line: Piece[] = [{ text: first }];
  let used = widthOf(first);
  let fresh = true;
  const flush = () => {
    lines.push(dressed(line, style));
    line = [{ text: rest }];
    used = widthOf(rest);
    fresh = true;
  };
  const put = (text: string, format: Format | undefined) => {
    // A line that begins so would be taken for a command of a CI system.
    const inert = fresh ? text.replace(/^:(?=:)/, ": ") : text;
    line.push({ text: inert, format });
    used += widthOf(inert);
    fresh = false;
  };
  for (const { text, format } of pieces)
    for (const word of text.match(/\s+|\S+/g) ?? []) {
      const blank = word.trim() === "";
      if (blank && fresh && lines.length > 0) continue;
      if (!blank && !fresh && used + widthOf(word) > width) flush();
      let left = word;
      while (widthOf(left) > width - used) {
        // What is made inert takes one column more.
        const part = cut(left, width - used - 1).slice(0, -1);
        if (part === "") break;
        put(part, format);
        left = left.slice(part.length);
        flush();
      }
      put(left, format);
    }
  lines.push(dressed(line, style));
  return lines;
}

/** Neighbours of one format are dressed together. */
function dressed(line: readonly Piece[], style: Style): string {
  let text = "";
  for (let i = 0; i < line.length; ) {
    const format = line[i]?.format;
    let run = "";
    while (i < line.length && line[i]?.format === format) run += line[i++]?.text ?? "";
    if (i === line.length) run = run.trimEnd();
    text += format ? style(format, run) : run;
  }
  return text;
}

/** Text behind a label, wrapped under itself. */
export function labelled(label: string, pieces: string | readonly Piece[], style: Style, format?: Format): string[] {
  const head = padEnd(`  ${label}`, 12);
  const all = typeof pieces === "string" ? [{ text: pieces }] : pieces;
  return wrap(all, format ? padEnd(style(format, `  ${label}`), 12) : head, " ".repeat(12), style);
}

export interface ColumnOptions {
  readonly indent?: string;
  /** Columns that are numbers, by position. */
  readonly right?: readonly number[];
  readonly width?: number;
}

/** Rows in columns. When they are too wide, the widest column is cut. */
export function columns(rows: readonly (readonly string[])[], options: ColumnOptions = {}): string[] {
  const { indent = "", right = [], width = WIDTH } = options;
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(...rows.map((row) => widthOf(row[i] ?? ""))));
  const total = () => widthOf(indent) + widths.reduce((sum, w) => sum + w, 0) + 2 * (count - 1);
  while (total() > width && Math.max(...widths) > 8) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return rows.map((row) =>
    (
      indent +
      row
        .map((cell, i) => {
          const room = widths[i] ?? 0;
          const text = widthOf(cell) > room ? cut(stripVTControlCharacters(cell), room) : cell;
          return right.includes(i) ? padStart(text, room) : padEnd(text, room);
        })
        .join("  ")
    ).trimEnd(),
  );
}

/**
 * Text from a warehouse, an API or a file on its way into HTML, markdown, CSV or a CI system's commands. Everything here
 * goes through {@link sanitise} first, so that nothing hidden is left, and then cannot be taken for markup.
 * @module
 */
import { type SanitiseOptions, sanitise } from "./sanitise.ts";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

/**
 * Text for the content of an HTML element or a quoted attribute; not for a URL, a style or a script.
 *
 * @example escapeHtml("<b>") // "&lt;b&gt;"
 */
export function escapeHtml(text: string, options?: SanitiseOptions): string {
  return sanitise(text, options).replace(/[&<>"'`]/g, (found) => entities[found] ?? "");
}

export interface CodeSpanOptions extends SanitiseOptions {
  /** It stands in a table, where a bar would end the cell. */
  readonly inTable?: boolean;
}

/**
 * Data in markdown: an inline code span. GitHub and GitLab neither link nor mention anything inside one, and nothing in it
 * is markup. In a table, a bar behind a backslash cannot be written; a mark that looks like one (U+2223) stands there.
 *
 * @example codeSpan("a`b") // "``a`b``"
 */
export function codeSpan(text: string, { inTable = false, ...options }: CodeSpanOptions = {}): string {
  const safe = sanitise(text, options);
  if (safe === "") return "` `";
  const shown = inTable ? safe.replace(/(\\+)\|/g, "$1∣").replaceAll("|", "\\|") : safe;
  const fence = "`".repeat(longestRun(shown) + 1);
  const pad = /^[ `]|[ `]$/.test(shown) && shown.trim() !== "" ? " " : "";
  return `${fence}${pad}${shown}${pad}${fence}`;
}

/**
 * Lines of data in markdown: a fenced block. No line can end it early.
 *
 * @param language one that highlights, such as `diff`; of our own choosing
 */
export function codeBlock(lines: readonly string[], language = ""): string {
  const safe = lines.map((line) => sanitise(line, { max: 4_000 }));
  const fence = "`".repeat(Math.max(3, longestRun(safe.join("\n")) + 1));
  return [fence + language, ...safe, fence].join("\n");
}

/** Letters, marks and digits of any script, and punctuation between or after them that is no markup anywhere. */
const plainWord = /^[(]?[\p{L}\p{M}\p{Nd}]+(?:[-.,_'’/][\p{L}\p{M}\p{Nd}]+)*[.,;:?)%]{0,2}$/u;
const plainSign = /^(?:%[),.;:]*|[–…]|->|→)$/u;
/** What hosts link although it looks plain: addresses, commits, issues; and what begins a list. */
const linked = /www\.|^[(]?[0-9a-f]{7,40}\b|(?:^|[^\p{L}])\p{L}+-\d|^\d{1,9}[.)]$/iu;

/**
 * A sentence of ours that may quote names or a vendor's words, as markdown. Words that could be markup, a link, a mention
 * or a reference stand in code spans; the others as they are.
 *
 * @example proseMarkdown("field Plan_Tier: see @acme") // "field Plan_Tier: see `@acme`"
 */
export function proseMarkdown(text: string, { inTable = false, max = 400 }: CodeSpanOptions = {}): string {
  const runs: { plain: boolean; words: string[] }[] = [];
  for (const word of sanitise(text, { max }).split(/ +/)) {
    if (word === "") continue;
    const plain = (plainWord.test(word) && !linked.test(word)) || plainSign.test(word);
    const last = runs.at(-1);
    if (last?.plain === plain) last.words.push(word);
    else runs.push({ plain, words: [word] });
  }
  if (runs.length === 0) return codeSpan("");
  return runs
    .map(({ plain, words }) => (plain ? words.join(" ") : codeSpan(words.join(" "), { inTable, max })))
    .join(" ");
}

/**
 * One cell of a CSV file (RFC 4180). What a spreadsheet would take for a formula gets an apostrophe before it; numbers do not.
 *
 * @example escapeCsv("=1+1") // "'=1+1"
 */
export function escapeCsv(text: string, { max = 32_000 }: SanitiseOptions = {}): string {
  const safe = sanitise(text, { max });
  const isNumber = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(safe);
  const inert = !isNumber && /^\s*[=+\-@|%\uFF1D\uFF0B\uFF0D\uFF20]/.test(safe) ? `'${safe}` : safe;
  return /[",\n\r;]/.test(inert) || inert !== inert.trim() ? `"${inert.replaceAll('"', '""')}"` : inert;
}

/** The message of a GitHub Actions command (`::error::…`), which ends with its line. */
export function workflowMessage(text: string, options?: SanitiseOptions): string {
  return sanitise(text, options).replaceAll("%", "%25");
}

/** A property of one (`::error title=…::`), which ends with a comma or a colon. */
export function workflowProperty(text: string, options?: SanitiseOptions): string {
  return workflowMessage(text, options).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}

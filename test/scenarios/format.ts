/** Reads a scenario: its files, and the steps of its story. The README beside this describes the format. @module */

/** Something a step must show, in the order it is written. */
export type Expectation =
  | { readonly kind: "contains"; readonly stream: Stream; readonly text: string; readonly line: number }
  | { readonly kind: "lacks"; readonly stream: Stream; readonly text: string; readonly line: number }
  | { readonly kind: "json"; readonly path: string; readonly value: string; readonly line: number };

export type Stream = "out" | "err";

/** All of a stream, line by line. */
export interface Block {
  readonly lines: readonly string[];
  /** Where it stands, counted from 1; `to` is its last line. */
  readonly from: number;
  readonly to: number;
}

export interface Step {
  /** Line of the command, counted from 1. */
  readonly line: number;
  readonly command: string;
  /** Name under which it goes on beside the steps that follow. */
  readonly background: string | undefined;
  readonly exit: string;
  readonly expectations: readonly Expectation[];
  readonly out: Block | undefined;
  readonly err: Block | undefined;
}

export interface Scenario {
  readonly title: string;
  readonly files: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
}

const section = /^-- (\S.*\S|\S) --$/;
const marks = { "|": "out", "!": "err" } as const;

/** @throws SyntaxError with the line that is not understood */
export function parseScenario(text: string): Scenario {
  const lines = text.split("\n");
  const files = new Map<string, string>();
  const steps: { -readonly [K in keyof Step]: Step[K] }[] = [];
  let file: string | undefined;
  let story = false;
  lines.forEach((line, i) => {
    const name = section.exec(line)?.[1];
    if (name !== undefined) {
      story = name === "story";
      file = story ? undefined : name;
      if (file !== undefined) files.set(file, "");
    } else if (file !== undefined) files.set(file, `${files.get(file)}${line}\n`);
    else if (story) readLine(line, i + 1);
    else if (line !== "" && !line.startsWith("#")) throw new SyntaxError(`line ${i + 1}: text outside of a section`);
  });
  if (steps.length === 0) throw new SyntaxError("there is no story");
  const title = (lines[0] ?? "").replace(/^#\s*/, "");
  return { title, files: new Map([...files].map(([name, content]) => [name, content.replace(/\n+$/, "\n")])), steps };

  function readLine(line: string, number: number): void {
    if (line.trim() === "" || line.startsWith("#")) return;
    const step = steps.at(-1);
    if (line.startsWith("$ ")) {
      const [, command = "", background] = /^(.*?)(?: &(\w+))?$/.exec(line.slice(2).trim()) ?? [];
      steps.push({ line: number, command, background, exit: "0", expectations: [], out: undefined, err: undefined });
      return;
    }
    if (!step) throw new SyntaxError(`line ${number}: an expectation before the first command`);
    const mark = line[0] ?? "";
    if (mark === "|" || mark === "!") {
      const stream = marks[mark];
      const before = step[stream];
      const added = line.slice(1).replace(/^ /, "").trimEnd();
      step[stream] = { lines: [...(before?.lines ?? []), added], from: before?.from ?? number, to: number };
      return;
    }
    const [, no, word = "", rest = ""] = /^\s+(no )?(exit|out|err|json) (.*)$/.exec(line) ?? [];
    if (word === "exit" && !no) step.exit = rest.trim();
    else if (word === "json" && !no) {
      const [path = "", value = ""] = rest.split(" = ");
      step.expectations = [...step.expectations, { kind: "json", path, value, line: number }];
    } else if (word === "out" || word === "err")
      step.expectations = [
        ...step.expectations,
        { kind: no ? "lacks" : "contains", stream: word, text: rest, line: number },
      ];
    else throw new SyntaxError(`line ${number}: not understood: ${line}`);
  }
}

/** A block as it stands in a file. */
export function blockText(stream: Stream, output: string): readonly string[] {
  const mark = stream === "out" ? "|" : "!";
  const lines = linesOf(output);
  return (lines.length === 0 ? [""] : lines).map((line) => `${mark} ${line}`.trimEnd());
}

/** Lines without what is blank at their ends. */
export function linesOf(output: string): readonly string[] {
  const lines = output.split("\n").map((line) => line.trimEnd());
  while (lines.at(-1) === "") lines.pop();
  return lines;
}

/**
 * The words of a command line, as a shell would give them: quotes keep what is inside together.
 *
 * @example words("crm edit Contact 'a b'") // ["crm", "edit", "Contact", "a b"]
 */
export function words(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ""),
  );
}

/** Output with what differs from run to run replaced by a word for it. */
export function normalise(output: string, directory: string): string {
  return output
    .replaceAll(directory, "<dir>")
    .replace(/\bnpx ebb\b/g, "ebb")
    .replace(/\b\d{8}T\d{6}-[0-9a-f]{6}\b/g, "<run>")
    .replace(/^((?:Run <run>, )?kept in)\b.*(?:\n {2}\S.*)*$/gm, "$1 <dir>")
    .replace(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC)?/g, "<time>")
    .replace(/\b(Plan|plan) [0-9a-f]{12}\b/g, "$1 <digest>")
    .replace(/•••[0-9a-f]{4}/g, "•••")
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, "<sandbox>");
}

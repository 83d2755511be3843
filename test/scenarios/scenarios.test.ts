/** Every story in this folder, told by the real command line. `UPDATE=1` writes the blocks anew from what is shown. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { scratch } from "../cli/run.ts";
import { blockText, linesOf, parseScenario, type Step, type Stream } from "./format.ts";
import { Impossible, type Shown, Story } from "./story.ts";

const folder = import.meta.dirname;
const update = process.env.UPDATE === "1";

describe.concurrent("scenarios", { timeout: 180_000 }, () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt")))
    it(file.replace(/\.txt$/, ""), (context) => tell(file, context));
});

async function tell(file: string, context: TestContext): Promise<void> {
  const text = readFileSync(join(folder, file), "utf8");
  const { files, steps } = parseScenario(text);
  const place = scratch();
  const story = new Story(place.directory, files);
  const shown: [Step, Shown][] = [];
  try {
    for (const step of steps) {
      const at = `${file}:${step.line}: $ ${step.command}`;
      const one = await story.run(step.command, step.background).catch((error: unknown) => {
        if (error instanceof Impossible) throw error;
        throw new Error(`${at}\n${error instanceof Error ? error.message : String(error)}`, { cause: error });
      });
      shown.push([step, one]);
      check(at, file, update ? { ...step, out: undefined, err: undefined } : step, one);
    }
  } catch (error) {
    if (!(error instanceof Impossible)) throw error;
    context.skip(error.message);
  } finally {
    if (update) writeFileSync(join(folder, file), updated(text, shown));
    await story.close();
    place.clear();
  }
}

function check(at: string, file: string, step: Step, shown: Shown): void {
  const all = `${shown.out}\n--- stderr\n${shown.err}`;
  expect(shown.exit, `${at}\nexit code; it printed\n${all}`).toBe(step.exit);
  for (const stream of ["out", "err"] as const) {
    const block = step[stream];
    if (block) expect(linesOf(shown[stream]).join("\n"), `${at}\nstd${stream}`).toBe(block.lines.join("\n"));
  }
  for (const expectation of step.expectations) {
    const where = `${at}\n${file}:${expectation.line}: `;
    if (expectation.kind === "json") {
      const found = valueAt(JSON.parse(shown.out), expectation.path);
      expect(JSON.stringify(found), `${where}${expectation.path} in\n${shown.out}`).toBe(expectation.value);
    } else {
      const { stream, text, kind } = expectation;
      const holds = shown[stream].includes(text);
      if (holds !== (kind === "contains"))
        expect.fail(`${where}std${stream} ${holds ? "holds" : "lacks"} "${text}"; it printed\n${all}`);
    }
  }
}

function valueAt(value: unknown, path: string): unknown {
  return path
    .split(".")
    .filter((part) => part !== "")
    .reduce<unknown>((item, part) => (item as Record<string, unknown> | undefined)?.[part], value);
}

function updated(text: string, shown: readonly [Step, Shown][]): string {
  const lines = text.split("\n");
  const blocks = shown.flatMap(([step, one]) =>
    (["out", "err"] as Stream[]).flatMap((stream) => (step[stream] ? [{ ...step[stream], stream, one }] : [])),
  );
  for (const { from, to, stream, one } of blocks.sort((a, b) => b.from - a.from))
    lines.splice(from - 1, to - from + 1, ...blockText(stream, one[stream]));
  return lines.join("\n");
}

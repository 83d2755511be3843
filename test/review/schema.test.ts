import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { createEvents } from "../../src/cli/events.ts";
import type { EngineEvent } from "../../src/engine/world.ts";
import { planJson } from "../../src/report/json.ts";
import type { SummaryDocument } from "../../src/report/schema/plan.ts";
import { strangePlan } from "./strange-plan.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

/** What is wrong with a document, by the published schema; nothing when it is right. */
function problems(schema: string, document: unknown): readonly string[] {
  const validate = new Ajv2020({ allErrors: true }).compile(
    read(join(root, "docs/schema", `${schema}.json`)) as object,
  );
  validate(document);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

const names = { sync: "ltv", field: "F", object: "O", key: "k", before: "1", after: "2", message: "m" };

describe("the published schema of a plan", () => {
  const fixtures = join(import.meta.dirname, "fixtures");
  const released = readdirSync(fixtures).flatMap((version) =>
    readdirSync(join(fixtures, version)).map((file) => `${version}/${file}`),
  );

  it("has fixtures of every released version", () => {
    expect(released.length).toBeGreaterThanOrEqual(6);
  });

  it.each(released)("lets %s through, for ever", (file) => {
    expect(problems(`plan-${file.split(".")[0]}`, read(join(fixtures, file)))).toEqual([]);
  });

  const goldens = readdirSync(join(import.meta.dirname, "golden")).filter((file) => file.endsWith(".json"));
  it.each(goldens)("lets through what is printed today: %s", (file) => {
    expect(problems("plan-1", read(join(import.meta.dirname, "golden", file)))).toEqual([]);
  });

  it("describes everything that can be said of a sync, and what the plan file holds", () => {
    const { summary, reviews } = strangePlan(names);
    expect(problems("plan-1", JSON.parse(planJson(summary, { samples: reviews, file: "f", unfinished: "r" })))).toEqual(
      [],
    );
    const { digest: _, ...held } = summary;
    const published: SummaryDocument = held;
    expect(problems("summary-1", published)).toEqual([]);
  });

  it("lets through what a later minor version adds, and nothing that lacks what was promised", () => {
    const document = JSON.parse(planJson(strangePlan(names).summary, {}));
    expect(problems("plan-1", { ...document, format_version: "1.7", added: true })).toEqual([]);
    expect(problems("plan-1", { ...document, format_version: "2.0" })).not.toEqual([]);
    const { digest: _, ...without } = document;
    expect(problems("plan-1", without)).toEqual([" must have required property 'digest'"]);
  });
});

describe("the stream of events", () => {
  function told(tell: (events: ReturnType<typeof createEvents>, wait: (ms: number) => void) => void) {
    let now = 0;
    const lines: string[] = [];
    const events = createEvents({ write: (line) => lines.push(line), now: () => now });
    tell(events, (ms) => {
      now += ms;
    });
    expect(lines.every((line) => /^\{.*\}\n$/.test(line))).toBe(true);
    return lines.map((line) => JSON.parse(line));
  }

  it("begins with the version, ends with the exit code, and every line is as published", () => {
    const some: readonly EngineEvent[] = [
      { type: "run", run: "r1", resumed: false },
      { type: "phase", sync: "s\u001b[2J", phase: "source", total: 7 },
      { type: "waiting", connection: "crm", ms: 100 },
    ];
    const lines = told((events) => {
      some.forEach(events.listen);
      events.send({ type: "note", text: "what the app\nsaid ##vso[task]" });
      events.send({ type: "error", error: { code: "USAGE", message: "m", next: "n" } });
      events.end(1);
    });
    expect(lines.map(({ type }) => type)).toEqual(["version", "run", "phase", "waiting", "note", "error", "end"]);
    expect(lines.flatMap((line) => problems("events-1", line))).toEqual([]);
    expect(problems("events-1", { type: "unheard" })).not.toEqual([]);
  });

  it("tells of progress once a second for each sync, and says nothing before it begins", () => {
    const progress = (sync: string, done: number) => ({ type: "progress", sync, phase: "source", done }) as const;
    const lines = told((events, wait) => {
      for (let done = 0; done < 300; done++) {
        wait(10);
        events.listen(progress("a", done));
        events.listen(progress("b", done));
      }
    });
    expect(lines.filter(({ type }) => type === "progress")).toHaveLength(6);
    expect(told((events) => events.end(0))).toEqual([]);
  });
});

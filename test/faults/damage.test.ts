/** Files of the state that are torn, altered or of another time. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { all } from "./choice.ts";
import { seeded } from "./proxy-rules.ts";
import { shapes } from "./shapes.ts";
import { finish, journalOf, judge, right, type Stage } from "./stage.ts";
import { staged } from "./staged.ts";

const { writes } = shapes.no;

/** A run that was killed after its third outcome, and the path of its journal. */
async function interrupted(): Promise<{ readonly stage: Stage; readonly journal: string }> {
  const stage = await staged(shapes.no, { bends: { concurrency: 1 } });
  const killed = await stage.ebb(["apply", "plan.ebb"], { failpoint: "journal.outcomes:after:3" });
  expect(killed.signal).toBe("SIGKILL");
  return { stage, journal: journalOf(stage) };
}

function flip(path: string, at: number, bit = 0): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
  writeFileSync(path, bytes);
}

describe("row 23: the journal", { timeout: 240_000 }, () => {
  test("a torn tail is left out, and the run is finished", async () => {
    const { stage, journal } = await interrupted();
    writeFileSync(journal, '5f0a11bb {"t":"intent","sync":"peo', { flag: "a" });
    const ended = await finish(stage);
    expect(ended, ended.said).toMatchObject({ code: 0, nextPlan: 0 });
    expect(judge(stage)).toEqual(right);
  });

  test.each([0.2, 0.5, 0.98])(
    "a bit that is turned over %f of the way through is named, and nothing is sent",
    async (part) => {
      const { stage, journal } = await interrupted();
      flip(journal, Math.floor(readFileSync(journal).length * part));
      const sent = stage.proxy.count(writes);
      const refused = await stage.ebb(["apply", "plan.ebb"]);
      expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("Error STATE_CORRUPT") });
      expect(refused.err).toContain(journal);
      expect(stage.proxy.count(writes)).toBe(sent);
    },
  );

  test("a line that is missing in the middle is not taken for a shorter run", async () => {
    const { stage, journal } = await interrupted();
    const lines = readFileSync(journal, "utf8").split("\n");
    writeFileSync(journal, lines.filter((_, i) => i !== 2).join("\n"));
    await finish(stage);
    expect(judge(stage)).toEqual(right);
  });

  test("row 24: one of another version is refused with a message", async () => {
    const { stage, journal } = await interrupted();
    const [first = "", ...others] = readFileSync(journal, "utf8").split("\n");
    const text = first.slice(9).replace('"version":1', '"version":0');
    const old = `${crc32(text).toString(16).padStart(8, "0")} ${text}`;
    writeFileSync(journal, [old, ...others].join("\n"));
    const refused = await stage.ebb(["apply", "plan.ebb"]);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/another version of Ebb[\s\S]*Finish the run with the version that started it/);
  });
});

/** The plan of a state that was damaged: refused, or the very same as of the whole one. */
async function planOf(stage: Stage): Promise<string> {
  const { code, out, err } = await stage.ebb(["plan", "--json", "--refresh", "off"]);
  if (code !== 0) return `exit ${code}: ${/Error (\w+)/.exec(err + out)?.[1] ?? "incomplete"}`;
  const { syncs } = JSON.parse(out) as { syncs: readonly { counts: unknown; unchanged: number }[] };
  return JSON.stringify(syncs.map(({ counts, unchanged }) => [counts, unchanged]));
}

describe("row 23: the ledger", { timeout: 240_000 }, () => {
  /** Plans made after a bit was turned over that are neither refused nor what they were. */
  async function silent(file: "ledger" | "state.json"): Promise<readonly string[]> {
    const stage = await staged(shapes.no);
    const whole = await planOf(stage);
    const folder = join(stage.directory, ".ebb");
    const [segment = ""] = readdirSync(join(folder, "ledger/people"));
    const path = file === "ledger" ? join(folder, "ledger/people", segment) : join(folder, file);
    const bytes = readFileSync(path);
    const chance = seeded(23);
    const told: string[] = [];
    for (let i = 0; i < (all ? 12 : 4); i++) {
      flip(path, Math.floor(chance() * bytes.length), Math.floor(chance() * 7));
      told.push(await planOf(stage));
      writeFileSync(path, bytes);
    }
    return told.filter((one) => one !== whole && !/^exit [14]/.test(one));
  }

  test("a bit that is turned over in a segment never changes a plan in silence", async () => {
    expect(await silent("ledger")).toEqual([]);
  });

  test("a bit that is turned over in state.json never changes a plan in silence", async () => {
    expect(await silent("state.json")).toEqual([]);
  });

  test("row 24: a state of a later version is refused", async () => {
    const stage = await staged(shapes.no);
    const path = join(stage.directory, ".ebb/state.json");
    const { checksum: _, ...state } = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify({ ...state, version: 2 }));
    const refused = await stage.ebb(["plan"]);
    expect(refused.code, refused.out).toBe(1);
    expect(refused.err).toContain("version");
  });
});

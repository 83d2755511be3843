/** Stories of the simulation in the ordinary tests: a few of the thousands `npm run simulate` tells, and that its rules can break. @module */
import { existsSync } from "node:fs";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { StoryConfig } from "./config.ts";
import type { Model } from "./model.ts";
import { tellStories, tellStory } from "./story.ts";
import type { Rule } from "./witness.ts";

beforeAll(() => {
  if (existsSync("/dev/shm")) vi.stubEnv("TMPDIR", "/dev/shm");
});

const SEEDS = 60;

test(`every rule holds in the stories 1 to ${SEEDS}`, { timeout: 600_000 }, async () => {
  for await (const { seed, violations } of tellStories(1, SEEDS))
    expect(violations, `npm run simulate -- --seed ${seed} --verbose`).toEqual([]);
});

test("the same seed tells the same story", { timeout: 120_000 }, async () => {
  for (const seed of [3, 26, 48]) {
    const [once, again] = [await tellStory(seed), await tellStory(seed)];
    expect(again.events).toEqual(once.events);
    expect(again.digest).toBe(once.digest);
  }
  expect((await tellStory(3)).digest).not.toBe((await tellStory(4)).digest);
});

test("a fate is the same alone and after others of its preparation", { timeout: 120_000 }, async () => {
  for await (const { seed, digest } of tellStories(121, 4)) expect((await tellStory(seed)).digest).toBe(digest);
  for (const seed of [124, 122])
    for await (const { digest } of tellStories(seed, 1)) expect(digest).toBe((await tellStory(seed)).digest);
});

/** A destination that does nothing by itself to keep Ebb from harm. */
const plain: Partial<StoryConfig> = {
  createClass: "no",
  createSafety: "atMostOnce",
  reading: "all",
  lagSeconds: 0,
  checksBefore: false,
  idIsKey: false,
  tickets: false,
  mode: "upsert",
  onDrift: "overwrite",
  refresh: "full",
  rates: [],
};

interface Sabotage {
  readonly what: string;
  readonly breaks: Rule;
  readonly config?: Partial<StoryConfig>;
  readonly sabotage: (model: Model) => void;
}

const sabotages: readonly Sabotage[] = [
  {
    what: "a disk that loses intents",
    breaks: "no duplicate",
    config: { reading: "scan", trouble: 0 },
    sabotage({ disk }) {
      const { of } = disk;
      disk.of = (who) => {
        const whole = of(who);
        const append = async (path: string) => {
          const file = await whole.append(path);
          const kept = (text: string) => (text.includes('"t":"intent"') ? "" : text);
          return { ...file, append: (text: string, durable: boolean) => file.append(kept(text), durable) };
        };
        return { ...whole, append };
      };
    },
  },
  {
    what: "a destination that acknowledges and forgets",
    breaks: "nothing lost",
    config: { trouble: 0 },
    sabotage({ store }) {
      const { write } = store;
      store.write = (id, key, version) => {
        if (version.by === "people" || key !== "k01") write(id, key, version);
      };
    },
  },
  {
    what: "a destination that does not check what it says it checks",
    breaks: "drift",
    sabotage: (model) => {
      model.capabilities = { ...model.capabilities, checksBefore: true };
    },
  },
  {
    what: "a limit the connector does not tell",
    breaks: "rate limit",
    config: { rates: [{ bucket: "calls", limit: 3, perMs: 5_000 }], latencyMs: 1 },
    sabotage: (model) => {
      model.capabilities = { ...model.capabilities, rates: [] };
    },
  },
  {
    what: "a lock that everybody finds to be their own",
    breaks: "zombie",
    config: { trouble: 0, keys: 12, records: 1 },
    sabotage({ disk }) {
      const { of } = disk;
      disk.of = (who) => {
        const whole = of(who);
        let mine: string | null = null;
        const isLock = (path: string) => path.endsWith("/lock.json");
        const note = (path: string, text: string) => {
          if (isLock(path)) mine = text;
        };
        return {
          ...whole,
          async createExclusive(path, text) {
            const made = await whole.createExclusive(path, text);
            if (made) note(path, text);
            return made;
          },
          async replace(path, text, sure) {
            await whole.replace(path, text, sure);
            note(path, text);
          },
          read: async (path) => (isLock(path) && mine !== null ? mine : whole.read(path)),
        };
      };
    },
  },
  {
    what: "a result that is embellished",
    breaks: "result",
    config: { trouble: 0 },
    sabotage({ disk }) {
      const { of } = disk;
      disk.of = (who) => {
        const whole = of(who);
        const better = (text: string) => text.replace(/"applied": (\d+)/, (_, n) => `"applied": ${Number(n) + 1}`);
        return {
          ...whole,
          replace: (path, text, sure) => whole.replace(path, path.endsWith("/result.json") ? better(text) : text, sure),
        };
      };
    },
  },
];

describe("each rule can break", () => {
  test.each(sabotages)("$what: $breaks", { timeout: 120_000 }, async ({ breaks, config, sabotage }) => {
    const broken = new Set<Rule>();
    for await (const { violations } of tellStories(1, 60, { config: { ...plain, ...config }, sabotage })) {
      for (const { rule } of violations) broken.add(rule);
      if (broken.has(breaks)) break;
    }
    expect([...broken]).toContain(breaks);
  });
});

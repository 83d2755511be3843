/**
 * One story for each seed. Making a plan costs far more than living through what comes after it, so a few seeds share
 * what goes before (a preparation), and each has its own fate from there: faults, kills, sleepers, power cuts, other
 * people's edits. Now and then a seed's story is a long one, from its own beginning to its own end.
 * @module
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storyClock } from "./clock.ts";
import { configOf, type StoryConfig } from "./config.ts";
import { storyDisk } from "./disk.ts";
import { poolEngines } from "./engine-pool.ts";
import { liveFate } from "./fates.ts";
import { tellLong } from "./long.ts";
import { type Model, makeModel } from "./model.ts";
import { backupOf, type Preparation, prepare } from "./preparation.ts";
import { makeStage } from "./stage.ts";
import { addStats, type Stats, type Violation } from "./witness.ts";

/** Seeds that share a preparation. */
export const FATES = 25;

export interface StoryResult {
  readonly seed: number;
  readonly config: StoryConfig;
  readonly kind: "fate" | "fate to the end" | "long";
  /** Equal for equal stories. */
  readonly digest: string;
  readonly violations: readonly Violation[];
  readonly events: readonly string[];
  readonly stats: Stats;
  readonly virtualMs: number;
}

export interface StoryOptions {
  readonly config?: Partial<StoryConfig>;
  /** Changes the model before the story begins, so that a test can see a rule break. */
  readonly sabotage?: (model: Model) => void;
}

/** A story that has not ended after so long is stuck. */
const STUCK_MS = 60_000;

/** One long story in so many preparations, one fate that goes on to the full end in so many seeds. */
const LONG_EVERY = 4;
const END_EVERY = 25;

function kindOf(seed: number): StoryResult["kind"] {
  if (seed % (FATES * LONG_EVERY) === 0) return "long";
  return seed % END_EVERY === END_EVERY - 1 ? "fate to the end" : "fate";
}

/** The story of one seed, by itself: the same as when it is told together with others. */
export async function tellStory(seed: number, options: StoryOptions = {}): Promise<StoryResult> {
  for await (const story of tellStories(seed, 1, options)) return story;
  throw new TypeError("no story");
}

/** The stories of some seeds in turn. What was spent on a preparation counts for the first of its seeds told here. */
export async function* tellStories(
  from: number,
  count: number,
  options: StoryOptions = {},
): AsyncIterable<StoryResult> {
  let shared: { readonly number: number; readonly preparation: Prepared } | undefined;
  try {
    for (let seed = from; seed < from + count; seed++) {
      if (kindOf(seed) === "long") {
        yield await told(seed, options, undefined);
        continue;
      }
      const number = Math.floor(seed / FATES);
      const anew = shared?.number !== number;
      if (anew) await remove(shared?.preparation.directory);
      if (!shared || anew) shared = { number, preparation: await prepared(number, options) };
      const { preparation } = shared;
      const story = await told(seed, options, preparation);
      if (anew) addStats(story.stats, preparation.model.witness.stats);
      yield story;
    }
  } finally {
    await remove(shared?.preparation.directory);
  }
}

interface Prepared {
  readonly directory: string;
  readonly model: Model;
  /** Absent when a rule broke on the way. */
  readonly preparation: Preparation | undefined;
}

async function prepared(number: number, { config, sabotage }: StoryOptions): Promise<Prepared> {
  const directory = await makeFolder();
  // No seed of a story is negative.
  const own = -1 - number;
  const model = makeModel({ ...configOf(own), ...config, seed: own }, storyClock(poolEngines()), storyDisk());
  sabotage?.(model);
  const preparation = await watched(model, () => prepare(makeStage(model, directory)));
  return { directory, model, preparation };
}

async function told(seed: number, { config: given, sabotage }: StoryOptions, before?: Prepared): Promise<StoryResult> {
  const kind = kindOf(seed);
  const result = (model: Model, started: number): StoryResult => {
    const { violations, events, stats } = model.witness;
    const digest = createHash("sha256").update(events.join("\n")).digest("hex").slice(0, 16);
    const virtualMs = model.clock.now() - started;
    return { seed, config: model.config, kind, digest, violations, events, stats: { ...stats }, virtualMs };
  };
  if (before && !before.preparation) return result(before.model, before.model.clock.now());
  const directory = before?.directory ?? (await makeFolder());
  const saved = before?.preparation?.saved;
  const clock = storyClock(poolEngines(), saved?.now);
  const own = configOf(seed);
  const config: StoryConfig = before
    ? { ...before.model.config, seed, trouble: own.trouble, latencyMs: own.latencyMs, ...given }
    : { ...own, ...given };
  const model = makeModel({ ...config, seed }, clock, storyDisk(saved?.disk), saved);
  const started = clock.now();
  sabotage?.(model);
  model.witness.tell(JSON.stringify({ ...config, faults: undefined }));
  await watched(model, async () => {
    const { preparation } = before ?? {};
    const stage = makeStage(model, directory, preparation?.vague);
    await (preparation ? liveFate(stage, preparation, kind === "fate to the end") : tellLong(stage));
  });
  if (!before) await remove(directory);
  return result(model, started);
}

/** Whatever goes wrong in the telling is a broken rule; so is a story that does not end. */
async function watched<T>({ witness }: Model, tell: () => Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      witness.broken("engine error", "the story is stuck");
      resolve(undefined);
    }, STUCK_MS);
  });
  try {
    return await Promise.race([tell(), stuck]);
  } catch (error) {
    witness.broken("engine error", error instanceof Error ? (error.stack ?? error.message) : String(error));
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

const makeFolder = () => mkdtemp(join(tmpdir(), "ebb-story-"));

/** A story that is stuck may still write there. */
async function remove(directory: string | undefined): Promise<void> {
  if (!directory) return;
  for (const one of [directory, backupOf(directory)])
    await rm(one, { recursive: true, force: true }).catch(() => undefined);
}

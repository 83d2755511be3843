/**
 * Tells thousands of small stories of plan, apply, kill and edit in virtual time, and holds each against the rules.
 *
 *     npm run simulate -- --seeds 5000 [--from 1] [--workers 2] [--keep-going]
 *     npm run simulate -- --seed 123 --verbose
 *
 * @module
 */
import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { CreateClass } from "../test/simulation/config.ts";
import { FATES, type StoryResult, tellStories, tellStory } from "../test/simulation/story.ts";
import { addStats, noStats, type Stats } from "../test/simulation/witness.ts";

type Told = Omit<StoryResult, "events" | "config"> & { readonly createClass: CreateClass };

/** Seeds that share a preparation are told by one worker; the last of them says what they cost. */
interface Block {
  readonly stories: readonly Told[];
  readonly cpuMs: number;
}

const print = (line: string) => process.stdout.write(`${line}\n`);
const replay = (seed: number) => `npm run simulate -- --seed ${seed} --verbose`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "500" },
    from: { type: "string", default: "1" },
    workers: { type: "string", default: String(Math.min(2, cpus().length)) },
    seed: { type: "string" },
    verbose: { type: "boolean", default: false },
    "keep-going": { type: "boolean", default: false },
    worker: { type: "boolean", default: false },
  },
});

if (values.worker) serve();
else if (values.seed !== undefined) await one(Number(values.seed), values.verbose);
else await many(Number(values.from), Number(values.seeds), Number(values.workers), values["keep-going"]);

async function one(seed: number, verbose: boolean): Promise<void> {
  const story = await tellStory(seed);
  if (verbose) for (const event of story.events) print(event);
  for (const { rule, message } of story.violations) print(`seed ${seed}: ${rule}: ${message}`);
  print(`seed ${seed}: ${story.violations.length === 0 ? "every rule held" : "broken"}, digest ${story.digest}`);
  process.exit(story.violations.length === 0 ? 0 : 1);
}

/** A worker: some seeds come in, the ends of their stories go out. */
function serve(): void {
  const tell = async ([from, count]: readonly [from: number, count: number]) => {
    const before = process.cpuUsage();
    const stories: Told[] = [];
    for await (const { events: _, config, ...told } of tellStories(from, count))
      stories.push({ ...told, createClass: config.createClass });
    const { user, system } = process.cpuUsage(before);
    process.send?.({ stories, cpuMs: (user + system) / 1_000 } satisfies Block);
  };
  process.on("message", (seeds: readonly [number, number]) => void tell(seeds));
}

async function many(from: number, count: number, workers: number, keepGoing: boolean): Promise<void> {
  const started = Date.now();
  const broken: Told[] = [];
  const all: Told[] = [];
  let next = from;
  let cpuMs = 0;
  const children: ChildProcess[] = [];
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const child = startWorker();
      children.push(child);
      const give = () => {
        if (next >= from + count || (broken.length > 0 && !keepGoing)) return child.disconnect();
        const first = next;
        next = Math.min((Math.floor(first / FATES) + 1) * FATES, from + count);
        child.send([first, next - first]);
      };
      child.on("message", (block: Block) => {
        cpuMs += block.cpuMs;
        all.push(...block.stories);
        for (const story of block.stories) {
          const [first] = story.violations;
          if (!first) continue;
          broken.push(story);
          print(`seed ${story.seed}: ${first.rule}: ${first.message}\n  ${replay(story.seed)}`);
        }
        give();
      });
      child.on("exit", (code) => (code ? reject(new TypeError(`a worker ended with ${code}`)) : resolve()));
      give();
    });
  await Promise.all(Array.from({ length: workers }, work));
  report(all, broken.length, Date.now() - started, cpuMs);
  process.exit(broken.length > 0 ? 1 : 0);
}

function startWorker(): ChildProcess {
  // In memory where the machine has such a folder: a story writes some hundred small files.
  const memory = existsSync("/dev/shm") ? { TMPDIR: "/dev/shm" } : {};
  return fork(fileURLToPath(import.meta.url), ["--worker"], { env: { ...process.env, ...memory } });
}

function report(all: readonly Told[], broken: number, wallMs: number, cpuMs: number): void {
  const stats = noStats();
  for (const story of all) addStats(stats, story.stats);
  const virtualMs = all.reduce((sum, story) => sum + story.virtualMs, 0);
  const kind = (name: Told["kind"]) => all.filter((story) => story.kind === name).length;
  const rows: readonly (readonly [string, string | number])[] = [
    ["seeds", all.length],
    ["of these long", kind("long")],
    ["gone on to the end", kind("fate to the end")],
    ["broken", broken],
    ["plans", stats.plans],
    ["applies", stats.applies],
    ["kills survived", stats.kills],
    ["power cuts", stats.powerCuts],
    ["edits by others", stats.edits],
    ["lost answers", stats.lost],
    ["late commits", stats.late],
    ["changes settled", stats.settled],
    ["changes sent again", stats.repeats],
    ["zombies", stats.zombies],
    ["duplicates", stats.duplicates],
    ["lost", stats.missing],
    ["worst rolling window", `${Math.round(stats.worstWindow * 100)} % of its limit`],
    ["CPU time a seed", `${Math.round(cpuMs / all.length)} ms`],
    ["wall time", `${(wallMs / 1000).toFixed(1)} s`],
    ["virtual time", `${(virtualMs / 86_400_000).toFixed(1)} days`],
  ];
  for (const [name, value] of rows) print(`${name.padEnd(22)} ${value}`);
  const seen: readonly (keyof Stats)[] = ["kills", "zombies", "powerCuts", "lost", "late", "settled", "edits"];
  print(`\n${["seeds with", "all", ...seen].map((name) => name.padEnd(10)).join("")}`);
  for (const name of ["key", "conflict", "header", "no"] as const) {
    const these = all.filter(({ createClass }) => createClass === name);
    const counts = seen.map((what) => these.filter((story) => story.stats[what] > 0).length);
    print([name, these.length, ...counts].map((cell) => String(cell).padEnd(10)).join(""));
  }
}

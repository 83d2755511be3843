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
import { type StoryResult, tellStory } from "../test/simulation/story.ts";
import { addStats, noStats, type Stats } from "../test/simulation/witness.ts";

type Told = Omit<StoryResult, "events" | "config">;

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

/** A worker: a seed comes in, the story's end goes out. */
function serve(): void {
  process.on("message", (seed: number) => {
    void tellStory(seed).then(({ events: _, config: __, ...told }) => process.send?.(told));
  });
}

async function many(from: number, count: number, workers: number, keepGoing: boolean): Promise<void> {
  const started = Date.now();
  const stats = noStats();
  const broken: Told[] = [];
  let next = from;
  let told = 0;
  let virtualMs = 0;
  const children: ChildProcess[] = [];
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const child = startWorker();
      children.push(child);
      const give = () => {
        if (next >= from + count || (broken.length > 0 && !keepGoing)) child.disconnect();
        else child.send(next++);
      };
      child.on("message", (story: Told) => {
        told += 1;
        virtualMs += story.virtualMs;
        addStats(stats, story.stats);
        const [first] = story.violations;
        if (first) {
          broken.push(story);
          print(`seed ${story.seed}: ${first.rule}: ${first.message}\n  ${replay(story.seed)}`);
        }
        give();
      });
      child.on("exit", (code) => (code ? reject(new TypeError(`a worker ended with ${code}`)) : resolve()));
      give();
    });
  await Promise.all(Array.from({ length: workers }, work));
  report(told, broken.length, stats, Date.now() - started, virtualMs);
  process.exit(broken.length > 0 ? 1 : 0);
}

function startWorker(): ChildProcess {
  // In memory where the machine has such a folder: a story writes some hundred small files.
  const memory = existsSync("/dev/shm") ? { TMPDIR: "/dev/shm" } : {};
  return fork(fileURLToPath(import.meta.url), ["--worker"], { env: { ...process.env, ...memory } });
}

function report(told: number, broken: number, stats: Stats, wallMs: number, virtualMs: number): void {
  const rows: readonly (readonly [string, string | number])[] = [
    ["seeds", told],
    ["broken", broken],
    ["plans", stats.plans],
    ["applies", stats.applies],
    ["kills survived", stats.kills],
    ["power cuts", stats.powerCuts],
    ["edits by others", stats.edits],
    ["lost answers", stats.lost],
    ["changes settled", stats.settled],
    ["changes sent again", stats.repeats],
    ["zombies", stats.zombies],
    ["duplicates", stats.duplicates],
    ["lost", stats.missing],
    ["worst rolling window", `${Math.round(stats.worstWindow * 100)} % of its limit`],
    ["wall time", `${(wallMs / 1000).toFixed(1)} s`],
    ["virtual time", `${(virtualMs / 86_400_000).toFixed(1)} days`],
  ];
  for (const [name, value] of rows) print(`${name.padEnd(22)} ${value}`);
}

/** The whole matrix of kills: every point a run tells of, in every create class. @module */
import { type KillResult, killAt, pointsOf } from "./kill.ts";
import { seeded } from "./proxy-rules.ts";
import { type Shape, shapes } from "./shapes.ts";

interface Case {
  readonly shape: Shape;
  readonly point: string;
}

/** Each point at its first and its last passing. With a share below 1, as many of them as that, spread by the seed. */
async function casesOf(share: number, seed: number): Promise<readonly Case[]> {
  const chance = seeded(seed);
  const cases: Case[] = [];
  for (const shape of Object.values(shapes))
    for (const [point, times] of await pointsOf(shape)) {
      // The account's pace is passed with each call; once is enough.
      const nths = times > 1 && !point.startsWith("pace.") ? [1, times] : [1];
      cases.push(...nths.map((nth) => ({ shape, point: `${point}:${nth}` })));
    }
  return cases.filter(() => share >= 1 || chance() < share);
}

export interface WholeOptions {
  readonly share: number;
  readonly seed: number;
  readonly onResult: (result: KillResult, done: number, of: number) => void;
}

/** Two cases at a time. */
export async function allKills({ share, seed, onResult }: WholeOptions): Promise<readonly KillResult[]> {
  const cases = await casesOf(share, seed);
  const results: KillResult[] = [];
  let next = 0;
  const work = async () => {
    for (let one = cases[next++]; one; one = cases[next++]) {
      const result = await killAt(one.shape, one.point);
      results.push(result);
      onResult(result, results.length, cases.length);
    }
  };
  await Promise.all([work(), work()]);
  return results;
}

/** `npm test` runs a choice of the cases, spread by a seed; `EBB_FAULTS=all` (as `npm run faults` sets it) runs all. */
import { seeded } from "./proxy-rules.ts";

export const all = process.env.EBB_FAULTS === "all";

const SHARE = 0.5;

/** The first, and about half of the others: which, says `EBB_FAULTS_SEED`. */
export function some<T>(cases: readonly T[]): readonly T[] {
  if (all) return cases;
  const chance = seeded(Number(process.env.EBB_FAULTS_SEED ?? 1));
  return cases.filter((_, i) => i === 0 || chance() < SHARE);
}

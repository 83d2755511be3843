/**
 * How a plan differs from those before it. Each number is compared with the median of the last runs; how far they
 * scatter is their median distance from it (MAD), which a few odd runs do not move.
 * @module
 */
import type { PlanShape } from "./plan.ts";

/** So many runs are remembered, and so many are needed before anything is said. */
export const RUNS_REMEMBERED = 20;
const RUNS_NEEDED = 5;

/** Scatters a number may be away. */
const FAR = 6;
/** Makes the MAD of a normal distribution its standard deviation. */
const NORMAL = 1.4826;
/** The least that counts as scatter, so that runs which were all alike allow for a little. */
const LEAST = 5;

interface Measure {
  readonly what: string;
  readonly of: (shape: PlanShape) => number;
  /** The least scatter, given the median and the usual number of rows. */
  readonly least: (median: number, rows: number) => number;
  /** Fewer than usual is unusual too. */
  readonly bothWays?: boolean;
  readonly text?: (value: number) => string;
}

const changes = (median: number, rows: number) => Math.max(LEAST, median / 4, rows / 1_000);

const measures: readonly Measure[] = [
  { what: "creates", of: ({ create }) => create, least: changes },
  { what: "updates", of: ({ update }) => update, least: changes },
  { what: "deletes", of: (shape) => shape.delete, least: changes },
  {
    what: "rejected rows",
    of: rejectedShare,
    // Half a percent, or as many percent as five rows are.
    least: (_, rows) => Math.max(0.005, rows === 0 ? 1 : LEAST / rows),
    text: (share) => `${(100 * share).toFixed(1)} %`,
  },
  { what: "source rows", of: ({ rows }) => rows, least: (median) => Math.max(LEAST, median / 20), bothWays: true },
];

/**
 * Sentences about what is unusual; none before there are five runs to compare with.
 *
 * @param before of the last runs, oldest first
 * @example unusual(history, shape) // ["updates: 4200; the last 12 runs had 12 to 60, half of them 35 or fewer"]
 */
export function unusual(before: readonly PlanShape[], now: PlanShape): readonly string[] {
  const runs = before.slice(-RUNS_REMEMBERED);
  if (runs.length < RUNS_NEEDED) return [];
  const rows = median(runs.map((shape) => shape.rows));
  return measures.flatMap(({ what, of, least, bothWays = false, text = String }) => {
    const values = runs.map(of);
    const usual = median(values);
    const scatter = Math.max(NORMAL * median(values.map((value) => Math.abs(value - usual))), least(usual, rows));
    const away = of(now) - usual;
    if ((bothWays ? Math.abs(away) : away) <= FAR * scatter) return [];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const range = low === high ? text(low) : `${text(low)} to ${text(high)}, half of them ${text(usual)} or fewer`;
    return [`${what}: ${text(of(now))}; the last ${runs.length} runs had ${range}`];
  });
}

/** @param before of earlier runs, oldest first */
export function remembered(before: readonly PlanShape[], shape: PlanShape): readonly PlanShape[] {
  return [...before, shape].slice(-RUNS_REMEMBERED);
}

function rejectedShare({ rejected, rows }: PlanShape): number {
  return rows === 0 ? 0 : rejected / rows;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1);
  return (low + high) / 2;
}

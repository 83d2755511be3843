import { type Command, InvalidArgumentError, Option } from "commander";
import { showValuesOption } from "./show-values.ts";

/** Reads a whole number, at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least)
      throw new InvalidArgumentError(`It must be a whole number from ${least}.`);
    return value;
  };
}

/** Records of each kind that a plan's commands show when nothing else is asked for. */
export const SAMPLES = 5;
const MOST_SAMPLES = 100_000;

/** How much of a plan is told. */
export interface LevelOptions {
  readonly summary?: boolean;
  readonly detail: number;
  readonly showValues?: boolean;
}

/** Gives a command the options that say how much of a plan is told. */
export function levelOptions(command: Command): Command {
  command
    .addOption(new Option("--summary", "numbers only, and what would be deleted").conflicts("detail"))
    .addOption(new Option("--detail <n>", "records of each kind to show").argParser(sampleCount).default(SAMPLES));
  return showValuesOption(command);
}

function sampleCount(text: string): number {
  const value = wholeNumber(0)(text);
  if (value > MOST_SAMPLES)
    throw new InvalidArgumentError(
      "It must be at most 100000; to see more, query the plan's Parquet files (docs/plan-file.md).",
    );
  return value;
}

/** Reads the digest of a plan, or its beginning. */
export function planDigest(text: string): string {
  if (!/^[0-9a-f]{12,64}$/i.test(text))
    throw new InvalidArgumentError("It must be a plan's digest, or its first 12 characters or more.");
  return text.toLowerCase();
}

/** Takes an option more than once. */
export function several(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

const units = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** Reads a length of time, as milliseconds. */
export function lengthOfTime(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError("It must be a number and s, m, h or d, such as 24h.");
  return Number(count) * units[unit as keyof typeof units] * 1_000;
}

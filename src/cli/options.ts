import { InvalidArgumentError } from "commander";

/** Reads a whole number, at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least)
      throw new InvalidArgumentError(`It must be a whole number from ${least}.`);
    return value;
  };
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

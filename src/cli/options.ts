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

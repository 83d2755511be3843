/** All chance of a story comes from its seed: streams for what the story does, keyed draws for what befalls a call. @module */

/** A number in [0, 1) that depends on nothing but the parts, so that the order of asking changes nothing. */
export function draw(...parts: readonly (string | number)[]): number {
  return splitMix(hash(parts.join("\u0000"))) / 2 ** 32;
}

export interface Random {
  /** In [0, 1). */
  next(): number;
  /** From 0 to `below` - 1. */
  int(below: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly [T, ...T[]]): T;
}

export function randomOf(...parts: readonly (string | number)[]): Random {
  let state = hash(parts.join("\u0000"));
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;
    return splitMix(state) / 2 ** 32;
  };
  return {
    next,
    int: (below) => Math.floor(next() * below),
    chance: (probability) => next() < probability,
    pick: (from) => from[Math.floor(next() * from.length)] ?? from[0],
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return h;
}

function splitMix(seed: number): number {
  let z = (seed + 0x9e3779b9) >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b) >>> 0;
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35) >>> 0;
  return (z ^ (z >>> 16)) >>> 0;
}

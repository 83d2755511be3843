/** Sorted positions as inclusive ranges: `[1,2,3,7]` is `[[1,3],[7,7]]`. Journals stay small that way. */
export type Ranges = readonly (readonly [from: number, to: number])[];

export function toRanges(positions: Iterable<number>): Ranges {
  const ranges: [number, number][] = [];
  for (const n of [...positions].sort((a, b) => a - b)) {
    const last = ranges[ranges.length - 1];
    if (last && n === last[1] + 1) last[1] = n;
    else ranges.push([n, n]);
  }
  return ranges;
}

export function* positions(ranges: Ranges): Iterable<number> {
  for (const [from, to] of ranges) for (let n = from; n <= to; n++) yield n;
}

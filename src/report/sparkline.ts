const BARS = [..."▁▂▃▄▅▆▇█"] as const;

/**
 * Counts as bars. The lowest bar says none, or fewer than may be told apart.
 *
 * @param highest what the highest bar stands for, so that two rows of bars can be compared
 * @example sparkline([0, 1, 8], { highest: 8 }) // "▁▂█"
 */
export function sparkline(
  counts: readonly number[],
  { highest, least = 1 }: { readonly highest: number; readonly least?: number },
): string {
  return counts
    .map((count) => (count < least || highest <= 0 ? 0 : Math.max(1, Math.ceil((count / highest) * 7))))
    .map((height) => BARS[Math.min(7, height)])
    .join("");
}

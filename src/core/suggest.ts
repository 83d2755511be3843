import { distance } from "fastest-levenshtein";

/** `did you mean "x"?` for the nearest known name, or the known names when none is near. */
export function suggest(name: string, known: readonly string[]): string {
  const lower = name.toLowerCase();
  const best = known
    .map((candidate) => ({ candidate, d: distance(lower, candidate.toLowerCase()) }))
    .sort((a, b) => a.d - b.d)[0];
  if (best && best.d <= Math.max(2, Math.floor(name.length / 3))) return `did you mean "${best.candidate}"?`;
  const shown = known.slice(0, 12).join(", ");
  return known.length === 0 ? "there are none" : `there are: ${shown}${known.length > 12 ? ", …" : ""}`;
}

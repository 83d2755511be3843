import { widthOf } from "./layout.ts";

const signs: Readonly<Record<string, string>> = { "…": "~", "•": "*", "–": "-", "→": ">", "∣": "|" };
const BARS = "▁▂▃▄▅▆▇█";
const HEIGHTS = "_.,-=+*#";

/** A text for a terminal that knows no more than ASCII, as wide as before: signs have their like, all else is `?`. */
export function toAscii(text: string): string {
  return text.replace(/\P{ASCII}/gu, (found) => {
    const bar = BARS.indexOf(found);
    return bar >= 0 ? (HEIGHTS[bar] ?? "?") : (signs[found] ?? "?".repeat(widthOf(found)));
  });
}

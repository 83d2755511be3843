/** What came of planning again within a reviewed plan. @module */
import type { Containment } from "../engine/contained.ts";
import { counted, thousands } from "./numbers.ts";
import type { Reveal } from "./reveal.ts";

/** @param digest of the reviewed plan */
export function containedLine({ changes, reviewed }: Containment, digest: string): string {
  const fewer = reviewed - changes;
  const rest =
    fewer === 0 ? "" : `; ${thousands(fewer)} ${fewer === 1 ? "is" : "are"} done already, or no longer needed`;
  return `Planned again within plan ${digest.slice(0, 12)}: ${thousands(changes)} of ${counted(reviewed, "reviewed change")} ${changes === 1 ? "remains" : "remain"}${rest}.`;
}

const words = { unreviewed: "the reviewed plan does not change it", different: "reviewed otherwise" } as const;

/** The first of the changes that are not contained, a line each. */
export function uncontainedLines({ examples }: Containment, reveal: Reveal): readonly string[] {
  return examples.map(({ sync, key, why }) => `  ${reveal.name(sync)}  ${reveal.key(sync, key)}  ${words[why]}`);
}

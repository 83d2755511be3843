/** What befalls a call: decided by what it is and how often it was tried, so that no interleaving changes a story. @module */
import type { StoryConfig } from "./config.ts";
import { draw } from "./random.ts";

export type WriteFault =
  /** Nothing happens, and the connection breaks. */
  | "before"
  /** All of it happens, and the connection breaks. */
  | "after"
  /** The first half of it happens. */
  | "half"
  /** The connection breaks, and it happens some seconds later. */
  | "late"
  | "refused"
  | "busy"
  | "busy-pause"
  | "quota"
  | "unauthorised"
  | "unavailable"
  | "unavailable-after"
  | "garbage"
  | "silence"
  | "missing"
  | "reordered"
  | "twice"
  | "strangers";

const writeFaults: readonly WriteFault[] = [
  "before",
  "after",
  "half",
  "late",
  "refused",
  "busy",
  "busy-pause",
  "quota",
  "unauthorised",
  "unavailable",
  "unavailable-after",
  "garbage",
  "silence",
  "missing",
  "reordered",
  "twice",
  "strangers",
];

export type ReadFault = "before" | "busy" | "busy-pause" | "unavailable" | "garbage" | "refused";
const readFaults: readonly ReadFault[] = ["before", "busy", "busy-pause", "unavailable", "garbage", "refused"];

export function writeFault(config: StoryConfig, what: string, attempt: number): WriteFault | undefined {
  if (draw(config.seed, "write", what, attempt) >= config.trouble * 2) return undefined;
  const fault = writeFaults[Math.floor(draw(config.seed, "write fault", what, attempt) * writeFaults.length)];
  return fault === "late" && (config.lagSeconds === 0 || !config.faults.lateCommits) ? "after" : fault;
}

export function readFault(config: StoryConfig, what: string, attempt: number): ReadFault | undefined {
  if (draw(config.seed, "read", what, attempt) >= config.trouble / 2) return undefined;
  return readFaults[Math.floor(draw(config.seed, "read fault", what, attempt) * readFaults.length)];
}

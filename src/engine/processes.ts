/** Which process is meant, and whether it is no more. @module */
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface ProcessName {
  readonly host: string;
  /** Tells process numbers apart that mean different processes: containers of one name. */
  readonly place: string;
  readonly pid: number;
}

export function thisProcess(): ProcessName {
  return { host: hostname(), place: processPlace(), pid: process.pid };
}

/** True only where that can be known: of a process of this machine. */
export function hasEnded({ host, place, pid }: ProcessName): boolean {
  if (host !== hostname() || place !== processPlace()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "ESRCH";
  }
}

/** The namespace this process has its number in. */
function processPlace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

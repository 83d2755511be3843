/** Named points the command line passes, and what happens at one of them. @module */
import { writeSync } from "node:fs";

/** `half`: of what is written at this point, the first half is on disk; a call has been handed to the network. */
export type Position = "before" | "half" | "after";

/** Kill the own process, stop it (until SIGCONT), or fail every write to disk from here on with this code. */
export type Blow = "kill" | "stop" | "ENOSPC" | "EIO" | "EROFS";

/** What `EBB_FAILPOINT` says: strike at the n-th passing of a point, or list what is passed on stderr. */
export type Aim =
  | { readonly name: string; readonly position: Position; readonly nth: number; readonly blow: Blow }
  | "list"
  | undefined;

/** @example parseFailpoint("journal.intent:after:3") // killed after the third intent */
export function parseFailpoint(text: string | undefined): Aim {
  if (text === undefined || text === "") return undefined;
  if (text === "list") return "list";
  const [, name = "", position, nth, blow = "kill"] =
    /^([\w.-]+):(before|half|after):(\d+)(?::(kill|stop|ENOSPC|EIO|EROFS))?$/.exec(text) ?? [];
  if (!position) throw new SyntaxError(`EBB_FAILPOINT=${text} is not NAME:before|half|after:N[:BLOW]`);
  return { name, position: position as Position, nth: Number(nth), blow: blow as Blow };
}

/** Counts passings and strikes. One for the whole process. */
export class Failpoint {
  /** Code every write fails with from now on. */
  failing: Exclude<Blow, "kill" | "stop"> | undefined;
  private readonly aim: Aim;
  private readonly passed = new Map<string, number>();

  constructor(aim: Aim) {
    this.aim = aim;
  }

  /** Passes a point. Does not return when the process is killed. */
  pass(name: string, position: Position): void {
    const at = `${name}:${position}`;
    const nth = (this.passed.get(at) ?? 0) + 1;
    this.passed.set(at, nth);
    if (this.aim === "list") return void writeSync(2, `failpoint ${at}:${nth}\n`);
    if (!this.aim || this.aim.nth !== nth || `${this.aim.name}:${this.aim.position}` !== at) return;
    const { blow } = this.aim;
    if (blow === "kill") process.kill(process.pid, "SIGKILL");
    else if (blow === "stop") process.kill(process.pid, "SIGSTOP");
    else this.failing = blow;
  }

  /** True where the first half of the next passing is to be written, and then to be struck. */
  halves(name: string): boolean {
    const next = (this.passed.get(`${name}:half`) ?? 0) + 1;
    if (this.aim === undefined || this.aim === "list") return false;
    return this.aim.name === name && this.aim.position === "half" && this.aim.nth === next;
  }
}

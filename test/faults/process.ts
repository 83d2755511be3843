/** Runs the command line with failpoints as a process of its own. @module */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { quiet } from "../cli/run.ts";
import { builtEntry } from "./build.ts";
import type { Bends } from "./ebb/bends.ts";

export interface Ended {
  readonly code: number | null;
  /** The signal that ended it. */
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  /** Most memory it held (VmHWM), in MB; 0 where /proc does not tell. */
  readonly peakMb: number;
}

export interface EbbOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** As `EBB_FAILPOINT` takes it. */
  readonly failpoint?: string;
  readonly bends?: Bends;
  /** Called with the process once it runs. */
  readonly meanwhile?: (child: ChildProcess) => void;
}

const LOOK_MS = 100;

export function ebb(args: readonly string[], options: EbbOptions): Promise<Ended> {
  const { cwd, env = {}, failpoint = "", bends = {}, meanwhile } = options;
  // What meets or waits in the machine's temporary folder stays with the case.
  const temporary = join(cwd, "tmp");
  mkdirSync(temporary, { recursive: true });
  const child = spawn(process.execPath, [builtEntry(), ...args], {
    cwd,
    env: { ...quiet, TMPDIR: temporary, ...env, EBB_FAILPOINT: failpoint, EBB_BEND: JSON.stringify(bends) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  let peakMb = 0;
  const look = setInterval(() => {
    peakMb = Math.max(peakMb, peakOf(child.pid));
  }, LOOK_MS);
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  meanwhile?.(child);
  return new Promise((resolve) =>
    child.on("close", (code, signal) => {
      clearInterval(look);
      resolve({ code, signal, out, err, peakMb });
    }),
  );
}

function peakOf(pid: number | undefined): number {
  try {
    const [, kb = "0"] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Math.round(Number(kb) / 1024);
  } catch {
    return 0;
  }
}

/** Resolves when the process has said so on stderr. */
export function said(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve) => {
    let heard = "";
    child.stderr?.on("data", (chunk) => {
      heard += chunk;
      if (heard.includes(text)) resolve();
    });
  });
}

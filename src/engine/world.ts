/** All that the engine takes from outside: clock, sleep, randomness, network and disk are passed in. @module */
import type { Dispatcher } from "undici";
import type { System } from "../connector/index.ts";
import type { Limiter } from "./connect/limiter.ts";
import type { Disk } from "./state/disk.ts";

export interface World {
  readonly systems: readonly System[];
  /** Root of the project; relative paths start here. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly disk: Disk;
  /** Milliseconds since the epoch. */
  now(): number;
  /** As {@link now}, except that nobody can set it forward or back while the process lives: what is paced goes by it. */
  steady(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Does something after so many milliseconds of real time, unless what it answers is called before. */
  after(ms: number, act: () => void): () => void;
  /** A short random name, lower-case letters and digits. */
  randomName(): string;
  /** A number from 0 to below 1, by chance. */
  random(): number;
  /** Loaded with the first HTTP connection. */
  dispatcher(): Promise<Dispatcher>;
  readonly version: string;
  /** True where somebody sits at a terminal and can be asked. */
  readonly interactive: boolean;
  /** A folder in which processes of this machine and user meet; null where there is none. */
  meetingPlace(): Promise<string | null>;
  /** One limiter for each connection while the process lives: a plan's calls count for the apply that follows. */
  readonly limiters: Map<string, Limiter>;
}

export type Phase = "source" | "destination" | "diff" | "save" | "apply" | "settle";

/** Progress, for whoever shows it. The engine itself never prints. */
export type EngineEvent =
  | { readonly type: "phase"; readonly sync: string; readonly phase: Phase; readonly total?: number }
  | { readonly type: "progress"; readonly sync: string; readonly phase: Phase; readonly done: number }
  | { readonly type: "waiting"; readonly connection: string; readonly ms: number }
  | { readonly type: "run"; readonly run: string; readonly resumed: boolean };

export type Listener = (event: EngineEvent) => void;

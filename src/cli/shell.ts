/** The terminal a command runs in: the one place that writes to stdout and stderr. @module */
import { coloured, plain, type Style } from "../report/style.ts";
import { createEvents, type Events } from "./events.ts";
import type { Signals } from "./signals.ts";
import type { Around } from "./world.ts";

export interface Shell {
  /** Data is to be JSON. */
  readonly json: boolean;
  /** Name of the stack, where a project has several. */
  readonly stack: string | undefined;
  /** Stdout is a terminal: a person reads it, and it is not a log. */
  readonly interactive: boolean;
  /** Somebody can be asked. */
  readonly canAsk: boolean;
  readonly style: Style;
  /** Whoever reads may be shown no more than ASCII. */
  readonly ascii: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signals: Signals;
  /** What stands between the command and the world. */
  readonly around: Around;
  /** With `--json`, what stderr is; null without. */
  readonly events: Events | null;
  /** Data, to stdout. */
  print(text: string): void;
  /** What is not data, to stderr; with `--json` as an event. */
  note(text: string): void;
  /** Asks and gives the answer; the question goes to stderr. */
  ask(question: string): Promise<string>;
}

export interface ShellOptions {
  readonly json: boolean;
  readonly stack: string | undefined;
  /** False with `--no-color`. */
  readonly color: boolean;
}

export function openShell(options: ShellOptions, signals: Signals, around: Around): Shell {
  const interactive = process.stdout.isTTY === true;
  const toStderr = (text: string) => void process.stderr.write(text);
  const events = options.json ? createEvents({ write: toStderr, now: Date.now }) : null;
  return {
    json: options.json,
    stack: options.stack,
    interactive,
    canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true && !options.json,
    style: options.color && wantsColour(process.env, interactive) ? coloured : plain,
    ascii: wantsAscii(process.env),
    env: process.env,
    signals,
    around,
    print: (text) => void process.stdout.write(ended(text)),
    events,
    note(text) {
      if (events) events.send({ type: "note", text: text.trim() });
      else toStderr(text === "" ? "\n" : ended(text));
    },
    async ask(question) {
      const { createInterface } = await import("node:readline/promises");
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      // Readline takes Ctrl-C for itself.
      lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
      const closed = new Promise<string>((resolve) => lines.on("close", () => resolve("")));
      try {
        return (await Promise.race([lines.question(question, { signal: signals.stop }), closed])).trim();
      } finally {
        lines.close();
      }
    },
  };
}

function wantsColour(env: NodeJS.ProcessEnv, terminal: boolean): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
  return terminal && env.TERM !== "dumb";
}

/** Asked for, or the terminal or the locale says so. A locale that is not set says nothing. */
function wantsAscii(env: NodeJS.ProcessEnv): boolean {
  if (env.EBB_ASCII !== undefined) return env.EBB_ASCII === "1";
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return env.TERM === "dumb" || (locale !== "" && !/utf-?8/i.test(locale));
}

function ended(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** Resolves when everything written has left the process. */
export async function flushed(): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((done) => {
      if (stream.destroyed || !stream.writable) return done();
      stream.write("", () => done());
    });
}

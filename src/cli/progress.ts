/** Progress on stderr: one line that is redrawn on a terminal, a line now and then in a log. Never a record value. @module */
import type { EngineEvent, Listener, Phase } from "../engine/world.ts";
import { cut, WIDTH } from "../report/layout.ts";
import { counted, duration, thousands } from "../report/numbers.ts";
import { sanitise } from "../report/sanitise.ts";
import type { Shell } from "./shell.ts";

const REDRAW_MS = 100;
const LOG_MS = 5_000;

/** What is done in a phase. */
export const phaseWords: Readonly<Record<Phase, string>> = {
  source: "reading source",
  destination: "reading destination",
  diff: "comparing",
  save: "saving",
  apply: "applying",
  settle: "settling what is in doubt",
};

export interface Progress {
  readonly listen: Listener;
  /** Takes the line away. */
  end(): void;
}

export interface ProgressOptions {
  /** The stream is a terminal. */
  readonly terminal: boolean;
  readonly write: (text: string) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface Work {
  readonly sync: string;
  readonly phase: Phase;
  readonly total: number | undefined;
  readonly since: number;
  done: number;
}

export function createProgress({ terminal, write, now }: ProgressOptions): Progress {
  let work: Work | undefined;
  let waiting: { connection: string; until: number } | undefined;
  let shown = now();
  let drawn = false;
  const clear = () => {
    if (drawn) write("\r\u001b[2K");
    drawn = false;
  };
  const draw = (force: boolean) => {
    if (!work) return;
    const at = now();
    if (!force && at - shown < (terminal ? REDRAW_MS : LOG_MS)) return;
    if (!terminal && at - shown < LOG_MS) return;
    shown = at;
    const text = progressText(work, waiting && waiting.until > at ? waiting : undefined, at);
    write(terminal ? `\r\u001b[2K${cut(text, WIDTH - 1)}` : `${text}\n`);
    drawn = terminal;
  };
  return {
    listen(event: EngineEvent) {
      if (event.type === "run") {
        clear();
        write(`${event.resumed ? "Resuming run" : "Run"} ${event.run}\n`);
      } else if (event.type === "waiting") {
        waiting = { connection: event.connection, until: now() + event.ms };
        draw(false);
      } else if (event.type === "phase") {
        work = { sync: event.sync, phase: event.phase, total: event.total, since: now(), done: 0 };
        draw(terminal && now() - shown >= REDRAW_MS);
      } else {
        if (work?.sync !== event.sync || work.phase !== event.phase)
          work = { sync: event.sync, phase: event.phase, total: undefined, since: now(), done: 0 };
        work.done = event.done;
        draw(false);
      }
    },
    end: clear,
  };
}

function progressText(
  { sync, phase, total, since, done }: Work,
  waiting: { connection: string } | undefined,
  at: number,
) {
  const seconds = (at - since) / 1000;
  const parts = [`${sanitise(sync)}: ${phaseWords[phase]}`];
  if (done > 0) parts.push(total ? `${thousands(done)} of ${counted(total, "record")}` : counted(done, "record"));
  if (done > 0 && seconds >= 1) parts.push(`${thousands(Math.round(done / seconds))} a second`);
  if (done > 0 && seconds >= 1 && total && total > done)
    parts.push(`${duration(((total - done) * seconds) / done)} left`);
  if (waiting) parts.push(`waiting for ${sanitise(waiting.connection)}'s rate limit`);
  return parts.join(", ");
}

/** Runs work with progress on stderr: for a person, or as events. */
export async function withProgress<T>(
  { events }: Pick<Shell, "events">,
  use: (listen: Listener) => Promise<T>,
): Promise<T> {
  if (events) return use(events.listen);
  const progress = createProgress({
    terminal: process.stderr.isTTY === true,
    write: (text) => void process.stderr.write(text),
    now: Date.now,
  });
  try {
    return await use(progress.listen);
  } finally {
    progress.end();
  }
}

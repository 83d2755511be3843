/** The stream of events that stderr is with `--json`: one JSON object a line, for whoever watches the command. @module */
import type { EngineEvent, Listener } from "../engine/world.ts";
import { JSON_FORMAT, toJsonLine } from "../report/json.ts";
import type { EventBody } from "../report/schema/events.ts";
import { packageVersion } from "./package.ts";

export interface Events {
  /** Writes the first line, unless it is written. */
  start(): void;
  send(event: EventBody): void;
  started(): boolean;
  /** Writes the last line, if there was a first one. */
  end(exit: number): void;
  /** Takes the engine's events. */
  readonly listen: Listener;
}

export interface EventsOptions {
  readonly write: (text: string) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const PROGRESS_MS = 1_000;

export function createEvents({ write, now }: EventsOptions): Events {
  let started = false;
  const told = new Map<string, number>();
  const line = (event: EventBody) => {
    const { type, ...rest } = event;
    write(`${toJsonLine({ type, at: new Date(now()).toISOString(), ...rest })}\n`);
  };
  const start = () => {
    if (started) return;
    started = true;
    line({ type: "version", format_version: JSON_FORMAT, tool: packageVersion() });
  };
  const send = (event: EventBody) => {
    start();
    line(event);
  };
  return {
    start,
    started: () => started,
    send,
    end(exit) {
      if (started) line({ type: "end", exit });
    },
    listen(event: EngineEvent) {
      if (event.type === "progress") {
        const about = JSON.stringify([event.sync, event.phase]);
        const at = now();
        if (at - (told.get(about) ?? 0) < PROGRESS_MS) return;
        told.set(about, at);
      }
      send(event);
    },
  };
}

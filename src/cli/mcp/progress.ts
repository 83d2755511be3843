import type { EngineEvent, Listener } from "../../engine/world.ts";
import { counted } from "../../report/numbers.ts";
import { sanitise } from "../../report/sanitise.ts";
import { phaseWords } from "../progress.ts";
import type { Extra } from "./calls.ts";

const PROGRESS_MS = 1_000;

/**
 * Tells the client how far a request is, if it asked for that.
 *
 * @param now milliseconds since the epoch
 */
export function progressTo(
  { _meta, sendNotification }: Pick<Extra, "_meta" | "sendNotification">,
  now: () => number,
): Listener {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return () => undefined;
  const told = new Map<string, number>();
  let progress = 0;
  return (event) => {
    if (event.type === "progress") {
      const about = JSON.stringify([event.sync, event.phase]);
      if (now() - (told.get(about) ?? 0) < PROGRESS_MS) return;
      told.set(about, now());
    }
    progress += 1;
    const params = { progressToken, progress, message: textOf(event) };
    // A client that has gone needs no progress.
    sendNotification({ method: "notifications/progress", params }).catch(() => undefined);
  };
}

function textOf(event: EngineEvent): string {
  if (event.type === "run") return `${event.resumed ? "resuming run" : "run"} ${sanitise(event.run)}`;
  if (event.type === "waiting") return `waiting for ${sanitise(event.connection)}'s rate limit`;
  const what = `${sanitise(event.sync)}: ${phaseWords[event.phase]}`;
  return event.type === "progress" ? `${what}, ${counted(event.done, "record")}` : what;
}

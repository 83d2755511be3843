import { exitOfSignal, type StopSignal } from "./exit.ts";

export interface Signals {
  /** Aborts with the first SIGINT or SIGTERM. */
  readonly stop: AbortSignal;
  /** The signal that came, if one did. */
  received(): StopSignal | null;
}

/** Listens for SIGINT and SIGTERM: the first asks to stop, the second ends the process at once. */
export function listenForSignals(): Signals {
  const controller = new AbortController();
  let received: StopSignal | null = null;
  const onSignal = (signal: StopSignal) => {
    if (received) process.exit(exitOfSignal(signal));
    received = signal;
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return { stop: controller.signal, received: () => received };
}

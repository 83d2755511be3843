import { Writable } from "node:stream";

export interface OwnedStdout {
  /** Leads to stdout. */
  readonly stream: Writable;
  /** Gives stdout back, once what was written has left. */
  release(): Promise<void>;
}

/**
 * Keeps stdout for the protocol alone. What anything else in this process prints there, such as a policy with a
 * `console.log`, goes to stderr.
 *
 * @param gone called when nobody reads stdout any more
 */
export function ownStdout(gone: () => void): OwnedStdout {
  const { stdout, stderr } = process;
  const { write } = stdout;
  const writeOut = write.bind(stdout);
  const listeners = stdout.listeners("error") as ((error: Error) => void)[];
  // The command line leaves at once when its reader has gone; an apply has batches to finish.
  stdout.removeAllListeners("error");
  stdout.on("error", gone);
  stdout.write = stderr.write.bind(stderr) as typeof write;
  const stream = new Writable({
    write: (chunk, _encoding, done) => void writeOut(chunk, undefined, () => done()),
  });
  return {
    stream,
    async release() {
      await new Promise<void>((done) => stream.end(done));
      stdout.write = write;
      stdout.off("error", gone);
      for (const listener of listeners) stdout.on("error", listener);
    },
  };
}

/** A value several callers change in turn: within this process, or between the processes of this machine. @module */
import type { Disk } from "../state/disk.ts";

export interface Cell<T> {
  /** Changes the value and answers what `change` answers. No two changes overlap. */
  change<A>(change: (value: T) => readonly [next: T, answer: A]): Promise<A>;
}

export function memoryCell<T>(first: T): Cell<T> {
  let value = first;
  return {
    async change(change) {
      const [next, answer] = change(value);
      value = next;
      return answer;
    },
  };
}

/**
 * A value in a file. What is written there is a help, not a promise: without the file (no right to write, disk full,
 * damaged) each process goes on with what it knows itself.
 */
export function fileCell<T>(disk: Disk, path: string, first: T): Cell<T> {
  let known = first;
  let alone = false;
  return {
    async change<A>(change: (value: T) => readonly [T, A]): Promise<A> {
      let answer: { readonly is: A } | undefined;
      const apply = (value: T) => {
        const [next, is] = change(value);
        known = next;
        answer = { is };
        return next;
      };
      if (!alone)
        try {
          await disk.update(path, (text) => JSON.stringify(apply(parsed(text) ?? known)));
        } catch {
          alone = true;
        }
      if (!answer) apply(known);
      if (!answer) throw new TypeError("a cell was not changed");
      return answer.is;
    },
  };

  function parsed(text: string | null): T | undefined {
    try {
      return text === null ? undefined : (JSON.parse(text) as T);
    } catch {
      return undefined;
    }
  }
}

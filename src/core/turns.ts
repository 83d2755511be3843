/** Does one piece of work after the other, in the order they came. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** What fails holds up nobody behind it. */
export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** Does one piece of work after the other, in the order they came. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** What fails holds up nobody behind it. */
export function createTurns(): Turns {
  return createSharedTurns(1).alone;
}

/** Turns of work that may go on beside its like, and of work that must not. */
export interface SharedTurns {
  /** Goes on beside others of its kind. */
  readonly beside: Turns;
  /** Goes on while nothing else does. */
  readonly alone: Turns;
}

/**
 * In the order they came: who goes on alone waits for all before it, and all behind it wait. What fails holds up nobody.
 *
 * @param most pieces of work that go on beside each other
 */
export function createSharedTurns(most: number): SharedTurns {
  let free = most;
  const waiting: { readonly places: number; readonly start: () => void }[] = [];
  const startNext = () => {
    for (let next = waiting[0]; next && next.places <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.places;
      next.start();
    }
  };
  const taking =
    (places: number): Turns =>
    async (work) => {
      await new Promise<void>((start) => {
        waiting.push({ places, start });
        startNext();
      });
      try {
        return await work();
      } finally {
        free += places;
        startNext();
      }
    };
  return { beside: taking(1), alone: taking(most) };
}

/** Lets calls of the embedded engine through until it is closed: it does not survive being closed under one. @module */
export interface Gate {
  /** Makes a call; refused once the gate is closed. */
  held<T>(call: () => Promise<T>): Promise<T>;
  /** Refuses every call from now on, and waits for those under way. */
  close(): Promise<void>;
}

export function createGate(): Gate {
  const underWay = new Set<Promise<unknown>>();
  let closed = false;
  return {
    async held(call) {
      if (closed) throw new TypeError("the staging engine is closed");
      const calling = call();
      underWay.add(calling);
      try {
        return await calling;
      } finally {
        underWay.delete(calling);
      }
    },
    async close() {
      closed = true;
      await Promise.allSettled(underWay);
    },
  };
}

import type { Connections } from "../engine/connect/connections.ts";

/** Connections that plans use one after the other and beside each other. */
export interface SharedConnections {
  /** Uses connections that nobody else uses meanwhile; `open` opens the first, and those beside them follow. */
  use<T>(open: () => Promise<Connections>, work: (connections: Connections) => Promise<T>): Promise<T>;
  /** Closes all of them; nobody uses any. */
  close(): Promise<void>;
}

export function shareConnections(): SharedConnections {
  let first: Promise<Connections> | undefined;
  const idle: Connections[] = [];
  const another = async (open: () => Promise<Connections>): Promise<Connections> => {
    if (first) return (await first).beside();
    first = open();
    first.catch(() => {
      first = undefined;
    });
    return first;
  };
  return {
    async use(open, work) {
      const connections = idle.pop() ?? (await another(open));
      try {
        return await work(connections);
      } finally {
        idle.push(connections);
      }
    },
    async close() {
      const opened = first;
      first = undefined;
      idle.length = 0;
      await (await opened)?.close();
    },
  };
}
